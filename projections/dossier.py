"""All that the answers about one incident are computed from: read once, up to one position of the log.

Plain values, and what follows from them. Nothing here reads a store or a clock: `application.dossier`
reads, and every answer is a function of what it read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from projections.attachment import (
    attached,
    attached_repeats,
    linked_ids,
    own_rows,
    rows_of_others,
    taken,
    windows,
    without_other_links,
    without_other_silences,
)
from projections.changes import ChangeRow, changes_among
from projections.detection import Relapse, detected_at, relapse
from projections.event_index import EventIndex
from projections.imports import imports
from projections.incident_windows import Part, is_near, sample_window, streams, work_windows
from projections.incidents import incidents_of
from projections.places import Production, production_names
from projections.samples import Series, merge, spaced
from projections.silence import Silence, silences_of
from projections.tags import Tags
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Observation, Recorded, Window, of_kinds
from tracker.events.bundles import imported_scope
from tracker.events.changes import BranchSeen, Change, CommitMade, VersionTagged
from tracker.events.corrections import (
    Correction,
    Effective,
    EventLinked,
    EventUnlinked,
    effective,
)
from tracker.events.housekeeping import SettingsChanged, settings_scope
from tracker.events.incidents import IncidentLifecycleEvent, MilestoneSet
from tracker.events.repeats import Repeats
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.events.silence import SILENCES
from tracker.incident import Incident, fold
from tracker.settings.schema import Procedure
from tracker.settings.validation import problem_of_recorded
from tracker.times import from_us

_REFS = (VersionTagged, BranchSeen)


@dataclass(frozen=True, eq=False)
class Dossier:
    """One incident with every event that its answers need, corrections among them, in order of position.

    `now` is the clock where it was asked live, else when the last event was recorded. `columns` are the
    stored samples by position, `sampled` the metrics of which the log has some, by service.
    `work_since` is how far back work was read, None to the beginning of the log. `repeats` are further events of
    errors of which the first and the last are among `recorded`: see `tracker.events.repeats`.
    """

    incident: Incident
    recorded: Sequence[Recorded]
    now: datetime
    parts: Part = Part.ALL
    work_since: datetime | None = None
    columns: Mapping[int, bytes] = field(default_factory=dict)
    sampled: Mapping[str, Sequence[str]] = field(default_factory=dict)
    repeats: Sequence[Repeats] = ()

    @classmethod
    def of(cls, incident_id: str, recorded: Iterable[Recorded]) -> "Dossier":
        """Make one of events that are at hand, without samples; now is when the last was recorded."""
        known = sorted(recorded, key=lambda each: each.position)
        return cls(fold(incident_id, known), known, max(each.recorded_at for each in known))

    # ── the log's part ───────────────────────────────────────────────────────

    @cached_property
    def effective(self) -> dict[str, Effective]:
        """Every event with its corrections applied."""
        return effective(self.recorded)

    def select(self, asked: Iterable[Window], ids: Iterable[str] = ()) -> list[Recorded]:
        """Return the events of these windows, and of these ids, with their corrections, as the log would."""
        return self._index.select(asked, ids)

    @cached_property
    def _index(self) -> EventIndex:
        return EventIndex(self.recorded, self.effective)

    def need(self, part: Part) -> None:
        """Refuse to answer without a part: what was not read would be taken for what is not there.

        Raises:
            ValueError: If the part, or any of several, was not read.
        """
        if not part & self.parts:
            raise ValueError(f"{part.name} of {self.incident.id} was not read")

    def living(self, recorded: Iterable[Recorded]) -> list[Effective]:
        """Return these events with their corrections applied, without what was retracted."""
        corrected = self.effective
        return [fact for each in recorded if (fact := corrected[each.id]).retraction is None]

    @cached_property
    def last_recorded_at(self) -> datetime:
        """When the last of its events was recorded; of what came in a bundle, in its first log."""
        return from_us(max(each.recorded_us for each in self.recorded))

    # ── which facts are the incident's ───────────────────────────────────────

    @cached_property
    def facts(self) -> list[Recorded]:
        """Its decisions, and what may belong to it of its services' facts; `own` is what does."""
        self.need(Part.STORY)
        found = self.select([*streams(self.incident), *windows(self.incident)], linked_ids(self.incident))
        return without_other_links(
            self.incident, without_other_silences(self.incident, found, self.effective)
        )

    @cached_property
    def own(self) -> list[Effective]:
        """The facts that belong to it."""
        living = self.living(self.facts)
        return attached(self.incident, of_kinds(living, Observation), self.neighbours)

    @cached_property
    def own_repeats(self) -> list[Repeats]:
        """The further events of errors that belong to it."""
        return attached_repeats(self.incident, self.repeats, self.neighbours)

    @cached_property
    def work(self) -> list[Recorded]:
        """What was built and deployed for its services before it and since, and its decisions."""
        self.need(Part.WORK)
        windows_of = [*streams(self.incident), *work_windows(self.incident, self.work_since)]
        ids = {*linked_ids(self.incident), *self._older_heads}
        return without_other_links(self.incident, self.select(windows_of, ids))

    @cached_property
    def _older_heads(self) -> list[str]:
        """Return where the main and maintained branches pointed of which nothing later was seen."""
        if self.work_since is None:
            return []
        lines = main_branches(self.settings(None)[0].get("procedure", {}))
        last: dict[tuple[str | None, str, str], Effective] = {}
        for fact in self.living(of_kinds(self.recorded, BranchSeen)):
            event = fact.event
            assert isinstance(event, BranchSeen)
            if event.name in lines and event.service in self.incident.services:
                key = (event.service, event.repository, event.name)
                last[key] = max(last.get(key, fact), fact, key=lambda fact: fact.order)
        return [fact.id for fact in last.values() if fact.event.occurred_at < self.work_since]

    @cached_property
    def older_refs(self) -> list[Recorded]:
        """Return the heads and the tags from before the work that was read on which answers depend."""
        tags = [commit.event for row in self.changes for commit in row.tagged]
        return self.select([], [*self._older_heads, *tags])

    @cached_property
    def change_events(self) -> list[Recorded]:
        """The deploys, rollbacks and merges of its services and of the services of linked changes, and their tags and branches."""
        self.need(Part.WORK)
        work = of_kinds(self.recorded, Change, CommitMade, *_REFS)
        return [each for each in work if is_change(each) or isinstance(each.event, _REFS)]

    @cached_property
    def tags(self) -> Tags:
        """The tags and branches of its services, and of those of linked changes."""
        return Tags(self.living(of_kinds(self.recorded, *_REFS)))

    @cached_property
    def changes(self) -> list[ChangeRow]:
        """Deploys, rollbacks and merges of its services, and of those of linked changes, oldest first.

        The one list on which all answers stand: with less of it, a rollback would look like a deploy.
        """
        return self.changes_up_to(None)

    def changes_up_to(self, position: int | None) -> list[ChangeRow]:
        """Return the changes that the log had at a position; corrections are applied already."""
        living = self.living(self.change_events)
        known = [fact for fact in living if position is None or fact.recorded.position <= position]
        return changes_among(known, self.production)

    @cached_property
    def production(self) -> Production:
        """What its services, and those of linked changes, call production."""
        changes = (each.event for each in of_kinds(self.recorded, Change))
        services = {event.service for event in changes if isinstance(event, Change)}
        return {name: production_names(self.settings(name)[0]) for name in services}

    @cached_property
    def work_facts(self) -> list[Effective]:
        """What was built and deployed for its services, its decisions, and the alerts that belong to it."""
        living = self.living(self.work)
        alerts = of_kinds(living, AlertFired, AlertResolved)
        own = {fact.id for fact in attached(self.incident, alerts, self.neighbours)}
        others = {fact.id for fact in alerts} - own
        return [fact for fact in living if fact.id not in others]

    @cached_property
    def own_changes(self) -> list[ChangeRow]:
        """The deploys, rollbacks and merges that belong to it."""
        return own_rows(self.incident, self.changes, self.neighbours)

    @cached_property
    def changes_of_others(self) -> list[ChangeRow]:
        """The deploys, rollbacks and merges that belong to another incident."""
        return rows_of_others(self.incident, self.changes, self.neighbours)

    @cached_property
    def detected_at(self) -> datetime:
        """From when limits run: the detection, else the declaration."""
        return detected_at(self.incident, self.work_facts)

    @cached_property
    def relapse(self) -> Relapse | None:
        """How it came back the last time."""
        return relapse(self.incident, self.work_facts)

    @cached_property
    def silences(self) -> list[Silence]:
        """All silences of sources, oldest first."""
        self.need(Part.METRICS)
        return silences_of(self.effective[each.id] for each in self.select([Window(SILENCES)]))

    @cached_property
    def imports(self) -> list[Recorded]:
        """What says with which bundles it came."""
        return imports(self.select([Window(imported_scope(self.incident.id))]))

    @cached_property
    def others(self) -> list[Incident]:
        """The other incidents of which something was read."""
        self.need(Part.METRICS | Part.ACTIONS)
        return [each for each in self._incidents if each.id not in self.incident.merged_from]

    @cached_property
    def _incidents(self) -> list[Incident]:
        return [each for each in incidents_of(self.effective.values()) if each.id != self.incident.id]

    @cached_property
    def neighbours(self) -> tuple[Incident, ...]:
        """The other incidents of its services in its log, which may have facts that are near it.

        An incident that came in a bundle has those of the log that it came from.
        """
        services, origin = set(self.incident.services), self.incident.origin
        return tuple(
            each
            for each in self._incidents
            if each.origin == origin
            and not services.isdisjoint(each.services)
            and is_near(each, self.incident)
        )

    def redactions(self, recorded: Iterable[Recorded]) -> list[Recorded]:
        """Return what says of these events that they were redacted."""
        ids = {each.redacted.event for each in recorded if each.redacted is not None}
        return [each for each in self.recorded if each.id in ids]

    @cached_property
    def taken(self) -> list[Recorded]:
        """Return the links by which people gave facts near it to neighbours, with corrections."""
        names = {each.id for each in self.neighbours}
        if not names:
            return []
        near = {each.id for each in self.facts}
        given = taken(self.neighbours) & near
        said = {
            each.id: each
            for each in of_kinds(self.recorded, EventLinked, EventUnlinked)
            if isinstance(each.event, EventLinked | EventUnlinked)
            and each.event.incident in names
            and each.event.target in given
        }
        return self.with_corrections(said)

    def lifecycle(self, incidents: Iterable[Incident]) -> list[Recorded]:
        """Return what says of other incidents which they are and when they were, with corrections."""
        names = {each.id for each in incidents}
        said = {
            each.id: each
            for each in of_kinds(self.recorded, IncidentLifecycleEvent, MilestoneSet)
            if not names.isdisjoint(
                (getattr(each.event, "incident", None), getattr(each.event, "into", None))
            )
        }
        return self.with_corrections(said)

    def with_corrections(self, found: Mapping[str, Recorded]) -> list[Recorded]:
        """Return these events with all that was said about them, and about that again."""
        kept = dict(found)
        # A correction comes after what it corrects.
        for each in of_kinds(self.recorded, Correction):
            if isinstance(each.event, Correction) and each.event.target in kept:
                kept[each.id] = each
        return sorted(kept.values(), key=lambda each: each.position)

    # ── settings and samples ─────────────────────────────────────────────────

    def settings(self, service: str | None) -> tuple[dict[str, Any], list[Recorded]]:
        """Return how a service is set up, or, for None, what holds for all; and the event that says so.

        An incident that came in a bundle has the settings of the log that it came from. What tracker.toml could
        not have said, which earlier trackers imported, is left out.
        """
        self.need(Part.STORY | Part.WORK)
        for scope in (settings_scope(service, self.incident.id), settings_scope(service)):
            found = [each for each in self.select([Window(scope)]) if self._is_sound(each)]
            if found and isinstance(found[-1].event, SettingsChanged):
                return dict(found[-1].event.settings), [found[-1]]
        return {}, []

    def _is_sound(self, recorded: Recorded) -> bool:
        event = recorded.event
        if not isinstance(event, SettingsChanged):
            return False
        if recorded.id not in self._sound:
            self._sound[recorded.id] = problem_of_recorded(event.service, event.settings) is None
        return self._sound[recorded.id]

    @cached_property
    def _sound(self) -> dict[str, bool]:
        return {}

    def metrics(self, service: str) -> list[str]:
        """Name the metrics of a service that are configured, and those of which the log has samples."""
        return list(
            dict.fromkeys([*self.settings(service)[0].get("metrics", {}), *self.sampled.get(service, ())])
        )

    def collected(self, service: str, start: datetime | None, end: datetime | None) -> list[Recorded]:
        """Return what sources said, when asked for a service, of a span."""
        self.need(Part.METRICS)
        return self.select([Window(f"collected:{service}", start, end)])

    def series(
        self, service: str, metric: str, start: datetime, end: datetime, *, whole: bool = False
    ) -> tuple[list[Series], list[Recorded]]:
        """Return the log's own samples of a metric, or those of whole answers only, and the events that hold them."""
        self.need(Part.METRICS)
        chunks = [
            each
            for each in self.select([sample_window(service, metric, start, end)])
            if isinstance(each.event, MetricSampled)
            and each.event.last_at >= start
            and self.effective[each.id].retraction is None
        ]
        if whole:
            chunks = [
                each for each in chunks if isinstance(each.event, MetricSampled) and not each.event.partial
            ]
        answers = [
            each.event
            for each in self.select([Window(f"collected:{service}")])
            if isinstance(each.event, SourceCollected)
        ]
        joined = merge(((each, self.columns.get(each.position, b"")) for each in chunks), answers)
        return [spaced(each, start, end) for each in joined], chunks


def main_branches(procedure: Mapping[str, Any]) -> set[str]:
    """Name the production, integration and maintained branches, by [procedure] as the log has it."""
    defaults = Procedure()
    return {
        procedure.get("production_branch", defaults.production_branch),
        procedure.get("integration_branch", defaults.integration_branch),
        *procedure.get("maintained_branches", defaults.maintained_branches),
    }


def is_change(recorded: Recorded) -> bool:
    """Whether an event records a deploy, a rollback or a merge."""
    event = recorded.event
    return isinstance(event, Change) or (isinstance(event, CommitMade) and event.is_merge)
