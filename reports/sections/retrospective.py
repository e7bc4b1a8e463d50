"""What went well, what did not, and where there was luck: what people said, and what the log measured.

A lesson says which of them it is by how it begins: "went well: …", "went wrong: …", "lucky: …".
"""

import re
from collections.abc import Callable

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


def which(said: str) -> str | None:
    """Say to which of them a lesson belongs: well, wrong, lucky; None where it does not say."""
    found = _BEGINNING.match(said)
    if found is None:
        return None
    word = found["which"].lower()
    return "well" if word in _WELL else "lucky" if word in _LUCKY else "wrong"


def well(context: Context) -> list[str]:
    """Write what went well."""
    return _written(context, "well", _measured_well(context), "went well")


def wrong(context: Context) -> list[str]:
    """Write what did not."""
    return _written(context, "wrong", _measured_wrong(context), "went wrong")


def lucky(context: Context) -> list[str]:
    """Write where there was luck; no log can tell that."""
    return _written(context, "lucky", [], "lucky")


def unsorted(context: Context) -> list[str]:
    """Write the lessons that do not say which they are; nothing where there are none."""
    return noted([entry for entry in context.notes("lesson") if which(_text(entry)) is None])


def _written(context: Context, name: str, measured: list[str], beginning: str) -> list[str]:
    told = [entry for entry in context.notes("lesson") if which(_text(entry)) == name]
    written = [*noted(told, _without_beginning), *measured]
    if written:
        return written
    note = command("note", context.incident.id, "--kind", "lesson", f"{beginning}: …")
    return [f"Not recorded yet; {note}"]


def _text(entry: Entry) -> str:
    assert isinstance(entry.fact, NoteAdded)
    return entry.fact.text


def _without_beginning(said: str) -> str:
    rest = said[found.end() :] if (found := _BEGINNING.match(said)) else said
    return rest[:1].upper() + rest[1:]


def _measured_well(context: Context) -> list[str]:
    written = []
    took = time_to_detect(context)
    if context.incident.detected_by == "alert":
        after = f", {value(took)} after it started" if took else ""
        written.append(f"- An alert told us{after} *(measured)*")
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
        written.append("- It was a customer who told us *(recorded)*")
    tellers: list[tuple[type, Callable[[Entry], str]]] = [
        (
            EtaMissed,
            lambda entry: (
                f"The time promised for {context.moment(entry.occurred_at, entry.precision_seconds)} passed without a fix"
            ),
        ),
        (
            IncidentReopened,
            lambda entry: (
                f"It came back: reopened at {context.moment(entry.occurred_at, entry.precision_seconds)}"
            ),
        ),
    ]
    for kind, words in tellers:
        written += [
            f"- {words(entry)} ({code(entry.handle)}) *(recorded)*"
            for entry in context.entries
            if isinstance(entry.fact, kind)
        ]
    return written
