"""Everything that tables and trends ask of all incidents together, read once and in linear time."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import datetime
from functools import cached_property
from itertools import accumulate

from projections.attachment import own_rows, span
from projections.changes import SUSPECT_WITHIN, ChangeRow, candidate, changes
from projections.detection import beginning, detection
from projections.dossier import Part
from projections.durations import Duration, durations, measure
from projections.incidents import incidents
from projections.places import production_of
from projections.points import Point, declared_point
from projections.population import Population
from projections.procedure.rule import ProcedureLimits
from projections.the_fix import the_fix
from tracker.application.dossier import dossier_of
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import REGISTRY, Observation, Recorded, Window
from tracker.events.changes import CommitMade, VersionTagged
from tracker.events.corrections import Correction, Effective, effective
from tracker.events.housekeeping import SettingsChanged
from tracker.gc_pause import collector_paused
from tracker.incident import Incident
from tracker.log import Log


class AllIncidents:
    """Every incident of a log up to a position; what is not asked for is not read."""

    def __init__(self, log: Log, up_to: int | None = None) -> None:
        self._log, self._up_to = log, up_to
        self.position = log.position if up_to is None else up_to
        #: When the last event was recorded: the same log gives the same answers whenever it is read.
        self.now = log.recorded_at(self.position)
        self._own_changes: dict[str, list[ChangeRow]] = {}

    @cached_property
    def incidents(self) -> list[Incident]:
        """All incidents, by number; those merged into another too."""
        names = [each.id for each in incidents(self._log.select([Window("incidents")], self._up_to))]
        return incidents(self._log.select([Window(f"incident:{name}") for name in names], self._up_to))

    def observed(self, *kinds: type[Observation]) -> list[Effective]:
        """Return what sources reported of these kinds, corrections applied, without what was retracted."""
        corrections = [name for name, kind in REGISTRY.items() if issubclass(kind, Correction)]
        topics = [kind.TOPIC for kind in kinds]
        facts = effective(self._log.read_all([*topics, *corrections], self._up_to)).values()
        return [fact for fact in facts if fact.retraction is None and isinstance(fact.event, kinds)]

    @cached_property
    def alerts(self) -> Population:
        """The incidents with the alerts of each."""
        return Population(self.incidents, self.observed(AlertFired, AlertResolved))

    @cached_property
    def changes(self) -> list[ChangeRow]:
        """All deploys, rollbacks and merges, oldest first."""
        services = self._log.scope_names("service:", self._up_to)
        tags = [Window(service, None, None, (VersionTagged.TOPIC,)) for service in services]
        with collector_paused():
            recorded = self._log.select([Window("changes"), *tags], self._up_to)
            return changes(recorded, production_of(self._settings))

    def candidates(self) -> dict[str, list[str]]:
        """Return by change the incidents that began within an hour after it; not those merged into another."""
        rows = sorted(self.changes, key=lambda row: row.began_at)
        began = [row.began_at for row in rows]
        #: By when the last of those so far had ended.
        ended = list(accumulate((max(row.finished_at or row.at, row.at) for row in rows), max))
        found: dict[str, list[str]] = defaultdict(list)
        for incident in self.incidents:
            if incident.merged_into is not None:
                continue
            at = bisect_right(began, incident.begins_at)
            while at > 0 and ended[at - 1] >= incident.begins_at - SUSPECT_WITHIN:
                at -= 1
                if candidate(rows[at], incident.id, incident.begins_at) is not None:
                    found[rows[at].event].append(incident.id)
        return found

    def started(self, incident: Incident) -> Point | None:
        """Return when it began: as people reported, else the onset, else the first alert."""
        return beginning(incident, self.alerts.own(incident))

    def detected(self, incident: Incident) -> Point | None:
        """Return when it was detected: as people reported, else the first alert before the declaration."""
        return detection(incident, self.alerts.own(incident))

    def durations(self, incident: Incident) -> dict[str, Duration]:
        """Measure an incident as `tracker show` does.

        Only the way of a fix through git needs all that is known of an incident; without commits it is not read.
        """
        rows = self.own_changes(incident)
        if self._has_commits(incident, rows):
            parts = Part.STORY | Part.WORK
            return durations(
                dossier_of(self._log, incident, self._up_to, self.now or incident.begins_at, parts=parts)
            )
        limits = ProcedureLimits.of(self._procedure(incident))
        return measure(incident, self.alerts.own(incident), rows, one_trunk=not limits.integration_branch)

    def fix(self, incident: Incident) -> ChangeRow | None:
        """Return the change that ended it, as its durations take it."""
        rows = self.own_changes(incident)
        since = (self.detected(incident) or declared_point(incident)) if rows else None
        found = the_fix(incident, rows, since.instant) if since is not None else None
        return found.row if found is not None else None

    def own_changes(self, incident: Incident) -> list[ChangeRow]:
        """Return the deploys, rollbacks and merges that belong to an incident."""
        if incident.id not in self._own_changes:
            near = self._near(incident)
            others = self.alerts.neighbours(incident) if near else []
            self._own_changes[incident.id] = own_rows(incident, near, others)
        return self._own_changes[incident.id]

    def _near(self, incident: Incident) -> list[ChangeRow]:
        start, end = span(incident)
        found: dict[str, ChangeRow] = {}
        for service in incident.services:
            began, rows = self._by_service.get(service, ([], []))
            last = len(rows) if end is None else bisect_left(began, end)
            found |= {row.event: row for row in rows[bisect_left(began, start) : last]}
        for target in incident.links:
            if (row := self._by_evidence.get(target)) is not None:
                found[row.event] = row
        return sorted(found.values(), key=lambda row: row.order)

    @cached_property
    def _by_service(self) -> dict[str, tuple[list[datetime], list[ChangeRow]]]:
        of_service: dict[str, list[ChangeRow]] = defaultdict(list)
        for row in self.changes:
            of_service[row.service or ""].append(row)
        found = {}
        for service, rows in of_service.items():
            rows.sort(key=_began)
            found[service] = [_began(row) for row in rows], rows
        return found

    @cached_property
    def _by_evidence(self) -> dict[str, ChangeRow]:
        return {event: row for row in self.changes for event in row.evidence}

    def _has_commits(self, incident: Incident, rows: list[ChangeRow]) -> bool:
        """Whether the log may know how a fix came onto the integration branch."""
        services = {*incident.services, *(row.service for row in rows)}
        return bool(rows) and not services.isdisjoint(self._services_with_commits)

    @cached_property
    def _services_with_commits(self) -> set[str | None]:
        return {
            each.event.service for each in self.observed(CommitMade) if isinstance(each.event, CommitMade)
        }

    @cached_property
    def _settings(self) -> list[Recorded]:
        return list(self._log.read_all([SettingsChanged.TOPIC], self._up_to))

    def _procedure(self, incident: Incident) -> dict[str, object]:
        """Return [procedure] as the log has it; an imported incident has that of its own log."""
        found: dict[str, object] = {}
        own = None
        for each in self._settings:
            event = each.event
            if isinstance(event, SettingsChanged) and event.service is None:
                if event.only_for is None:
                    found = event.settings.get("procedure", {})
                elif event.only_for == incident.id:
                    own = event.settings.get("procedure", {})
        return found if own is None else own


def _began(row: ChangeRow) -> datetime:
    return min(row.started_at or row.at, row.at)
