"""Corrections are events: they point at their target and never touch it.

`effective` is the one place that says what the log holds after its corrections.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from tracker.errors import BadInputError
from tracker.events.base import Decision, Event, Recorded, place, topic
from tracker.times import to_us


class Correction(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """Points at the event that it corrects; `why` is never empty."""

    target: str
    why: str
    target_scopes: tuple[str, ...] = ()

    def scopes(self) -> tuple[str, ...]:
        """Found from its target, and from its incident."""
        own = (f"incident:{self.incident}",) if self.incident else ()
        return (*own, f"target:{self.target}")


@topic("event-amended", rank=90)
class EventAmended(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """Fields of the target were set right; the old values stay readable.

    `changes` holds field → new value as msgpack-safe plain values. `new_at` is set when
    the target moved in time, so that a window which it moved into finds it.
    """

    changes: dict[str, Any]
    new_at: datetime | None = None

    def index_rows(self) -> list[tuple[str, int]]:
        """Also found at the instant to which the target moved."""
        rows = super().index_rows()
        if self.new_at is not None:
            rows += [(place(scope), to_us(self.new_at)) for scope in self.target_scopes]
        return rows


@topic("event-retracted", rank=91)
class EventRetracted(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """The target should not have been recorded; it is struck out, not deleted."""


@topic("event-linked", rank=92)
class EventLinked(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """A fact belongs to an incident; `role` says what it did there, if anybody judged it."""

    role: str | None = None
    why: str = ""


@topic("event-unlinked", rank=93)
class EventUnlinked(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """A fact does not belong to an incident."""


@topic("event-redacted", rank=94)
class EventRedacted(Correction, frozen=True, kw_only=True, omit_defaults=True):
    """The target's text, and the bytes beside it, were removed from the log for good.

    `left` is what is left of the target, stored as an event of `target_topic`. `digest` is the
    log's proof of what stood there, and `arrival` how that had come: the row keeps both.
    """

    target_topic: str
    digest: bytes
    left: bytes
    arrival: bytes = b""


@dataclass(frozen=True)
class Effective:
    """An event as it reads after its corrections.

    `recorded` is what was stored; `event` what holds now. `amendments` are those that
    count, oldest first; a retracted event has its retraction.
    """

    recorded: Recorded
    event: Event
    amendments: tuple[Recorded, ...] = ()
    retraction: Recorded | None = None

    @property
    def id(self) -> str:
        """The identity of the stored event; corrections do not change it."""
        return self.recorded.id

    @property
    def handle(self) -> str:
        """The short name that people type."""
        return self.recorded.handle

    @property
    def order(self) -> tuple[datetime, int, str]:
        """The one total order: the world's time, then kind, then identity."""
        return (self.event.occurred_at, self.event.RANK, self.recorded.id)


@dataclass
class _Bucket:
    amendments: list[Recorded] = field(default_factory=list)
    retraction: Recorded | None = None


def effective(recorded: Iterable[Recorded]) -> dict[str, Effective]:
    """Apply amendments and retractions; retracted corrections do not count.

    Later corrections win over earlier ones by their position in the log. Links are not
    applied here: they say where a fact belongs, not what it is.
    """
    events = {each.id: each for each in sorted(recorded, key=lambda each: each.position)}
    buckets: dict[str, _Bucket] = {}
    # A correction can only point backwards, so walking from the newest settles each
    # correction before the one it corrects is looked at.
    struck: set[str] = set()
    for each in reversed(list(events.values())):
        event = each.event
        if not isinstance(event, Correction) or each.id in struck:
            continue
        bucket = buckets.setdefault(event.target, _Bucket())
        if isinstance(event, EventRetracted):
            bucket.retraction = each
            struck.add(event.target)
        elif isinstance(event, EventAmended):
            bucket.amendments.insert(0, each)
    answer = {}
    for each in events.values():
        found = buckets.get(each.id)
        if found is None:
            answer[each.id] = Effective(each, each.event)
            continue
        event = each.event
        for amendment in found.amendments:
            assert isinstance(amendment.event, EventAmended)
            event = amended(event, amendment.event.changes)
        answer[each.id] = Effective(each, event, tuple(found.amendments), found.retraction)
    return answer


def amended(event: Event, changes: dict[str, Any]) -> Event:
    """Return the event with these fields set.

    Raises:
        BadInputError: If the event has no such field or the value does not fit it.
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
        raise BadInputError(f"that value does not fit a {event.TOPIC} event: {wrong}") from wrong
