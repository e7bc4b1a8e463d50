"""Collecting what every configured source knows of one incident, and judging the windows that are over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tracker.application.collect import forges, sentry, sources
from tracker.application.collect.result import CollectResult
from tracker.application.progress import SILENT, Progress
from tracker.application.session import Recording, Session
from tracker.application.verdicts import record_verdicts
from tracker.errors import TrackerError
from tracker.incident import Incident

HISTORY = timedelta(days=90)
"""So far back repositories are read, for where a branch began; forward they are read whole, for a late merge."""
SOURCES = ("prometheus", "alertmanager", "git", "sentry", *forges.FORGES)


@dataclass
class Collected:
    """What the sources gave, which of them are not configured, and the verdicts that were recorded."""

    results: list[CollectResult] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    judged: Recording = field(default_factory=Recording)

    @property
    def total(self) -> Recording:
        """Everything that was recorded."""
        total = Recording(self.judged.recorded, self.judged.known)
        for result in self.results:
            total.recorded += result.recording.recorded
            total.known += result.recording.known
        return total


def collect_incident(
    session: Session, incident: Incident, *, only: str | None = None, progress: Progress = SILENT
) -> Collected:
    """Collect from one source after the other; one that fails does not keep the others from being asked.

    Raises:
        SettingsError: If `only` names a source that is not configured.
    """
    span = (incident.begins_at - timedelta(days=1), (incident.ends_at or session.now) + timedelta(days=1))
    collected = Collected()
    for source, collect in _COLLECTORS.items():
        if only in (None, source):
            collect(session, incident, span, only is not None, collected, progress)
    with progress.clock("verdicts"):
        record_verdicts(session, session.incident(incident.id), collected.judged)
    session.log.seal()
    return collected


Span = tuple[datetime, datetime]
_Collect = Callable[[Session, Incident, Span, bool, Collected, Progress], None]


def _prometheus(
    session: Session, incident: Incident, span: Span, wanted: bool, collected: Collected, progress: Progress
) -> None:
    if not session.settings.prometheus.url:
        if wanted:
            sources.prometheus_api(session)
        collected.skipped.append("prometheus: not configured ([prometheus] url)")
        return
    collected.results += _samples_and_alerts(session, incident, span, progress)


def _samples_and_alerts(
    session: Session, incident: Incident, span: Span, progress: Progress
) -> Iterator[CollectResult]:
    start, end = span
    try:
        api = sources.prometheus_api(session)
    except TrackerError as trouble:
        yield CollectResult("prometheus", None, "everything", problem=trouble)
        return
    with api, progress.bar("prometheus") as update:
        alerts = sources.alert_history(session, api, start=start, end=end)
        yield alerts
        if alerts.problem is not None and alerts.problem.exit_code == 10:
            return
        yield sources.alert_rules(session, api)
        for service in incident.services:
            configured = session.settings.services.get(service)
            for name, metric in (configured.metrics if configured else {}).items():
                yield sources.with_history(
                    session,
                    api,
                    service=service,
                    name=name,
                    metric=metric,
                    start=incident.begins_at,
                    end=end,
                    progress=update,
                )
        for warning in api.warnings:
            session.notify(f"prometheus warns: {warning}")


def _alertmanager(
    session: Session, incident: Incident, span: Span, wanted: bool, collected: Collected, progress: Progress
) -> None:
    if session.settings.file.alertmanager.url or wanted:
        collected.results.append(sources.alertmanager(session))
    else:
        collected.skipped.append("alertmanager: not configured ([alertmanager] url)")


def _git(
    session: Session, incident: Incident, span: Span, wanted: bool, collected: Collected, progress: Progress
) -> None:
    settings = session.settings
    clones = [
        (settings.folder / Path(path).expanduser(), name)
        for name in incident.services
        if name in settings.services
        for path in settings.services[name].repositories
    ]
    if not clones:
        collected.skipped.append(f"git: no repositories configured for {', '.join(incident.services)}")
    with progress.clock("git"):
        collected.results += [
            sources.repository(session, path, name, incident.begins_at - HISTORY, None)
            for path, name in clones
        ]


def _forge(forge: str) -> _Collect:
    def collect(
        session: Session,
        incident: Incident,
        span: Span,
        wanted: bool,
        collected: Collected,
        progress: Progress,
    ) -> None:
        services = [name for name in incident.services if forges.repository_of(session.settings, forge, name)]
        if not services and wanted:
            services = list(incident.services)
        with progress.clock(forge):
            collected.results += [forges.deployments(session, forge, name, *span) for name in services]

    return collect


def _sentry(
    session: Session, incident: Incident, span: Span, wanted: bool, collected: Collected, progress: Progress
) -> None:
    if not (sentry.configured(session) or wanted):
        collected.skipped.append("sentry: not configured ([sentry] organization)")
        return
    with progress.clock("sentry"):
        collected.results.append(sentry.sentry(session, span[0], min(span[1], session.now)))


_COLLECTORS: dict[str, _Collect] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "git": _git,
    **{forge: _forge(forge) for forge in forges.FORGES},
    "sentry": _sentry,
}
