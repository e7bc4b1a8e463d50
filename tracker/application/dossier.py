"""Reading an incident from the log, once: everything that the answers about it are computed from."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from projections.actions import linked_incidents
from projections.attachment import linked_ids
from projections.dossier import Dossier
from projections.incident_windows import (
    BASELINE,
    BEFORE_ONSET,
    FOREVER,
    LONGEST_WINDOW,
    WORK_BEFORE,
    Part,
    after,
    change_windows,
    earlier_work_windows,
    incident_instants,
    neighbour_window,
    sample_window,
    settings_windows,
    wanted,
)
from projections.lives import FACTS_BEFORE
from projections.versions import plain_version
from tracker.application.session import Session
from tracker.events.actions import ActionAdded
from tracker.events.alerts import AlertFired
from tracker.events.base import Event, Recorded, Window, of_kinds
from tracker.events.changes import Change, CommitMade, DeployFinished, RollbackFinished, VersionTagged
from tracker.events.corrections import Correction, EventAmended
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentLifecycleEvent,
    IncidentMerged,
    IncidentResolved,
    ServiceAdded,
)
from tracker.events.repeats import Repeats
from tracker.events.samples import MetricSampled
from tracker.incident import Incident
from tracker.log import Log

#: The pictures of an incident show at most half a day around it.
_AROUND = timedelta(hours=13)


def dossier(
    session: Session,
    incident: Incident,
    up_to: int | None = None,
    *,
    parts: Part = Part.ALL,
    change: Recorded | None = None,
    before_onset: timedelta = BEFORE_ONSET,
) -> Dossier:
    """Read an incident up to a position, or up to now.

    With `change` a deploy or rollback is judged besides, of whatever service; `before_onset` is how
    long before the onset others are.
    """
    now = session.now if up_to is None else _recorded_at(session, up_to)
    return dossier_of(
        session.log, incident, up_to, now, parts=parts, change=change, before_onset=before_onset
    )


def dossier_of(
    log: Log,
    incident: Incident,
    up_to: int | None,
    now: datetime,
    *,
    parts: Part = Part.ALL,
    change: Recorded | None = None,
    before_onset: timedelta = BEFORE_ONSET,
) -> Dossier:
    """Read an incident from a log, as `dossier` does for a session."""
    position = log.position if up_to is None else up_to
    service = getattr(change.event, "service", None) if change else None
    found = _Found(log, position, incident, before_onset, change)
    windows = wanted(incident, parts)
    if service is not None and service not in incident.services:
        windows += [
            *change_windows(incident, [service]),
            *settings_windows(incident, service),
        ]
    found.add_facts(windows, linked_ids(incident))
    since = found.widen() if Part.WORK in parts else None
    found.follow(parts)
    return found.dossier(now, parts, since)


class _Found:
    """What was read so far, from which follows what else is needed."""

    def __init__(
        self, log: Log, position: int, incident: Incident, before_onset: timedelta, change: Recorded | None
    ) -> None:
        self._log, self._position, self._incident = log, position, incident
        self._before_onset = before_onset
        self._named = {*linked_ids(incident), *([change.id] if change else [])}
        self._events: dict[str, Recorded] = {}
        self._repeats: list[Repeats] = []
        self._sampled: dict[str, list[str]] = {}

    def add_facts(self, windows: Iterable[Window], ids: Sequence[str]) -> None:
        """Read the windows that hold errors, and what people linked."""
        events, self._repeats = self._log.select_folded(windows, self._position, ids)
        self._events.update({each.id: each for each in events})

    def add(self, windows: Iterable[Window]) -> None:
        """Read these windows."""
        self._events.update({each.id: each for each in self._log.select(windows, self._position)})

    def widen(self) -> datetime | None:
        """Read work further back until a version is known that ran before the incident; return since when."""
        since = until = None
        for before in WORK_BEFORE:
            since = self._incident.begins_at - before if before else None
            if until is not None:
                self.add(earlier_work_windows(self._incident, since, until))
            until = since
            if _knows_what_ran(self._events.values(), self._incident.begins_at):
                break
        return since

    def follow(self, parts: Part) -> None:
        """Read what follows from the events at hand, in one go."""
        windows = [neighbour_window(name) for name in self._neighbours()]
        if Part.WORK in parts:
            windows += self._changes_elsewhere()
        if Part.METRICS in parts:
            windows += self._samples()
        if Part.ACTIONS in parts and of_kinds(self._events.values(), ActionAdded):
            windows += [Window(f"incident:{name}") for name in linked_incidents(self._events.values())]
        if windows:
            self.add(dict.fromkeys(windows))

    def dossier(self, now: datetime, parts: Part, since: datetime | None) -> Dossier:
        """Put together what was read."""
        recorded = sorted(self._events.values(), key=attrgetter("position"))
        chunks = [each.position for each in of_kinds(recorded, MetricSampled)]
        return Dossier(
            incident=self._incident,
            recorded=recorded,
            now=now,
            parts=parts,
            work_since=since,
            columns=self._log.payloads(chunks) if chunks else {},
            sampled=self._sampled,
            repeats=self._repeats,
        )

    def _changes_elsewhere(self) -> list[Window]:
        """Name the changes of other services of which one is linked: its steps may be told apart."""
        services = {
            each.event.service
            for each in of_kinds(self._events.values(), Change)
            if isinstance(each.event, Change) and each.id in self._named
        }
        others = sorted({name for name in services if name} - {*self._incident.services})
        settings = [window for name in others for window in settings_windows(self._incident, name)]
        return [*change_windows(self._incident, others), *settings]

    def _samples(self) -> list[Window]:
        """Name the windows of samples around each change that may be judged, and around the incident."""
        incident = self._incident
        instants = self._instants_to_judge()
        start, end = incident.begins_at - _AROUND, after(incident, _AROUND)
        found = []
        for service in dict.fromkeys([*incident.services, *instants]):
            names = self._sampled[service] = _sampled(self._log, service, self._position)
            found.append(
                Window(
                    f"collected:{service}",
                    incident.begins_at - timedelta(days=2),
                    after(incident, timedelta(days=1)),
                )
            )
            found += [sample_window(service, name, start, end) for name in names]
            if service in instants:
                first, last = min(instants[service]) - BASELINE, max(instants[service]) + LONGEST_WINDOW
                found.append(Window(f"collected:{service}", first - BASELINE, last))
                found += [sample_window(service, name, first, last) for name in names]
        return found

    def _instants_to_judge(self) -> dict[str, list[datetime]]:
        """Return by service when something may have gone out that is judged; some of it may be none."""
        incident = self._incident
        moved = {
            each.event.target: each.event.new_at
            for each in of_kinds(self._events.values(), EventAmended)
            if isinstance(each.event, EventAmended) and each.event.new_at is not None
        }
        alerts = [
            each.event.occurred_at
            for each in of_kinds(self._events.values(), AlertFired)
            if each.id in self._named
        ]
        since = min([incident.begins_at - FACTS_BEFORE, *alerts]) - self._before_onset
        changes = [
            (each.id, each.event)
            for each in of_kinds(self._events.values(), Change)
            if isinstance(each.event, Change)
        ]
        named = {
            (event.service, plain_version(event.version)) for name, event in changes if name in self._named
        }
        found = {service: incident_instants(incident) for service in incident.services}
        for name, event in changes:
            instants = [event.occurred_at, *([moved[name]] if name in moved else [])]
            near = any(since <= at and (incident.ends_at is None or at < incident.ends_at) for at in instants)
            if event.service and (near or (event.service, plain_version(event.version)) in named):
                found.setdefault(event.service, []).extend(instants)
        return found

    def _neighbours(self) -> list[str]:
        """Name the other incidents of the same services that may have lasted near this one, or into its baselines."""
        incident = self._incident
        corrected: set[str] = set()
        lives: dict[str, list[Recorded]] = {}
        for each in of_kinds(self._events.values(), Correction, IncidentLifecycleEvent):
            if isinstance(each.event, Correction):
                corrected.add(each.event.target)
            elif isinstance(each.event, IncidentLifecycleEvent) and each.event.incident:
                lives.setdefault(each.event.incident, []).append(each)
        found = []
        long_after = after(incident, BASELINE) or FOREVER
        for name, life in lives.items():
            services = {service for each in life for service in _services(each.event)}
            last = life[-1].event
            long_ago = (
                isinstance(last, IncidentResolved | IncidentMerged)
                and last.occurred_at <= incident.begins_at - BASELINE
                and corrected.isdisjoint(each.id for each in life)
            )
            far = long_ago or life[0].event.occurred_at > long_after
            if name != incident.id and not services.isdisjoint(incident.services) and not far:
                found.append(name)
        return sorted(found)


def reads_the_same(log: Log, known: Dossier, position: int) -> bool:
    """Whether as of an earlier position the same work and the same metrics would have been read.

    What else was read later is an event of its own, and whoever uses it is of its position.
    """
    work = (each for each in known.work if each.position <= position)
    return (known.work_since is None or _knows_what_ran(work, known.incident.begins_at)) and all(
        names == _sampled(log, service, position) for service, names in known.sampled.items()
    )


def _sampled(log: Log, service: str, position: int) -> list[str]:
    """Name the metrics of a service of which the log has samples."""
    prefix = f"samples:{service}/"
    return [scope[len(prefix) :] for scope in log.scope_names(prefix, position)]


def _knows_what_ran(events: Iterable[Recorded], begins_at: datetime) -> bool:
    """Whether the log has a version from before an incident with its commit, or no commits at all."""
    commits: set[str] = set()
    versions: set[str] = set()
    for each in of_kinds(events, CommitMade, DeployFinished, RollbackFinished, VersionTagged):
        event = each.event
        if isinstance(event, CommitMade):
            commits.add(event.sha)
        elif isinstance(event, DeployFinished | RollbackFinished | VersionTagged):
            versions |= {event.sha} if event.sha and event.occurred_at < begins_at else set()
    return not commits.isdisjoint(versions)


def _services(event: Event) -> tuple[str, ...]:
    """Name the services that an event adds to an incident."""
    if isinstance(event, IncidentDeclared):
        return event.services
    return (event.service,) if isinstance(event, ServiceAdded) else ()


def _recorded_at(session: Session, position: int) -> datetime:
    # Not the position's own instant: what came in a bundle was recorded when its first log says.
    last = session.log.read(position - 1, 1, position)
    return last[0].recorded_at if last else session.now
