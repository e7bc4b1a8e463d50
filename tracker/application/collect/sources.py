"""Pulling one source for a span: used by `collect`, and by `ingest` for one source at a time."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tracker.application.collect.prometheus_samples import samples, with_history
from tracker.application.collect.result import Pulled
from tracker.application.session import Session
from tracker.errors import SettingsError, SourceUnreachableError, TrackerError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Arrival, Incoming, event_id
from tracker.events.changes import BranchSeen, CommitMade, RepositoryRead, VersionTagged, read_scope
from tracker.events.samples import AlertRuleSeen, rule_scope
from tracker.ingest import alertmanager as reader
from tracker.ingest import git
from tracker.ingest.prometheus.api import PrometheusApi, fingerprint
from tracker.settings.loading import secret

__all__ = [
    "Pulled",
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


def prometheus_api(session: Session) -> "PrometheusApi":
    """Connect to the configured Prometheus.

    Raises:
        SettingsError: If none is configured.
    """
    configured = session.settings.prometheus
    if not configured.url:
        where = session.settings.path or "tracker.toml (there is none; tracker init writes one)"
        raise SettingsError(f"{where} names no Prometheus", hint='[prometheus] url = "http://127.0.0.1:9090"')
    ca_file = configured.ca_file
    return PrometheusApi(
        configured.url,
        bearer_token=secret(configured.bearer_token_env),
        username=configured.username,
        password=secret(configured.password_env),
        ca_file=str(session.settings.folder / ca_file) if ca_file else None,
    )


def alert_history(session: Session, api: "PrometheusApi", *, start: datetime, end: datetime) -> Pulled:
    """Pull what Prometheus remembers of alerts, with the identity that Alertmanager gives them."""
    pulled = Pulled("prometheus", None, "alerts")
    try:
        now = api.now()
        external = api.external_labels()
        spans = api.alert_spans(start=start, end=min(end, now))
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    arrival = Arrival(via="poll", received_at=now)
    facts = []
    for span in spans:
        labels = {**external, **span.labels}
        common: dict[str, Any] = {
            "source": "prometheus",
            "service": session.rules.for_alert(labels),
            "name": labels.get("alertname", "?"),
            "fingerprint": fingerprint(labels),
            "severity": labels.get("severity"),
            "labels": labels,
        }
        if not span.truncated_start:
            facts.append(Incoming(event=AlertFired(occurred_at=span.starts_at, **common), arrival=arrival))
            if span.ends_at is not None:
                ended = AlertResolved(occurred_at=span.ends_at, started_at=span.starts_at, **common)
                facts.append(Incoming(event=ended, arrival=arrival))
    pulled.found = len(spans)
    pulled.facts = facts
    session.record(facts, pulled.recording)
    return pulled


def alert_rules(session: Session, api: "PrometheusApi") -> Pulled:
    """Keep the definitions under which alerts fire."""
    from msgspec.structs import replace

    pulled = Pulled("prometheus", None, "alert rules")
    try:
        now = api.now()
        rules = api.rules()
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    facts: list[Any] = []
    for rule in rules:
        service = session.rules.for_alert(rule["labels"])
        seen = AlertRuleSeen(
            occurred_at=now,
            source="prometheus",
            service=service,
            name=rule["name"],
            expression=rule["expression"],
            for_seconds=rule["for_seconds"],
            labels=rule["labels"],
            annotations=rule["annotations"],
        )
        last = session.log.latest(rule_scope(service, seen.name))
        if last is None or replace(last.event, occurred_at=now) != seen:
            facts.append(seen)
    pulled.found = len(rules)
    session.record(facts, pulled.recording)
    return pulled


def repository(
    session: Session, path: Path, service: str | None, start: datetime | None, end: datetime | None
) -> Pulled:
    """Read one local clone."""
    pulled = Pulled("git", service, path.name)
    procedure = session.settings.procedure
    main = (procedure.production_branch, procedure.integration_branch, *procedure.maintained_branches)
    try:
        facts = git.read(
            path,
            service=service,
            since=start,
            until=end,
            arrival=Arrival(via="poll", received_at=session.now),
            main_branches=tuple(dict.fromkeys((*main, *git.MAIN_BRANCHES))),
            hotfix_branches=procedure.branch_pattern,
        )
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    pulled.found = len(facts)
    session.record(facts, pulled.recording)
    if facts and not pulled.recording.recorded:
        _still_so(session, facts)
    return pulled


def _still_so(session: Session, facts: list[Incoming]) -> None:
    """Record that a repository was read although nothing was new: a merge that is missing was missing now.

    Not where the log shows that of the last minutes already.
    """
    first = facts[0].event
    assert isinstance(first, CommitMade | VersionTagged | BranchSeen)
    now = session.now
    last = session.log.latest(read_scope(first.service, first.repository))
    heads = [event_id(each.event) for each in facts if isinstance(each.event, BranchSeen)]
    known = [each.recorded_at for each in (*session.log.by_ids(heads), *([last] if last else []))]
    if now - max(known, default=now - _READ_AGAIN) >= _READ_AGAIN:
        read = RepositoryRead(
            occurred_at=now, source="git", service=first.service, repository=first.repository
        )
        session.record([Incoming(event=read, arrival=Arrival(via="poll", received_at=now))])


def alertmanager(session: Session) -> Pulled:
    """Ask Alertmanager which alerts it knows now."""
    import requests

    url = session.settings.file.alertmanager.url
    pulled = Pulled("alertmanager", None, "alerts")
    try:
        if not url:
            raise SettingsError(
                f"{session.settings.path or 'tracker.toml'} names no Alertmanager",
                hint='[alertmanager] url = "http://127.0.0.1:9093", or name a FILE of webhook bodies',
            )
        try:
            http = requests.Session()
            http.trust_env = False
            answer = http.get(f"{url.rstrip('/')}/api/v2/alerts", timeout=(3.05, 30.0), allow_redirects=False)
        except requests.RequestException as away:
            raise SourceUnreachableError(
                f"{url} does not answer: {type(away).__name__}", hint=f"curl {url}/-/ready"
            ) from away
        if answer.status_code != 200:
            raise SourceUnreachableError(f"{url} answered {answer.status_code}", hint=f"curl {url}/-/ready")
        arrival = Arrival(via="poll", received_at=session.now)
        facts = reader.read(answer.content, where=url, rules=session.rules, arrival=arrival)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    pulled.found = len(facts)
    pulled.facts = facts
    session.record(facts, pulled.recording)
    return pulled


def raise_if_failed(pulled: list[Pulled]) -> None:
    """Raise the first problem, after everything that went well was recorded.

    Raises:
        TrackerError: That problem.
    """
    for each in pulled:
        if each.problem is not None:
            raise each.problem
