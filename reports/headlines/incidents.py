"""What people decided, in words."""

from reports.headlines.base import detail, headline
from tracker.events import incidents
from tracker.text.shortening import short
from tracker.times import spoken


@headline.register
def _(event: incidents.IncidentDeclared) -> str:
    return f"Declared {event.severity}: {event.title}"


@detail.register
def _(event: incidents.IncidentDeclared) -> str | None:
    parts = [
        f"detected by {'an alert' if event.detected_by == 'alert' else 'a ' + event.detected_by}"
        if event.detected_by
        else None,
        event.impact,
        f"lead {event.lead}" if event.lead else None,
    ]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: incidents.MilestoneSet) -> str:
    words = {
        "started": "Incident started",
        "detected": "Incident detected",
        "confirmed": "Incident confirmed",
        "mitigated": "Impact mitigated",
        "ended": "Impact ended",
    }
    return words.get(event.milestone, f"Milestone {event.milestone}")


@detail.register
def _(event: incidents.MilestoneSet) -> str | None:
    if event.until is None:
        return None
    return f"some time within {spoken((event.until - event.occurred_at).total_seconds())}"


@headline.register
def _(event: incidents.SeverityChanged) -> str:
    return f"Severity now {event.severity}"


@detail.register
def _(event: incidents.SeverityChanged) -> str | None:
    return event.why


@headline.register
def _(event: incidents.LeadChanged) -> str:
    return f"{event.lead} leads"


@headline.register
def _(event: incidents.StageChanged) -> str:
    return f"Stage: {event.stage}"


@headline.register
def _(event: incidents.ServiceAdded) -> str:
    return f"Service {event.service} is part of it"


@headline.register
def _(event: incidents.ServiceRemoved) -> str:
    return f"Service {event.service} is not part of it"


_KINDS = {
    "hypothesis": "Hypothesis",
    "root-cause": "Root cause",
    "fix": "Fix",
    "prevention": "Prevention",
    "lesson": "Lesson",
    "impact": "Impact",
}


@headline.register
def _(event: incidents.NoteAdded) -> str:
    prefix = _KINDS.get(event.kind)
    line = short(event.text, 200)
    return f"{prefix}: {line}" if prefix else line


@detail.register
def _(event: incidents.NoteAdded) -> str | None:
    return " ".join(event.text.split()) if len(" ".join(event.text.split())) > 200 else None


@headline.register
def _(event: incidents.FileAttached) -> str:
    return f"File attached: {event.name}"


@headline.register
def _(event: incidents.IncidentResolved) -> str:
    words = {
        "fixed": "Resolved",
        "false-alarm": "Resolved as a false alarm",
        "went-away": "Resolved: it went away",
    }
    return words.get(event.resolution, f"Resolved as {event.resolution}")


@headline.register
def _(event: incidents.IncidentReopened) -> str:
    return "Reopened"


@detail.register
def _(event: incidents.IncidentReopened) -> str | None:
    return event.why


@headline.register
def _(event: incidents.IncidentMerged) -> str:
    return f"{event.incident} merged into {event.into}"


@detail.register
def _(event: incidents.IncidentMerged) -> str | None:
    return event.why
