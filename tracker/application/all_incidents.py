"""Everything that tables and trends ask of all incidents together, read once and in linear time."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from itertools import accumulate

from projections.attachment import own_rows, span
from projections.changes import SUSPECT_WITHIN, ChangeRow, candidate, changes_among
from projections.detection import beginning, detected_at, detection, relapse
from projections.durations import Duration, durations_of, measure
from projections.incident_windows import CHANGES, WORK_AFTER, after
from projections.incidents import incidents
from projections.places import production_of
from projections.points import Point, declared_point
from projections.population import Population
from projections.procedure.rule import Evidence, ProcedureLimits
from projections.the_fix import the_fix
from projections.updates import messages_of
from tracker.application.all_work import BUILT, AllWork
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import REGISTRY, Observation, Recorded, Window
from tracker.events.corrections import Correction, Effective, effective
from tracker.events.housekeeping import SettingsChanged
from tracker.gc_pause import collector_paused
from tracker.incident import Incident
from tracker.log import Log
from tracker.settings.validation import problem_of_recorded


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
        declared = self._log.select([Window("incidents")], self._up_to)
        names = {name for each in declared if (name := getattr(each.event, "incident", None)) is not None}
        return incidents(self._log.select([Window(f"incident:{name}") for name in names], self._up_to))

    def observed(self, *kinds: type[Observation]) -> list[Effective]:
        """Return what sources reported of these kinds, corrections applied, without what was retracted."""
        topics = [kind.TOPIC for kind in kinds]
        return [fact for fact in self._facts(topics) if fact.retraction is None]

    def _facts(self, topics: Sequence[str]) -> list[Effective]:
        corrections = [name for name, kind in REGISTRY.items() if issubclass(kind, Correction)]
        facts = effective(self._log.read_all([*topics, *corrections], self._up_to)).values()
        return [fact for fact in facts if fact.event.TOPIC in topics]

    @cached_property
    def alerts(self) -> Population:
        """The incidents with the alerts of each."""
        return Population(self.incidents, self.observed(AlertFired, AlertResolved))

    @cached_property
    def changes(self) -> list[ChangeRow]:
        """All deploys, rollbacks and merges, oldest first."""
        living = (fact for fact in self._built_and_deployed if fact.retraction is None)
        with collector_paused():
            return changes_among(living, production_of(self._settings))

    @cached_property
    def _built_and_deployed(self) -> list[Effective]:
        """What was built and deployed, with corrections applied, retracted ones among them."""
        return self._facts([*CHANGES, *BUILT])

    @cached_property
    def _work(self) -> AllWork:
        return AllWork(self._built_and_deployed, self.changes)

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

        Only the way of a fix through git needs what rules are asked about; without commits it is not gathered.
        """
        rows = self.own_changes(incident)
        if rows and self._has_work(incident):
            return durations_of(self.evidence(incident))
        one_trunk = not self._limits(incident).integration_branch
        return measure(incident, self.alerts.own(incident), rows, one_trunk=one_trunk)

    def evidence(self, incident: Incident) -> Evidence:
        """Return what the rules of the procedure are asked about, as `procedure.evaluation` gathers it of a dossier."""
        own = self.alerts.own(incident)
        limits = self._limits(incident)
        since: datetime | None = span(incident)[0]
        if self._has_work(incident):
            since = self._work.since(incident)
        start = min(since, span(incident)[0]) if since is not None else None
        rows = self._work.near(incident, start, after(incident, WORK_AFTER), before=True)
        lines = {limits.production_branch, limits.integration_branch, *limits.maintained_branches}
        mine = self.own_changes(incident)
        facts = self._work.facts(incident, since, mine, lines)
        facts |= {fact.id: fact for fact in own}
        for name in (incident.id, *incident.merged_from):
            steps = known.steps if (known := self._by_id.get(name)) is not None else ()
            facts |= {step.id: step for step in steps if step.retraction is None}
        back = relapse(incident, own)
        return Evidence(
            incident=incident,
            facts=tuple(sorted(facts.values(), key=lambda fact: fact.recorded.position)),
            changes=tuple(rows),
            messages=tuple(messages_of(incident)),
            verdicts=(),
            procedure=limits,
            now=self.now or incident.begins_at,
            detected_at=detected_at(incident, own),
            others=tuple(self.alerts.neighbours(incident)),
            back_at=back.detected.instant if back else None,
            own=tuple(mine),
        )

    def fix(self, incident: Incident) -> ChangeRow | None:
        """Return the change that ended it, as its durations take it."""
        rows = self.own_changes(incident)
        since = (self.detected(incident) or declared_point(incident)) if rows else None
        if since is None:
            return None
        back = relapse(incident, self.alerts.own(incident))
        found = the_fix(incident, rows, since.instant, back.detected.instant if back else None)
        return found.row if found is not None else None

    def own_changes(self, incident: Incident) -> list[ChangeRow]:
        """Return the deploys, rollbacks and merges that belong to an incident."""
        if incident.id not in self._own_changes:
            near = self._work.near(incident, *span(incident))
            others = self.alerts.neighbours(incident) if near else []
            self._own_changes[incident.id] = own_rows(incident, near, others)
        return self._own_changes[incident.id]

    def _has_work(self, incident: Incident) -> bool:
        """Whether the log has commits, tests or tags of its services, or of those whose changes are its own."""
        services = {*incident.services, *(row.service for row in self.own_changes(incident))}
        return not services.isdisjoint(self._services_with_work)

    @cached_property
    def _services_with_work(self) -> set[str | None]:
        return {
            each.event.service
            for each in self._built_and_deployed
            if isinstance(each.event, Observation) and each.event.TOPIC in BUILT
        }

    @cached_property
    def _by_id(self) -> dict[str, Incident]:
        return {incident.id: incident for incident in self.incidents}

    @cached_property
    def _settings(self) -> list[Recorded]:
        return list(self._log.read_all([SettingsChanged.TOPIC], self._up_to))

    @cached_property
    def _procedures(self) -> dict[str | None, ProcedureLimits]:
        """[procedure] as the log has it, and of each imported incident that of its own log."""
        return {
            event.only_for: ProcedureLimits.of(event.settings.get("procedure", {}))
            for event in (each.event for each in self._settings)
            if isinstance(event, SettingsChanged)
            and event.service is None
            and problem_of_recorded(event.service, event.settings) is None
        }

    def _limits(self, incident: Incident) -> ProcedureLimits:
        general = self._procedures.get(None) or ProcedureLimits.of({})
        return self._procedures.get(incident.id, general)
