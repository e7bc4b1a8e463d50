"""What went well, what went wrong, and where we got lucky: as people noted, and as the log measured.

A lesson says which of them it is by how it begins: "went well: …", "went wrong: …", "lucky: …".
"""

from collections.abc import Callable

from projections.key_moments import customer_words
from projections.procedure.rule import Status
from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import code, text
from reports.sections import procedure
from reports.sections.detection import time_to_detect
from reports.sections.missing import noted, notes_or_missing
from reports.wording.durations import value
from reports.wording.metrics import after_change_in_words
from reports.wording.note_beginnings import lesson_kind, without_lesson_kind
from reports.wording.procedure import says
from reports.wording.text import capitalized
from tracker.events.incidents import IncidentReopened, NoteAdded
from tracker.events.messages import EtaMissed
from tracker.times import in_minutes

Headings = tuple[str, str, str, str]
GUIDE: Headings = ("Went well", "Went wrong", "Lucky", "Also learned")
GOOGLE: Headings = ("What went well", "What went wrong", "Where we got lucky", "What else we learned")
PAGERDUTY: Headings = (
    *("What Went Well?", "What Didn't Go So Well?", "Where We Got Lucky", "What Else We Learned"),
)


def under(headings: Headings) -> Callable[[Context], list[str]]:
    """Return what writes the lessons under these headings; one without lessons is left out."""
    return lambda context: _lines(context, headings)


def _lines(context: Context, headings: Headings) -> list[str]:
    written: list[str] = []
    for heading, kind, measured in zip(
        headings,
        ("well", "wrong", "lucky", None),
        (_measured_well(context), _measured_wrong(context), [], []),
        strict=True,
    ):
        lessons = [entry for entry in context.notes("lesson") if lesson_kind(_text(entry)) == kind]
        lines = [*noted(lessons, without_lesson_kind), *measured]
        written += [f"### {heading}", "", *lines, ""] if lines else []
    if not context.notes("lesson"):
        written += notes_or_missing(context, "lesson", "Lessons learned")
    return written[:-1] if not written[-1] else written


def _text(entry: Entry) -> str:
    assert isinstance(entry.fact, NoteAdded)
    return entry.fact.text


def _measured_well(context: Context) -> list[str]:
    written = []
    took = time_to_detect(context)
    if context.incident.detected_by == "alert":
        after = f" {value(took)} after it started" if took else ""
        written.append(f"- An alert detected it{after}{_before_customers(context)} *(measured)*")
    for entry in context.attributed("fixed"):
        rows = [row for row in context.verdicts if row.change in entry.evidence]
        healthy = [row for row in rows if row.baseline == "healthy"]
        last = [row for row in healthy if row.window == healthy[-1].window] if healthy else []
        if last and all(row.verdict in ("recovered", "unaffected") for row in last):
            said = after_change_in_words(rows, context.name_of).rstrip(".")
            written.append(f"- {text(said)} *(measured)*")
    return written


def _before_customers(context: Context) -> str:
    """Say how long before the first note on customers it was detected."""
    detected = context.incident.milestones.get("detected")
    said = customer_words(context.incident, context.entries)
    if detected is None or said is None or said.occurred_at <= detected.at:
        return ""
    before = in_minutes((said.occurred_at - detected.at).total_seconds())
    return f", {before} before the first note on a customer ({code(said.handle)})"


def _measured_wrong(context: Context) -> list[str]:
    written = []
    if context.incident.detected_by == "customer":
        took = time_to_detect(context)
        after = f" {value(took)} after it started" if took else ""
        written.append(f"- It was reported by a customer{after} *(recorded)*")
    for entry in context.entries:
        at = context.moment(entry.occurred_at, entry.precision_seconds)
        if isinstance(entry.fact, EtaMissed):
            what = f"The time promised for {at} passed without a fix"
        elif isinstance(entry.fact, IncidentReopened):
            what = f"It came back: reopened at {at}"
        else:
            continue
        written.append(f"- {what} ({code(entry.handle)}) *(recorded)*")
    return written + [
        f"- {capitalized(answer.rule.replace('_', ' '))}: {text(says(answer).rstrip('.'))} *(measured)*"
        for answer in context.rules
        if answer.status in (Status.LATE, Status.MISSED) and answer.rule != procedure.ITSELF
    ]
