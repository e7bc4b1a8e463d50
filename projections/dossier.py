"""All that the answers about one incident are computed from: read once, up to one position of the log.

Plain values, and what follows from them. Nothing here reads a store or a clock: `application.dossier`
reads, and every answer is a function of what it read.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Flag, auto
from functools import cached_property
from operator import attrgetter, itemgetter
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
from projections.changes import EARLIER_MERGES, ChangeRow, changes_among
from projections.detection import Relapse, detected_at, relapse
from projections.imports import imports
from projections.incidents import incidents_of
from projections.places import Production, production_names
from projections.samples import Series, merge, spaced
from projections.silence import Silence, silences_of
from projections.tags import Tags
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Observation, Recorded, Window, of_kinds, place
from tracker.events.bundles import imported_scope
from tracker.events.changes import BranchSeen, Change, CommitMade, VersionTagged
from tracker.events.corrections import (
    Correction,
    Effective,
    EventAmended,
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

#: What was built and deployed so long before an incident says what its fix started from, and what
#: ran before. Where no version is known that recently, older ones are read: what is rarely released breaks too.
WORK_BEFORE = (timedelta(days=30), timedelta(days=365), None)
#: A fix that is merged back later than that is not looked for any more.
WORK_AFTER = timedelta(days=30)
#: No baseline reaches back further from the change that it is for.
BASELINE = timedelta(days=15)
#: The longest window of a verdict, and what a source needs to have its last samples.
LONGEST_WINDOW = timedelta(days=1, minutes=5)
#: Deploys so long before the onset are judged; `tracker changes` names them as candidates.
BEFORE_ONSET = timedelta(hours=1)
CHANGES = (
    "deploy-started", "deploy-finished", "deploy-failed",
    "rollback-started", "rollback-finished", "rollback-failed",
    "deploy-interrupted", "rollback-interrupted",
)  # fmt: skip
CHANGES_AND_REFS = (*CHANGES, VersionTagged.TOPIC, BranchSeen.TOPIC)
"""What says which commits were deployed: a deploy may name no more than a tag or a branch."""
WORK = (
    *CHANGES, "alert-fired", "alert-resolved", "tests-finished", "tests-interrupted", "release-created",
    "version-released", "commit-made", "version-tagged", "branch-seen", "repository-read",
)  # fmt: skip
"""The kinds of fact that are read beyond the incident's own span."""
_MOVED = EventAmended.TOPIC
_REFS = (VersionTagged, BranchSeen)
NEIGHBOUR = (
    "incident-declared", "incident-resolved", "incident-reopened", "incident-merged", "service-added",
    "service-removed", "milestone-set", "event-linked", "event-unlinked",
)  # fmt: skip
"""The kinds of decision that say when another incident lasted, and which facts people said are its own."""
NEAR = timedelta(days=2, hours=1)
"""So far apart no fact can be of either of two incidents."""
_OF_SERVICE = (ErrorSeen, AlertFired, AlertResolved)
"""What storms are made of, and is found under its service alone."""
_NOTHING: tuple[list[datetime], list[Recorded]] = ([], [])
_SAMPLES_SPAN = timedelta(days=1)
"""No chunk of samples spans more."""


class Part(Flag):
    """What was read of an incident."""

    STORY = auto()
    """What happened to its services, from a day before it until a day after; settings."""
    WORK = auto()
    """What was built and deployed, from 30 days before it until 30 days after; settings."""
    METRICS = auto()
    """Samples, what sources answered, and the other incidents of its services."""
    ACTIONS = auto()
    """Action items, and the incidents that they would have prevented."""
    ALL = STORY | WORK | METRICS | ACTIONS


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
        found: dict[str, Recorded] = {}
        for window in asked:
            instants, events = self._index.get(place(window.scope), _NOTHING)
            first = 0 if window.start is None else bisect_left(instants, window.start)
            last = len(instants) if window.end is None else bisect_left(instants, window.end)
            if window.topics:
                kinds = frozenset(window.topics)
                found |= {each.id: each for each in events[first:last] if each.event.TOPIC in kinds}
            else:
                found |= {each.id: each for each in events[first:last]}
        found |= {name: self.effective[name].recorded for name in ids if name in self.effective}
        return self._closed(found)

    @cached_property
    def _index(self) -> dict[str, tuple[list[datetime], list[Recorded]]]:
        """Every event under its places, each by instant."""
        found: dict[str, list[tuple[datetime, Recorded]]] = {}
        of_service: dict[str | None, list[tuple[datetime, Recorded]]] = {}
        for each in self.recorded:
            event = each.event
            if isinstance(event, _OF_SERVICE):
                rows = of_service.get(event.service)
                if rows is None:
                    rows = of_service[event.service] = found.setdefault(event.index_rows()[0][0], [])
                rows.append((event.occurred_at, each))
            else:
                for scope, at in event.index_rows():
                    found.setdefault(scope, []).append((from_us(at), each))
        index = {}
        for scope, rows in found.items():
            rows.sort(key=itemgetter(0))
            index[scope] = ([at for at, _ in rows], [each for _, each in rows])
        return index

    def _closed(self, found: dict[str, Recorded]) -> list[Recorded]:
        """Add the corrections of these events and the targets of corrections, in order of position."""
        about = self._corrections
        if not about:
            return sorted(found.values(), key=attrgetter("position"))
        left = [each for each in found.values() if each.id in about or isinstance(each.event, Correction)]
        while left:
            each = left.pop()
            near = list(about.get(each.id, ()))
            if isinstance(each.event, Correction) and each.event.target in self.effective:
                near.append(self.effective[each.event.target].recorded)
            for other in near:
                if other.id not in found:
                    found[other.id] = other
                    left.append(other)
        return sorted(found.values(), key=lambda each: each.position)

    @cached_property
    def _corrections(self) -> dict[str, list[Recorded]]:
        about: dict[str, list[Recorded]] = {}
        for each in of_kinds(self.recorded, Correction):
            assert isinstance(each.event, Correction)
            about.setdefault(each.event.target, []).append(each)
        return about

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
        found = self.select([*_streams(self.incident), *windows(self.incident)], linked_ids(self.incident))
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
        windows_of = [*_streams(self.incident), *work_windows(self.incident, self.work_since)]
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


