"""What went well, what went wrong, and where we got lucky: as people noted, and as the log measured.

A lesson says which of them it is by how it begins: "went well: …", "went wrong: …", "lucky: …".
"""

import re

from projections.timeline import Entry
from reports.context import Context
from reports.markdown import code, command, text
from reports.sections.detection import time_to_detect
from reports.sections.missing import noted
from reports.wording.durations import value
from reports.wording.verdict_phrases import headline
from tracker.events.incidents import IncidentReopened, NoteAdded
from tracker.events.messages import EtaMissed

_BEGINNING = re.compile(
    r"\s*(?:what |where )?(?:we )?(?P<which>went well|well|went wrong|wrong|didn.t go (?:so )?well|got lucky|lucky|luck)\s*[:–-]\s*",
    re.IGNORECASE,
)
_WELL, _LUCKY = ("went well", "well"), ("got lucky", "lucky", "luck")


def kind_of(lesson: str) -> str | None:
    """Return to which of them a lesson belongs: well, wrong, lucky; None where it does not say."""
    beginning = _BEGINNING.match(lesson)
    if beginning is None:
        return None
    word = beginning["which"].lower()
    return "well" if word in _WELL else "lucky" if word in _LUCKY else "wrong"


def well(context: Context) -> list[str]:
    return _written(context, "well", _measured_well(context), "went well")


def wrong(context: Context) -> list[str]:
    return _written(context, "wrong", _measured_wrong(context), "went wrong")


def lucky(context: Context) -> list[str]:
    return _written(context, "lucky", [], "lucky")


def unsorted(context: Context) -> list[str]:
    """Write the lessons that do not say which they are; nothing where there are none."""
    return noted([entry for entry in context.notes("lesson") if kind_of(_text(entry)) is None])


def _written(context: Context, name: str, measured: list[str], beginning: str) -> list[str]:
    lessons = [entry for entry in context.notes("lesson") if kind_of(_text(entry)) == name]
    written = [*noted(lessons, _without_beginning), *measured]
    if written:
        return written
    note = command("note", context.incident.id, "--kind", "lesson", f"{beginning}: …")
    return [f"Not recorded yet; {note}"]


def _text(entry: Entry) -> str:
    assert isinstance(entry.fact, NoteAdded)
    return entry.fact.text


def _without_beginning(lesson: str) -> str:
    beginning = _BEGINNING.match(lesson)
    rest = lesson[beginning.end() :] if beginning else lesson
    return rest[:1].upper() + rest[1:]


def _measured_well(context: Context) -> list[str]:
    written = []
    took = time_to_detect(context)
    if context.incident.detected_by == "alert":
        after = f", {value(took)} after it started" if took else ""
        written.append(f"- It was detected by an alert{after} *(measured)*")
    for entry in context.attributed("fixed"):
        rows = [row for row in context.verdicts if row.change in entry.evidence]
        healthy = [row for row in rows if row.baseline == "healthy"]
        last = [row for row in healthy if row.window == healthy[-1].window] if healthy else []
        if last and all(row.verdict in ("recovered", "unaffected") for row in last):
            written.append(f"- {text(headline(rows).rstrip('.'))} *(measured)*")
    return written


def _measured_wrong(context: Context) -> list[str]:
    written = []
    if context.incident.detected_by == "customer":
        written.append("- It was reported by a customer *(recorded)*")
    for entry in context.entries:
        at = context.moment(entry.occurred_at, entry.precision_seconds)
        if isinstance(entry.fact, EtaMissed):
            what = f"The time promised for {at} passed without a fix"
        elif isinstance(entry.fact, IncidentReopened):
            what = f"It came back: reopened at {at}"
        else:
            continue
        written.append(f"- {what} ({code(entry.handle)}) *(recorded)*")
    return written
