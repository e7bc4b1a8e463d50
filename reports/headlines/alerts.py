"""What alerts and errors say."""

from reports.headlines.base import detail, headline
from tracker.events import alerts
from tracker.text.shortening import short
from tracker.times import spoken


@headline.register
def _(event: alerts.AlertFired) -> str:
    return f"Alert {event.name} fired"


@detail.register
def _(event: alerts.AlertFired) -> str | None:
    said = event.annotations.get("summary") or event.annotations.get("description")
    parts = [part for part in (event.severity, said and short(said, 160)) if part]
    return " · ".join(parts) or None


@headline.register
def _(event: alerts.AlertResolved) -> str:
    return f"Alert {event.name} stopped firing"


@detail.register
def _(event: alerts.AlertResolved) -> str | None:
    return f"after {spoken((event.occurred_at - event.started_at).total_seconds())}"


@headline.register
def _(event: alerts.ErrorSeen) -> str:
    return f"Error: {short(event.title, 120)}" if event.level != "info" else short(event.title, 120)


@detail.register
def _(event: alerts.ErrorSeen) -> str | None:
    level = event.level if event.level != "error" else None
    parts = [level, event.culprit and f"in {event.culprit}", event.release]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: alerts.IssueChanged) -> str:
    name = event.short_id or event.issue_id
    return f"Issue {name} {event.action}: {short(event.title, 100)}"


@detail.register
def _(event: alerts.IssueChanged) -> str | None:
    counts = []
    if event.event_count is not None:
        counts.append(f"{event.event_count} events")
    if event.user_count:
        counts.append(f"{event.user_count} users")
    return " · ".join(part for part in (event.level, *counts, event.release) if part) or None


@headline.register
def _(event: alerts.CheckInRecorded) -> str:
    said = {"ok": "succeeded", "error": "failed", "in_progress": "started", "missed": "was missed"}
    return f"Job {event.monitor} {said.get(event.status, event.status)}"


@headline.register
def _(event: alerts.OutsideIncidentReported) -> str:
    return f"{short(event.source, 60)} {event.status} an incident: {short(event.title, 100)}"
