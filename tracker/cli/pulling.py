"""Pulling one source for a span: used by `collect`, and by `ingest` for one source at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.cli.workspace import Recording, Workspace
from tracker.errors import SettingsError, SourceUnreachableError, TrackerError
from tracker.events.base import Arrival, Incoming, Window
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.times import utc

if TYPE_CHECKING:
    from tracker.ingest.prometheus_api import PrometheusApi
    from tracker.settings import Metric

Progress = Callable[[int, int], None]


@dataclass
class Pulled:
    """What one source gave for one service: for the person, in words and numbers."""

    source: str
    service: str | None
    what: str
    recording: Recording = field(default_factory=Recording)
    found: int = 0
    new_samples: int | None = None
    gone_until: datetime | None = None
    expires_at: datetime | None = None
    history_from: datetime | None = None
    problem: TrackerError | None = None

    def json(self) -> dict[str, Any]:
        """Return it as JSON keys."""
        return {
            "source": self.source,
            "service": self.service,
            "what": self.what,
            "found": self.found,
            "new_samples": self.new_samples,
            "recorded": len(self.recording.recorded),
            "known": len(self.recording.known),
            "gone_until": self.gone_until,
            "expires_at": self.expires_at,
            "history_from": self.history_from,
            "problem": self.problem.message if self.problem else None,
        }

    def said(self) -> str:
        """Say it in a line."""
        who = f"{self.service}: " if self.service and self.service != self.what else ""
        if self.problem is not None:
            return f"{self.source}: {who}{self.what}: FAILED: {self.problem.message}"
        new = self.recording.said() if self.new_samples is None else f"{self.new_samples} new"
        parts = [f"{self.source}: {who}{self.what}: {self.found} found, {new}"]
        if self.history_from is not None:
            parts.append(f"with history from {utc(self.history_from)} on")
        if self.gone_until is not None:
            parts.append(f"what lies before {utc(self.gone_until)} is gone already")
        if self.expires_at is not None:
            parts.append(f"the rest expires there from {utc(self.expires_at)} on")
        return "; ".join(parts)


def prometheus_api(workspace: Workspace) -> "PrometheusApi":
    """Connect to the configured Prometheus.

    Raises:
        SettingsError: If none is configured.
    """
    from tracker.ingest.prometheus_api import PrometheusApi
    from tracker.settings import secret

    configured = workspace.settings.prometheus
    if not configured.url:
        where = workspace.settings.path or "tracker.toml (there is none; tracker init writes one)"
        raise SettingsError(f"{where} names no Prometheus", hint='[prometheus] url = "http://127.0.0.1:9090"')
    ca_file = configured.ca_file
    return PrometheusApi(
        configured.url,
        bearer_token=secret(configured.bearer_token_env),
        username=configured.username,
        password=secret(configured.password_env),
        ca_file=str(workspace.settings.folder / ca_file) if ca_file else None,
    )


def samples(
    workspace: Workspace,
    api: "PrometheusApi",
    *,
    service: str,
    name: str,
    metric: "Metric",
    start: datetime,
    end: datetime,
    step_seconds: int | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Pull one metric's samples; only instants that the log lacks are stored."""
    from tracker.ingest.samples import intake

    step = step_seconds or workspace.settings.prometheus.step_seconds
    pulled = Pulled("prometheus", service, f"samples of {name}")
    try:
        now = api.now()
        settled = now - timedelta(seconds=2 * step)
        until = min(end, settled)
        if until <= start:
            return pulled
        retention = api.retention()
        series = api.range(metric.query, start=start, end=until, step_seconds=step, progress=progress)
        if retention.oldest_at is not None and retention.oldest_at > start:
            pulled.gone_until = min(retention.oldest_at, end)
        if retention.keeps_seconds is not None:
            first = max(start, retention.oldest_at) if retention.oldest_at else start
            pulled.expires_at = first + timedelta(seconds=retention.keeps_seconds)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    pulled.found = sum(len(each.instants_ms) for each in series)
    chunks = intake(
        series,
        held(workspace, service, name, metric.query, start, until),
        service=service,
        metric=name,
        query=metric.query,
        unit=metric.unit,
        step_seconds=float(step),
        source=f"prometheus:{_host(api.url)}",
        captured_at=now,
    )
    pulled.new_samples = sum(each.event.count for each in chunks if isinstance(each.event, MetricSampled))
    asked = SourceCollected(
        occurred_at=start,
        source=f"prometheus:{_host(api.url)}",
        service=service,
        until=until,
        asked_at=now,
        what=name,
        found=pulled.found,
        missing_until=pulled.gone_until,
        expires_at=pulled.expires_at,
        step_seconds=float(step),
        query=metric.query,
    )
    worth_keeping = bool(chunks) or not _asked_before(workspace, asked)
    workspace.record([*chunks, asked] if worth_keeping else chunks, pulled.recording)
    return pulled