def wanted(incident: Incident, parts: Part) -> list[Window]:
    """Name the windows of the log in which these parts of an incident are, as far as they do not follow from others."""
    found = [*_streams(incident), Window("incidents"), Window(imported_scope(incident.id))]
    if Part.STORY in parts:
        found += windows(incident)
    if Part.WORK in parts:
        assert WORK_BEFORE[0] is not None
        found += work_windows(incident, incident.begins_at - WORK_BEFORE[0])
    if parts & (Part.STORY | Part.WORK):
        for service in (None, *incident.services):
            found += settings_windows(incident, service)
        refs = (VersionTagged.TOPIC, BranchSeen.TOPIC)
        until = after(incident, WORK_AFTER)
        found += [Window(f"service:{service}", None, until, refs) for service in incident.services]
    if Part.METRICS in parts:
        found.append(Window(SILENCES))
    if Part.ACTIONS in parts:
        found.append(Window("actions"))
    return found


def incident_instants(incident: Incident) -> list[datetime]:
    """Return between which instants an incident is judged where no change of its service is."""
    return [incident.begins_at, incident.ends_at or incident.begins_at]


def settings_windows(incident: Incident, service: str | None) -> list[Window]:
    """Name the windows that hold the settings of a service, in this log and in that which an incident came from."""
    return [Window(settings_scope(service, incident.id)), Window(settings_scope(service))]


def is_near(other: Incident, incident: Incident) -> bool:
    """Whether a fact may be of either of two incidents of one service."""
    begins, ends = other.begins_at, other.ends_at
    before = ends is None or ends + NEAR > incident.begins_at
    return before and (incident.ends_at is None or begins < incident.ends_at + NEAR)


def neighbour_window(incident_id: str) -> Window:
    """Name the window that says when another incident lasted, and which facts people linked to it."""
    return Window(f"incident:{incident_id}", None, None, NEIGHBOUR)


def own_windows(incident: Incident, work_since: datetime | None) -> list[Window]:
    """Name the windows that hold an incident's decisions, and its services' facts and work."""
    attached_windows = [each for each in windows(incident) if each.scope != SILENCES]
    return [*_streams(incident), *attached_windows, *work_windows(incident, work_since)]


def work_windows(incident: Incident, since: datetime | None) -> list[Window]:
    """Name the windows of the log that hold what was built and deployed before an incident and since."""
    until = after(incident, WORK_AFTER)
    return [
        window
        for service in incident.services
        for window in (
            Window(f"service:{service}", since, until, (*WORK, _MOVED)),
            Window(f"service:{service}", None, until, (*CHANGES, _MOVED)),
        )
    ]


def earlier_work_windows(incident: Incident, since: datetime | None, until: datetime) -> list[Window]:
    """Name the windows that `work_windows` has besides where work is read further back than it was."""
    return [Window(f"service:{service}", since, until, (*WORK, _MOVED)) for service in incident.services]


def _streams(incident: Incident) -> list[Window]:
    return [Window(f"incident:{name}") for name in (incident.id, *incident.merged_from)]


def change_windows(incident: Incident, services: Iterable[str], end: datetime | None = None) -> list[Window]:
    """Name the windows of all deploys and rollbacks of services, and of merges from 30 days before an incident on.

    A version that ran for a year is still the one that a rollback goes back to.
    """
    since = incident.begins_at - EARLIER_MERGES
    return [
        window
        for service in services
        for window in (
            Window(f"service:{service}", None, end, (*CHANGES_AND_REFS, _MOVED)),
            Window(f"service:{service}", since, end, (CommitMade.TOPIC, _MOVED)),
        )
    ]


def sample_window(service: str, metric: str, start: datetime, end: datetime | None) -> Window:
    """Name the part of the log that holds the samples of a metric over a span."""
    return Window(f"samples:{service}/{metric}", start - _SAMPLES_SPAN, end)


def after(incident: Incident, later: timedelta) -> datetime | None:
    """Return an instant so long after an incident's end; None while it is open."""
    return incident.ends_at + later if incident.ends_at else None


FOREVER = datetime.max.replace(tzinfo=UTC) - timedelta(days=60)
"""The end of what has none yet, with room to add days to it."""
