"""What Sentry and Bugsink send to webhooks: errors, issues and metric alerts.

Sentry signs a body but gives it no id, and a request's id is new for every attempt:
what an event is comes from the fact alone. Kinds that tell nothing of production
(comments, installations and more) give no events.
"""

import re
from collections.abc import Sequence

from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen, IssueChanged
from tracker.events.base import Arrival, Event, Incoming
from tracker.ingest.documents import Moment, Record, documents
from tracker.ingest.sentry.envelope import hex_id, service_of, tags_of
from tracker.ingest.services import ServiceRules

HINT = "Say which webhook it was, as its header Sentry-Hook-Resource does: --event issue"

_URL_PROJECT = re.compile(r"/projects/[^/]+/([^/]+)/")
# What the issue's own history calls the instant of an action.
_ACTIVITIES = {
    "resolved": ("set_resolved", "set_resolved_in_release", "set_resolved_by_age", "set_resolved_in_commit"),
    "regressed": ("set_regression",),
    "unresolved": ("set_unresolved", "set_regression"),
    "escalated": ("set_escalating",),
    "assigned": ("assigned",),
    "archived": ("set_ignored",),
}
_METRIC_ACTIONS = ("critical", "warning", "open", "resolved")
_BUGSINK_ACTIONS = {"NEW": "created", "REGRESSED": "regressed", "UNMUTED": "unmuted"}


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    source: str = "sentry",
    arrival: Arrival = Arrival(),  # noqa: B008  (it is frozen)
    event_name: str | None = None,
) -> list[Incoming]:
    """Read webhook bodies from one document or JSON lines.

    `event_name` is the header Sentry-Hook-Resource; without it the body shows what it is.

    Raises:
        BadInputError: If a body is none of Sentry's or Bugsink's, or lacks what says which
            fact it tells and when that was; nothing is read then.
    """
    found: list[Incoming] = []
    for document in documents(data, where=where, hint=HINT):
        for element in document.elements("body"):
            kind = event_name or document.headers.get("sentry-hook-resource")
            events = _events(element.record(HINT), kind, rules, source)
            found.extend(Incoming(event=event, arrival=arrival, payload=element.raw) for event in events)
    return found


def _events(body: Record, event_name: str | None, rules: ServiceRules, source: str) -> Sequence[Event]:
    kind = event_name or _kind(body)
    if kind == "event_alert":
        return [_error(body.record("data").record("event"), rules, source)]
    if kind == "error":
        return [_error(body.record("data").record("error"), rules, source)]
    if kind == "issue":
        return [_issue(body, rules, source)]
    if kind == "metric_alert":
        return _metric_alert(body, rules, source)
    if kind == "legacy":
        return [_legacy(body, rules, source)]
    if kind == "bugsink":
        # Its settings have a button that sends a made-up issue.
        return [] if body.fields.get("alert_reason") == "TEST" else [_bugsink(body, rules, source)]
    return []


def _kind(body: Record) -> str:
    """Tell what a body is by what it holds."""
    if "alert_reason" in body.fields and "friendly_id" in body.fields:
        return "bugsink"
    data = body.maybe_record("data")
    if data is not None and isinstance(body.fields.get("action"), str):
        for name, kind in (
            ("metric_alert", "metric_alert"),
            ("comment", "comment"),
            ("comment_id", "comment"),
            ("issue", "issue"),
            ("event", "event_alert"),
            ("error", "error"),
        ):
            if name in data.fields:
                return kind
        return "unmapped"
    if isinstance(body.fields.get("event"), dict) and (
        "project" in body.fields or "project_slug" in body.fields
    ):
        return "legacy"
    raise body.problem("is no webhook body of Sentry or Bugsink: it has no action with data")


def action_of(activity: str) -> str | None:
    """Say what an entry of an issue's history did to it, in our words; None for a comment and the like."""
    return next((action for action, names in _ACTIVITIES.items() if activity in names), None)


def _when(record: Record, *names: str) -> Moment:
    for name in names:
        found = record.maybe_moment(name, naive_is_utc=True)
        if found is not None:
            return found
    raise record.missing(" or ".join(names))


def _error(event: Record, rules: ServiceRules, source: str) -> ErrorSeen:
    moment = _when(event, "datetime", "timestamp")
    tags = tags_of(event)
    number = event.maybe_name("project")
    slug = _URL_PROJECT.search(event.maybe_text("url") or "")
    project = slug[1] if slug else number or "unknown"
    issue = event.maybe_name("issue_id")
    return ErrorSeen(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=rules.for_project(project) or service_of(rules, number, tags),
        project=project,
        error_id=hex_id(event.text("event_id")),
        title=event.maybe_text("title") or event.maybe_text("message") or "(no title)",
        level=event.maybe_text("level") or tags.get("level") or "error",
        culprit=event.maybe_text("culprit") or event.maybe_text("transaction"),
        release=event.maybe_name("release") or tags.get("release"),
        environment=event.maybe_text("environment") or tags.get("environment"),
        group=f"issue:{issue}" if issue else None,
        url=event.maybe_text("web_url"),
        tags=tags,
    )


def _legacy(body: Record, rules: ServiceRules, source: str) -> ErrorSeen:
    event = body.record("event")
    moment = _when(event, "datetime", "timestamp", "received")
    tags = tags_of(event)
    project = body.maybe_name("project_slug") or body.name("project")
    issue = body.maybe_name("id")
    return ErrorSeen(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=service_of(rules, project, tags),
        project=project,
        error_id=hex_id(event.maybe_text("event_id") or event.text("id")),
        title=event.maybe_text("title") or body.maybe_text("message") or "(no title)",
        level=body.maybe_text("level") or tags.get("level") or "error",
        culprit=body.maybe_text("culprit"),
        release=event.maybe_name("release") or tags.get("release"),
        environment=event.maybe_text("environment") or tags.get("environment"),
        group=f"issue:{issue}" if issue else None,
        url=body.maybe_text("url"),
        tags=tags,
    )


