"""Corrections are events that point at their target, which stays as it was stored.

`effective` is the one place that applies them. It also corrects what a source with a fast clock reported to have
happened after it was recorded.
"""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from tracker.errors import BadInputError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Decision, Event, Observation, Recorded, of_kinds, place, topic
from tracker.events.changes import CommitMade
from tracker.events.plausible import EARLIEST_READ, LATEST_PLANNED
from tracker.times import from_us, to_us


class Correction(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A correction of one event; `why` is never empty."""

    target: str
    why: str
    target_scopes: tuple[str, ...] = ()

    def scopes(self) -> tuple[str, ...]:
        own = (f"incident:{self.incident}",) if self.incident else ()
        return (*own, f"target:{self.target}")


@topic("event-amended", rank=90)
class EventAmended(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """Fields of the target were corrected; the old values stay readable.

    `changes` maps fields to new values, as msgpack-safe plain values. `new_at` is set if
    the target moved in time, so that a window which it moved into contains it.
    """

    changes: dict[str, Any]
    new_at: datetime | None = None

    def index_rows(self) -> list[tuple[str, int]]:
        """Also indexed at the instant to which the target moved."""
        rows = super().index_rows()
        if self.new_at is not None:
            rows += [(place(scope), to_us(self.new_at)) for scope in self.target_scopes]
        return rows


@topic("event-retracted", rank=91)
class EventRetracted(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """The target should not have been recorded; it is marked as retracted, not deleted."""


@topic("event-linked", rank=92)
class EventLinked(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """A fact belongs to an incident; `role` is its part there, if a person judged it.

    `again` is how many equal ones there were before it: one that was taken back may be said again.
    """

    role: str | None = None
    why: str = ""
    again: int = 0


@topic("event-unlinked", rank=93)
class EventUnlinked(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """A fact does not belong to an incident; with `role`, only that role that `of` gave it is taken back.

    `again` as in `EventLinked`.
    """

    role: str | None = None
    of: str | None = None
    again: int = 0


@topic("event-redacted", rank=94)
class EventRedacted(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """The target's text and payload were removed from the log for good.

    `left` is what is left of the target, stored as an event of `target_topic`. `digest` and `arrival`
    are those of the removed content: the row keeps both. `body` is the hash of the removed content, of which, with
    the row's position and recording time, its digest is made: so both stay proven. Redactions before 0.3.0 have none.
    """

    target_topic: str
    digest: bytes
    left: bytes
    arrival: bytes = b""
    body: bytes = b""


CLOCK_SECONDS = 2.0
"""Clocks may differ by so much without being off."""

Order = tuple[datetime, int, tuple[int, int], int, int, str]


# gc=False, as for events: an incident of a storm has more than a hundred thousand.
class Effective(msgspec.Struct, frozen=True, gc=False):
    """An event with its corrections applied.

    `recorded` is what was stored; `event` is corrected. `amendments` are those that
    count, oldest first; a retracted event has its retraction. `ancestors_then` is how many generations of a
    commit's ancestors are of its own instant.
    """

    recorded: Recorded
    event: Event
    amendments: tuple[Recorded, ...] = ()
    retraction: Recorded | None = None
    ancestors_then: int = 0

    @property
    def id(self) -> str:
        return self.recorded.id

    @property
    def handle(self) -> str:
        return self.recorded.handle

    @property
    def clock_off_seconds(self) -> float | None:
        """By how much the clock of its source was ahead; negative where it was behind, None where it is not known to be off."""
        stored = self.recorded.event
        known: float | None = getattr(stored, "clock_off_seconds", None)
        at = self.event.occurred_at
        is_moved = at == self.recorded.recorded_at or (isinstance(stored, AlertFired) and not self.amendments)
        if known is None and at < stored.occurred_at and is_moved:
            known = (stored.occurred_at - at).total_seconds()
        return known

    @property
    def order(self) -> Order:
        """The one total order: time in the world, kind, the order in which it was told, parents before children, id.

        Changes and decisions share a rank each, so that of two typed for one minute the later typed is the later.
        """
        event = self.event
        turn = event.RANK if event.TURN is None else event.TURN
        told = self.recorded.told if event.TURN is not None else (0, 0)
        return (event.occurred_at, turn, told, event.RANK, self.ancestors_then, self.recorded.id)


def not_retracted(recorded: Iterable[Recorded]) -> list[Effective]:
    """Return events with their amendments applied, without those that were retracted."""
    return [each for each in effective(recorded).values() if each.retraction is None]


def effective(recorded: Iterable[Recorded]) -> dict[str, Effective]:
    """Apply amendments and retractions; retracted corrections do not count.

    Later corrections win over earlier ones by their position in the log. Links are not
    applied here: they say to which incident a fact belongs, not what it is.
    """
    by_id = {event.id: event for event in sorted(recorded, key=attrgetter("position"))}
    amendments, retractions = _counting(list(by_id.values()))
    corrected = {}
    recorded_us, recorded_at, is_early = 0, from_us(0), False
    for identity, stored in by_id.items():
        event = stored.event
        if stored.recorded_us != recorded_us:
            recorded_us, recorded_at = stored.recorded_us, stored.recorded_at
        if event.occurred_at > recorded_at:
            event = _not_after_its_recording(stored)
            is_early = is_early or isinstance(event, AlertResolved)
        if identity in amendments or identity in retractions:
            own = amendments.get(identity, ())
            corrected[identity] = Effective(
                stored, _amended_by(event, own), tuple(own), retractions.get(identity)
            )
        else:
            corrected[identity] = Effective(stored, event)
    moved = _with_starts_of_one_clock(corrected.values()) if is_early else {}
    return corrected | moved | _with_generations(corrected.values())


def _not_after_its_recording(stored: Recorded) -> Event:
    """Return an observation at its recording at the latest: a source whose clock is fast names instants to come."""
    event = stored.event
    if not isinstance(event, Observation) or to_us(event.occurred_at) <= stored.recorded_us:
        return event
    ahead_seconds = (event.occurred_at - stored.recorded_at).total_seconds()
    if ahead_seconds <= max(CLOCK_SECONDS, event.precision_seconds):
        return event
    moved: dict[str, Any] = {"occurred_at": stored.recorded_at}
    if isinstance(event, AlertResolved):
        # Its start is of the same clock.
        moved["started_at"] = event.started_at - (event.occurred_at - stored.recorded_at)
    return msgspec.structs.replace(event, **moved)


_ONE_DELIVERY_US = 1_000_000


def _with_starts_of_one_clock(facts: Iterable[Effective]) -> dict[str, Effective]:
    """Move the start of an alert that was told together with an end to come: both are of the same clock."""
    ends: dict[tuple[str, datetime], Effective] = {}
    facts = list(of_kinds(facts, AlertFired, AlertResolved))
    for fact in facts:
        stored = fact.recorded.event
        is_moved = isinstance(stored, AlertResolved) and fact.event.occurred_at < stored.occurred_at
        if isinstance(stored, AlertResolved) and is_moved and not fact.amendments:
            ends[stored.fingerprint, stored.started_at] = fact
    found: dict[str, Effective] = {}
    for fact in facts:
        stored = fact.recorded.event
        if not isinstance(stored, AlertFired) or stored.again_after is not None or fact.amendments:
            continue
        end = ends.get((stored.fingerprint, stored.occurred_at))
        if end is not None and abs(fact.recorded.recorded_us - end.recorded.recorded_us) < _ONE_DELIVERY_US:
            ahead = end.recorded.event.occurred_at - end.event.occurred_at
            moved = msgspec.structs.replace(stored, occurred_at=stored.occurred_at - ahead)
            found[fact.id] = msgspec.structs.replace(fact, event=moved)
    return found


def _with_generations(facts: Iterable[Effective]) -> dict[str, Effective]:
    """Return the commits that have ancestors of their own instant, as a rebase makes them by the dozen."""
    by_instant: dict[datetime, list[Effective]] = {}
    for fact in of_kinds(facts, CommitMade):
        by_instant.setdefault(fact.event.occurred_at, []).append(fact)
    found: dict[str, Effective] = {}
    for same in by_instant.values():
        if len(same) > 1:
            generations = _generations([fact.event for fact in same if isinstance(fact.event, CommitMade)])
            for fact in same:
                if count := generations.get(getattr(fact.event, "sha", "")):
                    found[fact.id] = msgspec.structs.replace(fact, ancestors_then=count)
    return found


def _generations(commits: Sequence[CommitMade]) -> dict[str, int]:
    """Return how many generations of ancestors each commit has among these."""
    parents: dict[str, set[str]] = {commit.sha: set() for commit in commits}
    children: dict[str, list[str]] = {}
    for commit in commits:
        new = {sha for sha in commit.parents if sha in parents} - parents[commit.sha]
        parents[commit.sha] |= new
        for sha in new:
            children.setdefault(sha, []).append(commit.sha)
    left = {sha: len(known) for sha, known in parents.items()}
    ready = [sha for sha, count in left.items() if not count]
    found: dict[str, int] = dict.fromkeys(ready, 0)
    for sha in ready:
        for child in children.get(sha, ()):
            found[child] = max(found.get(child, 0), found[sha] + 1)
            left[child] -= 1
            if not left[child]:
                ready.append(child)
    return found


def known_at(target: Recorded, recorded: Iterable[Recorded], position: int) -> Event:
    """Return an event as it was when the log ended at a position; `recorded` has its corrections."""
    earlier = (each for each in recorded if each.position <= position and isinstance(each.event, Correction))
    amendments, _ = _counting(sorted(earlier, key=lambda each: each.position))
    return _amended_by(target.event, amendments.get(target.id, ()))


def _counting(events: Sequence[Recorded]) -> tuple[dict[str, list[Recorded]], dict[str, Recorded]]:
    """Return the amendments and the retractions that count, by their target; events are in order of position."""
    amendments: dict[str, list[Recorded]] = {}
    retractions: dict[str, Recorded] = {}
    # A correction can only point backwards, so that from the newest to the oldest each
    # correction is known to count or not before the one it corrects.
    for correction in reversed(of_kinds(events, Correction)):
        event = correction.event
        if correction.id in retractions:
            continue
        if isinstance(event, EventRetracted):
            retractions[event.target] = correction
        elif isinstance(event, EventAmended):
            amendments.setdefault(event.target, []).insert(0, correction)
    return amendments, retractions


def _amended_by(event: Event, amendments: Iterable[Recorded]) -> Event:
    """Apply amendments; one that does not fit came in a bundle that an earlier tracker did not check."""
    for amendment in amendments:
        assert isinstance(amendment.event, EventAmended)
        with contextlib.suppress(BadInputError):
            changed = amended(event, amendment.event.changes)
            if EARLIEST_READ <= changed.occurred_at <= LATEST_PLANNED:
                event = changed
    return event


def amended(event: Event, changes: dict[str, Any]) -> Event:
    """Return the event with these fields set.

    Raises:
        BadInputError: If the event has no such field or the value is not valid there.
    """
    fields = msgspec.to_builtins(event, builtin_types=(bytes, datetime))
    names = {info.name for info in msgspec.structs.fields(type(event))}
    for name in changes:
        if name not in names:
            raise BadInputError(
                f"a {event.TOPIC} event has no field {name!r}",
                hint="Its fields are: " + ", ".join(sorted(names)),
            )
    try:
        return msgspec.convert({**fields, **changes}, type(event), strict=False)
    except msgspec.ValidationError as wrong:
        raise BadInputError(f"that value is not valid in a {event.TOPIC} event: {wrong}") from wrong
