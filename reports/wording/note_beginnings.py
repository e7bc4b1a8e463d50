"""What a note says about its own place by how it begins: "went well: …", "contributing: …", "decision: …"."""

import re

_LESSON = re.compile(
    r"\s*(?:what |where )?(?:we )?(?P<which>went well|well|went wrong|wrong|didn.t go (?:so )?well|got lucky|lucky|luck)\s*[:–-]\s*",
    re.IGNORECASE,
)
_WELL, _LUCKY = ("went well", "well"), ("got lucky", "lucky", "luck")
_CAUSE = re.compile(
    r"\s*(?P<which>trigger|root cause|cause|contributing(?: factor)?|factor)\s*[:–-]\s*", re.IGNORECASE
)


def lesson_kind(lesson: str) -> str | None:
    """Return to which of them a lesson belongs: well, wrong, lucky; None where it does not say."""
    beginning = _LESSON.match(lesson)
    if beginning is None:
        return None
    word = beginning["which"].lower()
    return "well" if word in _WELL else "lucky" if word in _LUCKY else "wrong"


def without_lesson_kind(lesson: str) -> str:
    return _rest(_LESSON, lesson)


def cause_part(note: str) -> str:
    """Return which part of a root cause a note is: trigger, factor, or the cause itself, which need not say so."""
    beginning = _CAUSE.match(note)
    if beginning is None or beginning["which"].lower() in ("cause", "root cause"):
        return "cause"
    return "trigger" if beginning["which"].lower() == "trigger" else "factor"


def without_cause_part(note: str) -> str:
    return _rest(_CAUSE, note)


def _rest(pattern: re.Pattern[str], note: str) -> str:
    beginning = pattern.match(note)
    if beginning is None:
        return note
    rest = note[beginning.end() :]
    return rest[:1].upper() + rest[1:]
