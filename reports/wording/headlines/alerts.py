"""What alerts and errors say."""

from collections.abc import Callable
from typing import Any

from reports.wording.text import dotted
from tracker.events import alerts
from tracker.text.shortening import short
from tracker.times import spoken

_CHECK_INS = {"ok": "succeeded", "error": "failed", "in_progress": "started", "missed": "was missed"}


def _fired(event: alerts.AlertFired) -> str | None:
    summary = event.annotations.get("summary") or event.annotations.get("description")
    return dotted(event.severity, summary and short(summary, 160))


def _issue(event: alerts.IssueChanged) -> str | None:
    events = f"{event.event_count} events" if event.event_count is not None else None
    users = f"{event.user_count} users" if event.user_count else None
    return dotted(event.level, events, users, event.release)


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    alerts.AlertFired: "Alert {e.name} fired",
    alerts.AlertResolved: "Alert {e.name} stopped firing",
    alerts.ErrorSeen: lambda e: ("" if e.level == "info" else "Error: ") + short(e.title, 120),
    alerts.IssueChanged: lambda e: f"Issue {e.short_id or e.issue_id} {e.action}: {short(e.title, 100)}",
    alerts.CheckInRecorded: lambda e: f"Job {e.monitor} {_CHECK_INS.get(e.status, e.status)}",
    alerts.OutsideIncidentReported: lambda e: (
        f"{short(e.source, 60)} {e.status} an incident: {short(e.title, 100)}"
    ),
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    alerts.AlertFired: _fired,
    alerts.AlertResolved: lambda e: f"after {spoken((e.occurred_at - e.started_at).total_seconds())}",
    alerts.ErrorSeen: lambda e: dotted(
        e.level != "error" and e.level, e.culprit and f"in {e.culprit}", e.release
    ),
    alerts.IssueChanged: _issue,
}
