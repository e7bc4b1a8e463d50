"""Collecting alerts, alert rules and local clones: for `collect`, and for `ingest` one source at a time."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tracker.application.collect import clients
from tracker.application.collect.prometheus_samples import samples, with_history
from tracker.application.collect.result import CollectResult, recorded
from tracker.application.session import Session
from tracker.errors import TrackerError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Arrival, Incoming, Observation, event_id
from tracker.events.changes import BranchSeen, CommitMade, RepositoryRead, VersionTagged, read_scope
from tracker.events.samples import AlertRuleSeen, rule_scope
from tracker.ingest import alertmanager as reader
from tracker.ingest import git
from tracker.ingest.prometheus.alerts import AlertSpan, fingerprint
from tracker.ingest.prometheus.api import PrometheusApi

__all__ = [
    "CollectResult",
    "alert_history",
    "alert_rules",
    "alertmanager",
    "prometheus_api",
    "raise_if_failed",
    "repository",
    "samples",
    "with_history",
]

_READ_AGAIN = timedelta(minutes=5)


def prometheus_api(session: Session) -> PrometheusApi:
    """Connect to the configured Prometheus.

    Raises:
        SettingsError: If none is configured.
    """
    return clients.prometheus(session.settings)


def alert_history(session: Session, api: PrometheusApi, *, start: datetime, end: datetime) -> CollectResult:
    """Collect what Prometheus remembers of alerts, with the identity that Alertmanager gives them."""
    found = 0

    def read() -> list[Incoming]:
        nonlocal found
        now = api.now()
        external = api.external_labels()
        api.take_incomplete()
        spans = api.alert_spans(start=start, end=min(end, now))
        if incomplete := api.take_incomplete():
            # A hole in a part of an answer would be the end of one alert, and the start of another.
            result.incomplete += incomplete
            return []
        found = len(spans)
        arrival = Arrival(via="poll", received_at=now)
        return [
            Incoming(event=event, arrival=arrival, updated_at=span.last_at)
            for span in spans
            for event in _alert_events(session, span, external)
        ]

    result = CollectResult("prometheus", None, "alerts")
    recorded(session, result, read, alerts=True)
    result.found = found
    return result


def _alert_events(session: Session, span: AlertSpan, external: dict[str, str]) -> list[Observation]:
    """Return nothing for an alert that fired before the span: it has no start that can be told."""
    if span.truncated_start:
        return []
    labels = {**external, **span.labels}
    common: dict[str, Any] = {
        "source": "prometheus",
        "service": session.rules.for_alert(labels),
        "name": labels.get("alertname", "?"),
        "fingerprint": fingerprint(labels),
        "severity": labels.get("severity"),
        "labels": labels,
    }
    fired = AlertFired(occurred_at=span.starts_at, **common)
    if span.ends_at is None:
        return [fired]
    return [fired, AlertResolved(occurred_at=span.ends_at, started_at=span.starts_at, **common)]


def alert_rules(session: Session, api: PrometheusApi) -> CollectResult:
    """Keep the definitions under which alerts fire, where they changed."""
    result = CollectResult("prometheus", None, "alert rules")
    try:
        now = api.now()
        rules = api.rules()
    except TrackerError as problem:
        result.problem = problem
        return result
    changed: list[AlertRuleSeen] = []
    for rule in rules:
        labels = rule.labels or {}
        service = session.rules.for_alert(labels)
        seen = AlertRuleSeen(
            occurred_at=now,
            source="prometheus",
            service=service,
            name=rule.name,
            expression=rule.expression,
            for_seconds=rule.for_seconds,
            labels=labels,
            annotations=rule.annotations or {},
        )
        last = session.log.latest(rule_scope(service, seen.name))
        if last is None or msgspec.structs.replace(last.event, occurred_at=now) != seen:
            changed.append(seen)
    result.found = len(rules)
    session.record(changed, result.recording)
    return result


def repository(
    session: Session, path: Path, service: str | None, start: datetime | None, end: datetime | None
) -> CollectResult:
    """Read one local clone."""
    procedure = session.settings.procedure
    main = (procedure.production_branch, procedure.integration_branch, *procedure.maintained_branches)
    facts: list[Incoming] = []

    def read() -> list[Incoming]:
        facts[:] = git.read(
            path,
            service=service,
            since=start,
            until=end,
            arrival=Arrival(via="poll", received_at=session.now),
            main_branches=tuple(dict.fromkeys((*main, *git.MAIN_BRANCHES))),
            hotfix_branches=procedure.branch_pattern,
            names=session.settings.names_by_address,
        )
        return facts

    result = recorded(session, CollectResult("git", service, path.name), read)
    if facts and not result.recording.recorded:
        _record_reading(session, facts)
    return result


def _record_reading(session: Session, facts: list[Incoming]) -> None:
    """Record that a repository was read although nothing was new: a merge that is missing was missing now.

    Not where the log has such a reading of the last minutes.
    """
    first = facts[0].event
    assert isinstance(first, CommitMade | VersionTagged | BranchSeen)
    now = session.now
    last = session.log.latest(read_scope(first.service, first.repository))
    heads = [event_id(fact.event) for fact in facts if isinstance(fact.event, BranchSeen)]
    known = [record.recorded_at for record in (*session.log.by_ids(heads), *([last] if last else []))]
    if now - max(known, default=now - _READ_AGAIN) >= _READ_AGAIN:
        read = RepositoryRead(
            occurred_at=now, source="git", service=first.service, repository=first.repository
        )
        session.record([Incoming(event=read, arrival=Arrival(via="poll", received_at=now))])


def alertmanager(session: Session) -> CollectResult:
    """Ask Alertmanager which alerts it has now."""

    def read() -> list[Incoming]:
        with clients.alertmanager(session.settings) as client:
            body, where = client.alerts(), client.url
        arrival = Arrival(via="poll", received_at=session.now)
        return reader.read(body, where=where, rules=session.rules, arrival=arrival)

    return recorded(session, CollectResult("alertmanager", None, "alerts"), read, alerts=True)


def raise_if_failed(results: list[CollectResult]) -> None:
    """Raise the first problem, after everything that went well was recorded.

    Raises:
        TrackerError: That problem.
    """
    for result in results:
        if result.problem is not None:
            raise result.problem