def with_history(
    workspace: Workspace,
    api: "PrometheusApi",
    *,
    service: str,
    name: str,
    metric: "Metric",
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> Pulled:
    """Pull one metric for an incident with the past that verdicts need; what was asked already is not asked again."""
    from tracker.ingest.coverage import covered, lacking, plan

    total = Pulled("prometheus", service, f"samples of {name}", new_samples=0)
    source = f"prometheus:{_host(api.url)}"
    spans = plan(start, end, workspace.settings.prometheus.step_seconds)
    earliest = min(each[0] for each in spans)
    found = workspace.log.select([Window(f"collected:{service}", earliest - timedelta(days=60), end)])
    told = [each.event for each in found if isinstance(each.event, SourceCollected)]
    same = [each for each in told if (each.source, each.what, each.query) == (source, name, metric.query)]
    gone = [each.missing_until for each in same if each.missing_until]
    expires = [each.expires_at for each in same if each.expires_at]
    total.gone_until, total.expires_at = max(gone, default=None), min(expires, default=None)
    for first, last, step in spans:
        asked = covered(told, source=source, what=name, query=metric.query, step_seconds=step)
        for gap_start, gap_end in lacking(first, last, asked):
            pulled = samples(
                workspace,
                api,
                service=service,
                name=name,
                metric=metric,
                start=gap_start,
                end=gap_end,
                step_seconds=step,
                progress=progress,
            )
            total.recording.recorded += pulled.recording.recorded
            total.recording.known += pulled.recording.known
            total.found += pulled.found
            total.new_samples = (total.new_samples or 0) + (pulled.new_samples or 0)
            if pulled.problem is not None:
                total.problem = pulled.problem
                return total
            for at, name_of in ((pulled.gone_until, "gone_until"), (pulled.expires_at, "expires_at")):
                held_at = getattr(total, name_of)
                if at is not None and (held_at is None or (at > held_at) == (name_of == "gone_until")):
                    setattr(total, name_of, at)
    total.history_from = max(earliest, total.gone_until or earliest)
    return total


def _asked_before(workspace: Workspace, asked: "SourceCollected") -> bool:
    """Whether the log knows already that this source was asked for this: a poll that found nothing new adds nothing."""
    window = Window(
        f"collected:{asked.service or ''}", asked.occurred_at, asked.occurred_at + timedelta(milliseconds=1)
    )
    told = [each.event for each in workspace.log.select([window])]
    return any(
        isinstance(each, SourceCollected)
        and (each.source, each.what, each.step_seconds, each.query, each.until)
        == (asked.source, asked.what, asked.step_seconds, asked.query, asked.until)
        for each in told
    )


def held(
    workspace: Workspace, service: str, name: str, query: str, start: datetime, end: datetime
) -> dict[Any, Any]:
    """Return the instants and values that the log has of each series of a query in a span."""
    found: dict[Any, Any] = {}
    for series in workspace.samples(service, name, start, end):
        if series.query == query:
            found[tuple(sorted(series.labels.items()))] = (series.instants_ms, series.values)
    return found


def _host(url: str) -> str:
    """Name a source by its address without credentials or scheme."""
    return url.partition("://")[2].rpartition("@")[2].rstrip("/")


def alert_history(workspace: Workspace, api: "PrometheusApi", *, start: datetime, end: datetime) -> Pulled:
    """Pull what Prometheus remembers of alerts, with the identity that Alertmanager gives them."""
    from tracker.events.alerts import AlertFired, AlertResolved
    from tracker.ingest.prometheus_api import fingerprint

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
            "service": workspace.rules.for_alert(labels),
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
    workspace.record(facts, pulled.recording)
    return pulled


def alert_rules(workspace: Workspace, api: "PrometheusApi") -> Pulled:
    """Keep the definitions under which alerts fire."""
    from msgspec.structs import replace

    from tracker.events.samples import AlertRuleSeen, rule_scope

    pulled = Pulled("prometheus", None, "alert rules")
    try:
        now = api.now()
        rules = api.rules()
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    facts: list[Any] = []
    for rule in rules:
        service = workspace.rules.for_alert(rule["labels"])
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
        last = workspace.log.latest(rule_scope(service, seen.name))
        if last is None or replace(last.event, occurred_at=now) != seen:
            facts.append(seen)
    pulled.found = len(rules)
    workspace.record(facts, pulled.recording)
    return pulled


def repository(
    workspace: Workspace, path: Path, service: str | None, start: datetime | None, end: datetime | None
) -> Pulled:
    """Read one local clone."""
    from tracker.ingest import git

    pulled = Pulled("git", service, path.name)
    procedure = workspace.settings.procedure
    main = tuple(
        dict.fromkeys((procedure.production_branch, procedure.integration_branch, *git.MAIN_BRANCHES))
    )
    try:
        facts = git.read(
            path,
            service=service,
            since=start,
            until=end,
            arrival=Arrival(via="poll", received_at=workspace.now),
            main_branches=main,
        )
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    pulled.found = len(facts)
    workspace.record(facts, pulled.recording)
    return pulled


def alertmanager(workspace: Workspace) -> Pulled:
    """Ask Alertmanager which alerts it knows now."""
    import requests

    from tracker.ingest import alertmanager as reader

    url = workspace.settings.file.alertmanager.url
    pulled = Pulled("alertmanager", None, "alerts")
    try:
        if not url:
            raise SettingsError(
                f"{workspace.settings.path or 'tracker.toml'} names no Alertmanager",
                hint='[alertmanager] url = "http://127.0.0.1:9093", or name a FILE of webhook bodies',
            )
        try:
            session = requests.Session()
            session.trust_env = False
            answer = session.get(
                f"{url.rstrip('/')}/api/v2/alerts", timeout=(3.05, 30.0), allow_redirects=False
            )
        except requests.RequestException as away:
            raise SourceUnreachableError(
                f"{url} does not answer: {type(away).__name__}", hint=f"curl {url}/-/ready"
            ) from away
        if answer.status_code != 200:
            raise SourceUnreachableError(f"{url} answered {answer.status_code}", hint=f"curl {url}/-/ready")
        arrival = Arrival(via="poll", received_at=workspace.now)
        facts = reader.read(answer.content, where=url, rules=workspace.rules, arrival=arrival)
    except TrackerError as trouble:
        pulled.problem = trouble
        return pulled
    pulled.found = len(facts)
    workspace.record(facts, pulled.recording)
    return pulled


def raise_if_failed(pulled: list[Pulled]) -> None:
    """Raise the first problem, after everything that went well was recorded.

    Raises:
        TrackerError: That problem.
    """
    for each in pulled:
        if each.problem is not None:
            raise each.problem
