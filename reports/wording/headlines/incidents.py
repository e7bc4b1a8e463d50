"""What people decided, in words."""

from collections.abc import Callable
from typing import Any

from reports.wording.impact import counts_in_words
from reports.wording.note_beginnings import cause_part, without_cause_part
from reports.wording.text import dotted
from tracker.events import incidents
from tracker.text.shortening import short
from tracker.times import spoken

_MILESTONES = {
    "started": "Incident started",
    "detected": "Incident detected",
    "confirmed": "Incident confirmed",
    "mitigated": "Impact mitigated",
    "ended": "Impact ended",
}
_NOTES = {
    "hypothesis": "Hypothesis: ",
    "fix": "Fix: ",
    "prevention": "Prevention: ",
    "lesson": "Lesson: ",
    "impact": "Impact: ",
}
_CAUSES = {"cause": "Root cause: ", "factor": "Contributing factor: ", "trigger": "Trigger: "}
_RESOLVED = {
    "fixed": "Resolved",
    "false-alarm": "Resolved as a false alarm",
    "went-away": "Resolved: it went away",
    incidents.UNKNOWN: "Resolved; how is not recorded",
}
_NOTE_LENGTH = 200


def _declared(event: incidents.IncidentDeclared) -> str | None:
    by = (
        event.detected_by
        and f"detected by {'an' if event.detected_by == 'alert' else 'a'} {event.detected_by}"
    )
    return dotted(by, event.impact, event.lead and f"lead {event.lead}")


def _milestone(event: incidents.MilestoneSet) -> str | None:
    if event.until is None:
        return None
    return f"some time within {spoken((event.until - event.occurred_at).total_seconds())}"


def note_label(event: incidents.NoteAdded) -> str:
    """Name what a note is; a plain one needs no name."""
    if event.kind == "root-cause":
        return _CAUSES[cause_part(event.text)]
    return _NOTES.get(event.kind, "")


def note_text(event: incidents.NoteAdded) -> str:
    return without_cause_part(event.text) if event.kind == "root-cause" else event.text


def _whole_note(event: incidents.NoteAdded) -> str | None:
    line, counts = " ".join(note_text(event).split()), counts_in_words(event)
    return f"{line} ({counts})" if counts else line if len(line) > _NOTE_LENGTH else None


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    incidents.IncidentDeclared: lambda e: (
        f"Declared{'' if e.severity == incidents.UNKNOWN else ' ' + e.severity}: {e.title}"
    ),
    incidents.MilestoneSet: lambda e: _MILESTONES.get(e.milestone, f"Milestone {e.milestone}"),
    incidents.SeverityChanged: "Severity now {e.severity}",
    incidents.LeadChanged: "{e.lead} leads",
    incidents.StageChanged: "Stage: {e.stage}",
    incidents.ServiceAdded: "Service {e.service} is part of it",
    incidents.ServiceRemoved: "Service {e.service} is not part of it",
    incidents.NoteAdded: lambda e: note_label(e) + short(note_text(e), _NOTE_LENGTH),
    incidents.FileAttached: "File attached: {e.name}",
    incidents.IncidentResolved: lambda e: _RESOLVED.get(e.resolution, f"Resolved as {e.resolution}"),
    incidents.IncidentReopened: "Reopened",
    incidents.IncidentMerged: "{e.incident} merged into {e.into}",
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    incidents.IncidentDeclared: _declared,
    incidents.MilestoneSet: _milestone,
    incidents.SeverityChanged: lambda e: e.why,
    incidents.NoteAdded: _whole_note,
    incidents.IncidentReopened: lambda e: e.why,
    incidents.IncidentMerged: lambda e: e.why,
}
