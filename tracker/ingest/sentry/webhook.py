"""What Sentry and Bugsink send to webhooks: errors, issues and metric alerts.

Sentry signs a body but gives it no id, and a request's id is new for every attempt:
what an event is comes from the fact alone. Kinds without meaning for production
(comments, installations and more) give no events.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen, IssueChanged
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, records
from tracker.ingest.sentry.envelope import hex_id, service_of, tags_of
from tracker.ingest.sentry.issues import ACTIVITIES, issue_changed
from tracker.ingest.services import ServiceRules

HINT = "Say which webhook it was, as its header Sentry-Hook-Resource does: --event issue"

_URL_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")
_METRIC_ACTIONS = ("critical", "warning", "open", "resolved")
_BUGSINK_ACTIONS = {"NEW": "created", "REGRESSED": "regressed", "UNMUTED": "unmuted"}
# The field of `data` that shows what a body is; a comment has its issue beside it.
_KINDS = {
    "metric_alert": "metric_alert",
    "comment": "comment",
    "comment_id": "comment",
    "issue": "issue",
    "event": "event_alert",
    "error": "error",
}


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    arrival: Arrival = NO_ARRIVAL,
    event_name: str | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header Sentry-Hook-Resource; without it the body shows what it is.

    Raises:
        BadInputError: If a body is neither Sentry's nor Bugsink's, or lacks what says which
            fact it reports and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    for body in records(data, where=where, hint=HINT, kind="body", zone=UTC):
        reader = _READERS.get(_confirmed(body, event_name or body.headers.get("sentry-hook-resource")))
        events = reader(body, rules) if reader else ()
        found += [Incoming(event=event, arrival=arrival, payload=body.raw) for event in events]
    return found


def _confirmed(body: Record, named: str | None) -> str:
    """Return which resource a body is of; the signature covers the body alone, not the header that names it."""
    if named is not None and named not in _READERS:
        return named
    kind = _kind(body)
    if named is not None and kind != named and kind in _READERS:
        raise body.problem(f"is the body of {kind}, not of {named}, which its Sentry-Hook-Resource names")
    return named or kind


def _kind(body: Record) -> str:
    """Tell what a body is by what it holds."""
    if {"alert_reason", "friendly_id"} <= body.fields.keys():
        return "bugsink"
    data = body.maybe_record("data")
    if data is not None and isinstance(body.fields.get("action"), str):
        return next((kind for name, kind in _KINDS.items() if name in data.fields), "unmapped")
    if isinstance(body.fields.get("event"), dict) and {"project", "project_slug"} & body.fields.keys():
        return "legacy"
    raise body.problem("is not a webhook body of Sentry or Bugsink: it has no action with data")


# ── errors ───────────────────────────────────────────────────────────────────


def _error(name: str) -> Callable[[Record, ServiceRules], Sequence[Event]]:
    """Make the reader of an error, which is under this name."""

    def read_error(body: Record, rules: ServiceRules) -> Sequence[Event]:
        event = body.record("data").record(name)
        number = event.maybe_name("project")
        slug = _URL_PROJECT.search(event.maybe_text("url") or "")
        project = slug[1] if slug else number or "unknown"
        return [
            _seen(
                event,
                event.moment("datetime", "timestamp"),
                service=rules.for_project(project) or service_of(rules, number, tags_of(event)),
                project=project,
                error_id=hex_id(event.text("event_id")),
                title=event.maybe_text("title") or event.maybe_text("message"),
                level=event.maybe_text("level"),
                culprit=event.maybe_text("culprit") or event.maybe_text("transaction"),
                issue=event.maybe_name("issue_id"),
                url=event.maybe_text("web_url"),
            )
        ]

    return read_error


def _legacy(body: Record, rules: ServiceRules) -> Sequence[Event]:
    event = body.record("event")
    project = body.maybe_name("project_slug") or body.name("project")
    return [
        _seen(
            event,
            event.moment("datetime", "timestamp", "received"),
            service=service_of(rules, project, tags_of(event)),
            project=project,
            error_id=hex_id(event.maybe_text("event_id") or event.text("id")),
            title=event.maybe_text("title") or body.maybe_text("message"),
            level=body.maybe_text("level"),
            culprit=body.maybe_text("culprit"),
            issue=body.maybe_name("id"),
            url=body.maybe_text("url"),
        )
    ]


def _seen(
    event: Record, moment: Moment, *, title: str | None, level: str | None, issue: str | None, **fields: Any
) -> ErrorSeen:
    tags = tags_of(event)
    return ErrorSeen(
        **moment.fields,
        **fields,
        source="sentry",
        title=title or "(no title)",
        level=level or tags.get("level") or "error",
        release=event.maybe_name("release") or tags.get("release"),
        environment=event.maybe_text("environment") or tags.get("environment"),
        group=f"issue:{issue}" if issue else None,
        tags=tags,
    )


# ── issues ───────────────────────────────────────────────────────────────────


def _issue(body: Record, rules: ServiceRules) -> Sequence[Event]:
    issue = body.record("data").record("issue")
    action = body.text("action")
    if action == "unresolved":
        why = issue.maybe_text("substatus") or ""
        action = {"regressed": "regressed", "escalating": "escalated"}.get(why, action)
    elif action == "ignored":
        action = "archived"
    return [
        issue_changed(
            issue,
            action,
            _acted(issue, action),
            rules,
            unnamed=lambda: issue.record("project").text("name"),
            status=issue.maybe_text("status"),
            release=issue.maybe_name("statusDetails.inRelease"),
            event_count=issue.whole("count"),
            user_count=issue.whole("userCount"),
            url=issue.maybe_text("web_url") or issue.maybe_text("permalink"),
        )
    ]


def _acted(issue: Record, action: str) -> Moment:
    """Return when an action was taken, as well as the body knows it.

    An issue is created when it was first seen. For the rest its history has the instant,
    where it is sent along; else the last event is the best bound: the action came after it.
    """
    if action == "created":
        return issue.moment("firstSeen", "lastSeen")
    history = issue.fields.get("activity")
    moments = []
    for number, entry in enumerate(history if isinstance(history, list) else (), 1):
        if isinstance(entry, dict) and entry.get("type") in ACTIVITIES.get(action, ()):
            step = Record(entry, f"{issue.place}: activity {number}", HINT, zone=UTC)
            if moment := step.maybe_moment("dateCreated"):
                moments.append(moment)
    return max(moments, key=lambda moment: moment.at) if moments else issue.moment("lastSeen", "firstSeen")


def _bugsink(body: Record, rules: ServiceRules) -> Sequence[Event]:
    reason = body.text("alert_reason")
    if reason == "TEST":
        # Its settings have a button that sends a made-up issue.
        return []
    instants = ("first_seen", "last_seen") if reason == "NEW" else ("last_seen", "first_seen")
    first_seen = body.maybe_moment("first_seen")
    name, number = body.maybe_text("project_name"), body.maybe_name("project")
    status = "resolved" if body.fields.get("is_resolved") is True else "unresolved"
    return [
        IssueChanged(
            **body.moment(*instants).fields,
            source="sentry",
            service=rules.for_project(name) or rules.for_project(number),
            project=name or number or "unknown",
            issue_id=body.name("id"),
            action=_BUGSINK_ACTIONS.get(reason, reason.lower()),
            title=body.maybe_text("title") or body.maybe_text("calculated_type") or "(no title)",
            short_id=body.maybe_text("friendly_id"),
            status="muted" if body.fields.get("is_muted") is True else status,
            first_seen_at=first_seen.at if first_seen else None,
            event_count=body.whole("digested_event_count"),
            url=body.maybe_text("url"),
        )
    ]


# ── metric alerts ────────────────────────────────────────────────────────────


def _metric_alert(body: Record, rules: ServiceRules) -> Sequence[Event]:
    action = body.text("action")
    if action not in _METRIC_ACTIONS:
        return []
    data = body.record("data")
    alert = data.record("metric_alert")
    rule = alert.inner("alert_rule")
    started = alert.moment("date_started", "date_detected")
    projects = _texts(alert, "projects") or _texts(rule, "projects")
    title = alert.maybe_text("title") or rule.maybe_text("name") or "metric alert"
    labels = {
        "alertname": title,
        "project": ",".join(projects),
        "environment": rule.maybe_text("environment") or "",
    }
    words = {
        "summary": data.maybe_text("description_title"),
        "description": data.maybe_text("description_text"),
    }
    annotations = {name: text for name, text in words.items() if text}
    common: dict[str, Any] = {
        "source": "sentry",
        "service": next((service for each in projects if (service := rules.for_project(each))), None),
        "name": title,
        "fingerprint": f"sentry-metric-alert:{alert.name('id')}",
        "severity": action if action in ("critical", "warning") else _only_trigger(rule),
        "labels": {name: text for name, text in labels.items() if text},
    }
    url = data.maybe_text("web_url")
    if action != "resolved":
        return [AlertFired(**started.fields, **common, annotations=annotations, generator_url=url)]
    ended = alert.moment("date_closed")
    # The words of a resolved one speak of its end.
    resolved = AlertResolved(**ended.fields, **common, annotations=annotations, started_at=started.at)
    fired = AlertFired(**started.fields, **common, annotations={}, generator_url=url)
    return [fired, resolved] if resolved.has_start else [resolved]


def _texts(record: Record, name: str) -> list[str]:
    given = record.fields.get(name)
    return [text for text in given if isinstance(text, str)] if isinstance(given, list) else []


def _only_trigger(rule: Record) -> str | None:
    """Name the severity of a rule that has one: a resolved alert does not say which it had."""
    given = rule.fields.get("triggers")
    triggers = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    labels = {str(trigger.get("label")) for trigger in triggers}
    return labels.pop() if len(labels) == 1 else None


_READERS: dict[str, Callable[[Record, ServiceRules], Sequence[Event]]] = {
    "event_alert": _error("event"),
    "error": _error("error"),
    "issue": _issue,
    "metric_alert": _metric_alert,
    "legacy": _legacy,
    "bugsink": _bugsink,
}
