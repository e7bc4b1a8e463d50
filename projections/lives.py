"""When the incidents of a service lived, and in whose life something began: of several that are near, one has it.

An incident lives from its declaration, or a reopening, until it is resolved. What begins while several live belongs to
the one that was opened last. What begins while none does belongs to the next one that is declared within reach of it
(an hour, for changes a day), else to the last one that ended, for a day. Of what began in the life of an earlier
incident a later one has only an alert that still fired when it was declared, and that began nearer to its
declaration than to the other's. An alert that began earlier belongs to the next incident in which it still fired.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from projections.outages import outages
from tracker.incident import Incident

FACTS_BEFORE = timedelta(hours=1)
CHANGES_BEFORE = timedelta(days=1)
FACTS_AFTER = timedelta(days=1)

STILL_FIRING = datetime.max.replace(tzinfo=UTC)
"""Until when an alert fires of which no end is known."""


class Beginning(NamedTuple):
    """When something began, how long before an incident it may have, and until when it fired if it is an alert."""

    at: datetime
    reach: timedelta = FACTS_BEFORE
    fires_until: datetime | None = None

    def fires_at(self, at: datetime) -> bool:
        return self.fires_until is not None and self.at <= at <= self.fires_until


@dataclass(frozen=True)
class _Life:
    """One time in which an incident was open.

    `begins_at` is the earliest instant that people gave, `opened_at` the declaration or reopening. What comes after its
    end is its own until `followed_until`. `root` is the incident that goes on where it was merged.
    """

    root: str
    services: tuple[str, ...]
    begins_at: datetime
    opened_at: datetime
    ends_at: datetime | None
    followed_until: datetime | None

    @property
    def edges(self) -> list[datetime]:
        """The instants at which an answer about what has no length changes."""
        every = (self.begins_at - FACTS_BEFORE, self.opened_at, self.ends_at, self.followed_until)
        return [edge for edge in every if edge is not None]

    def lives_at(self, at: datetime) -> bool:
        return self.opened_at <= at and (self.ends_at is None or at <= self.ends_at)

    def reaches(self, beginning: Beginning) -> bool:
        return self.begins_at - beginning.reach <= beginning.at < self.opened_at


class Lives:
    """The lives of an incident, and of the others of its services."""

    def __init__(self, incident: Incident, others: Iterable[Incident] = ()) -> None:
        near = [other for other in others if not set(other.services).isdisjoint(incident.services)]
        known = {each.id: each for each in (*near, incident)}
        self._root = _root(incident, known)
        self._own = _lives(incident, self._root)
        self._others = [
            life for other in near if other.id != incident.id for life in _lives(other, _root(other, known))
        ]
        self._of_service: dict[str | None, tuple[list[_Life], list[_Life]]] = {}
        self._edges: dict[str | None, list[datetime]] = {}
        self._known: dict[tuple[str | None, int, int], bool] = {}

    def has(self, service: str | None, beginning: Beginning) -> bool:
        """Whether what so began for a service belongs to the incident."""
        own, every = self._lives_of(service)
        if _owner(own, beginning) is None:
            return False
        return own is every or _owner(every, beginning) == self._root

    def has_instant(self, service: str | None, at: datetime) -> bool:
        """Whether what began at an instant, and had no length, belongs to the incident: asked for each error of a storm.

        The answer depends on nothing but between which edges of lives the instant lies, or on which.
        """
        edges = self.edges(service)
        key = service, bisect_left(edges, at), bisect_right(edges, at)
        if key not in self._known:
            self._known[key] = self.has(service, Beginning(at))
        return self._known[key]

    def edges(self, service: str | None) -> list[datetime]:
        """Return the instants at which `has_instant` may answer otherwise than before, or after."""
        if service not in self._edges:
            edges = {edge for life in self._lives_of(service)[1] for edge in life.edges}
            self._edges[service] = sorted(edges)
        return self._edges[service]

    def is_anothers(self, service: str | None, beginning: Beginning) -> bool:
        """Whether what so began for a service belongs to another incident."""
        return _owner(self._lives_of(service)[1], beginning) not in (None, self._root)

    def _lives_of(self, service: str | None) -> tuple[list[_Life], list[_Life]]:
        """Return the incident's own lives of a service, and all there are: the same list where no other has any."""
        if service not in self._of_service:
            own = [life for life in self._own if service in life.services]
            others = [life for life in self._others if service in life.services]
            self._of_service[service] = own, [*own, *others] if others else own
        return self._of_service[service]

    @property
    def begins_after(self) -> datetime | None:
        """When the last of the others ended before the incident was declared; None where none did."""
        first = self._own[0].opened_at
        ends = [life.ends_at for life in self._others if life.root != self._root and life.ends_at is not None]
        return max((end for end in ends if end <= first), default=None)


def _owner(lives: Sequence[_Life], beginning: Beginning) -> str | None:
    at = beginning.at
    lasting = [life for life in lives if life.lives_at(at)]
    if lasting:
        live = max(lasting, key=lambda life: (life.opened_at, life.root))
        later = [
            life
            for life in lives
            if life.root != live.root
            and live.lives_at(life.opened_at)
            and life.reaches(beginning)
            and beginning.fires_at(life.opened_at)
            and life.opened_at - at < at - live.opened_at
        ]
        return _first(later) or live.root
    coming = [
        life
        for life in lives
        if life.reaches(beginning) or (at < life.opened_at and beginning.fires_at(life.opened_at))
    ]
    if coming:
        return _first(coming)
    ended = [
        (life.ends_at, life.root)
        for life in lives
        if life.ends_at is not None
        and life.followed_until is not None
        and life.ends_at < at < life.followed_until
    ]
    return max(ended)[1] if ended else None


def _first(lives: Iterable[_Life]) -> str | None:
    opened = [(life.opened_at, life.root) for life in lives]
    return min(opened)[1] if opened else None


def _root(incident: Incident, known: Mapping[str, Incident]) -> str:
    """Return the incident that an incident is part of, by the merges that are known."""
    seen = {incident.id}
    while (into := incident.merged_into) is not None and into in known and into not in seen:
        incident = known[into]
        seen.add(into)
    return incident.id


def _lives(incident: Incident, root: str) -> list[_Life]:
    assert incident.declared_at is not None
    opened = [incident.declared_at]
    found = outages(incident)
    opened += [outage.start.instant for outage in found if outage.start is not None]
    lives = []
    for number, (start, outage) in enumerate(zip(opened, found, strict=True)):
        end = outage.resolved
        following = opened[number + 1] if number + 1 < len(opened) else None
        followed_until = following or (end.instant + FACTS_AFTER if end is not None else None)
        begins_at = min(incident.begins_at, start) if number == 0 else start
        ends_at = end.latest if end is not None else None
        lives.append(_Life(root, incident.services, begins_at, start, ends_at, followed_until))
    return lives