def _issue(body: Record, rules: ServiceRules, source: str) -> IssueChanged:
    issue = body.record("data").record("issue")
    action = _action(body.text("action"), issue.maybe_text("substatus"))
    first_seen = issue.maybe_moment("firstSeen", naive_is_utc=True)
    moment = _acted(issue, action)
    project = issue.record("project")
    slug, number = project.maybe_text("slug"), project.maybe_name("id")
    details = issue.maybe_record("statusDetails")
    return IssueChanged(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
        service=rules.for_project(slug) or rules.for_project(number),
        project=slug or number or project.text("name"),
        issue_id=issue.name("id"),
        action=action,
        title=issue.maybe_text("title") or "(no title)",
        short_id=issue.maybe_text("shortId"),
        level=issue.maybe_text("level"),
        status=issue.maybe_text("status"),
        release=details.maybe_name("inRelease") if details else None,
        first_seen_at=first_seen.at if first_seen else None,
        event_count=issue.whole("count"),
        user_count=issue.whole("userCount"),
        url=issue.maybe_text("web_url") or issue.maybe_text("permalink"),
    )


def _action(action: str, substatus: str | None) -> str:
    if action == "unresolved":
        return {"regressed": "regressed", "escalating": "escalated"}.get(substatus or "", action)
    return "archived" if action == "ignored" else action


def _acted(issue: Record, action: str) -> Moment:
    """Say when an action was taken, as well as the body knows it.

    An issue is created when it was first seen. For the rest its history has the instant,
    where it is sent along; else the last event is the best bound: the action came after it.
    """
    if action == "created":
        return _when(issue, "firstSeen", "lastSeen")
    history = issue.fields.get("activity")
    moments = []
    for number, each in enumerate(history if isinstance(history, list) else (), 1):
        if isinstance(each, dict) and each.get("type") in _ACTIVITIES.get(action, ()):
            step = Record(each, f"{issue.place}: activity {number}", HINT)
            if moment := step.maybe_moment("dateCreated", naive_is_utc=True):
                moments.append(moment)
    return max(moments, key=lambda moment: moment.at) if moments else _when(issue, "lastSeen", "firstSeen")


def _metric_alert(body: Record, rules: ServiceRules, source: str) -> list[Event]:
    action = body.text("action")
    if action not in _METRIC_ACTIONS:
        return []
    data = body.record("data")
    alert = data.record("metric_alert")
    rule = alert.maybe_record("alert_rule") or Record({}, alert.place, HINT)
    started = _when(alert, "date_started", "date_detected")
    projects = _texts(alert, "projects") or _texts(rule, "projects")
    title = alert.maybe_text("title") or rule.maybe_text("name") or "metric alert"
    labels = {"alertname": title}
    if projects:
        labels["project"] = ",".join(projects)
    if environment := rule.maybe_text("environment"):
        labels["environment"] = environment
    known = f"sentry-metric-alert:{alert.name('id')}"
    service = next((found for each in projects if (found := rules.for_project(each))), None)
    resolved = action == "resolved"
    severity = action if action in ("critical", "warning") else _only_trigger(rule)
    words = {
        "summary": data.maybe_text("description_title"),
        "description": data.maybe_text("description_text"),
    }
    annotations = {name: text for name, text in words.items() if text}
    events: list[Event] = [
        AlertFired(
            occurred_at=started.at,
            precision_seconds=started.precision_seconds,
            utc_offset_minutes=started.utc_offset_minutes,
            source=source,
            service=service,
            name=title,
            fingerprint=known,
            severity=severity,
            labels=labels,
            # The words of a resolved one speak of its end.
            annotations={} if resolved else annotations,
            generator_url=data.maybe_text("web_url"),
        )
    ]
    if resolved:
        ended = _when(alert, "date_closed")
        events.append(
            AlertResolved(
                occurred_at=ended.at,
                precision_seconds=ended.precision_seconds,
                utc_offset_minutes=ended.utc_offset_minutes,
                source=source,
                service=service,
                name=title,
                fingerprint=known,
                started_at=started.at,
                severity=severity,
                labels=labels,
                annotations=annotations,
            )
        )
    return events


def _texts(record: Record, name: str) -> list[str]:
    given = record.fields.get(name)
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _only_trigger(rule: Record) -> str | None:
    """Name the severity of a rule that has one: a resolved alert does not say which it had."""
    given = rule.fields.get("triggers")
    labels = (
        {str(each.get("label")) for each in given if isinstance(each, dict)}
        if isinstance(given, list)
        else set()
    )
    return labels.pop() if len(labels) == 1 else None


def _bugsink(body: Record, rules: ServiceRules, source: str) -> IssueChanged:
    reason = body.text("alert_reason")
    moment = _when(body, *(("first_seen", "last_seen") if reason == "NEW" else ("last_seen", "first_seen")))
    first_seen = body.maybe_moment("first_seen")
    name, number = body.maybe_text("project_name"), body.maybe_name("project")
    status = "resolved" if body.fields.get("is_resolved") is True else "unresolved"
    return IssueChanged(
        occurred_at=moment.at,
        precision_seconds=moment.precision_seconds,
        utc_offset_minutes=moment.utc_offset_minutes,
        source=source,
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
