"""What alerts and errors say."""

from collections.abc import Callable
from typing import Any

from reports.wording.text import dotted
from tracker.events import alerts
from tracker.text.shortening import short
from tracker.times import spoken, utc

_CHECK_INS = {"ok": "succeeded", "error": "failed", "in_progress": "started", "missed": "was missed"}


def _fired(event: alerts.AlertFired) -> str | None:
    summary = event.annotations.get("summary") or event.annotations.get("description")
    return dotted(event.severity, summary and short(summary, 160), _again(event))


def _again(event: alerts.AlertFired) -> str | None:
    if event.again_after is None:
        return None
    start = f"its start is still {utc(event.own_start)}, as before its end"
    if event.is_again_at_unknown_time:
        return f"{start}; when it fired again is unknown"
    return start


def _resolved(event: alerts.AlertResolved) -> str:
    if not event.has_start:
        return "its source names no start"
    return f"after {spoken((event.occurred_at - event.started_at).total_seconds())}"


def _issue(event: alerts.IssueChanged) -> str | None:
    events = f"{event.event_count} events" if event.event_count is not None else None
    users = f"{event.user_count} users" if event.user_count else None
    return dotted(event.level, events, users, event.release)


def left_out(event: alerts.AlertsLeftOut) -> str:
    """Say how many alerts a source left out, and of which name."""
    one = event.missing_count == 1
    of_name = f" {event.name}" if event.name else ""
    return f"{event.missing_count} more{of_name} alert{'' if one else 's'} {'was' if one else 'were'}"


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    alerts.AlertFired: lambda e: f"Alert {e.name} fired{' again' if e.again_after else ''}",
    alerts.AlertResolved: "Alert {e.name} stopped firing",
    alerts.AlertsLeftOut: lambda e: f"{left_out(e)} left out of the list",
    alerts.ErrorSeen: lambda e: ("" if e.level == "info" else "Error: ") + short(e.title, 120),
    alerts.IssueChanged: lambda e: f"Issue {e.short_id or e.issue_id} {e.action}: {short(e.title, 100)}",
    alerts.CheckInRecorded: lambda e: f"Job {e.monitor} {_CHECK_INS.get(e.status, e.status)}",
    alerts.OutsideIncidentReported: lambda e: (
        f"{short(e.source, 60)} {e.status} an incident: {short(e.title, 100)}"
    ),
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    alerts.AlertFired: _fired,
    alerts.AlertResolved: _resolved,
    alerts.AlertsLeftOut: lambda e: (
        f"{e.source} listed {e.listed_count} and left out {e.missing_count}: max_alerts of its webhook"
    ),
    alerts.ErrorSeen: lambda e: dotted(
        e.level != "error" and e.level,
        e.culprit and f"in {e.culprit}",
        e.release,
        e.received_bytes and f"{e.received_bytes:,} bytes were received, a part is stored",
    ),
    alerts.IssueChanged: _issue,
}
