"""Bringing the events of a bundle into a log: what would be new, under which numbers, and what is recorded of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tracker.bundles.reading import Bundle
from tracker.bundles.renumbering import Renumbering, given, numbers_of
from tracker.events.base import Arrival, Event, Incoming, Origin, Window, event_id, origin_of
from tracker.events.bundles import BundleImported, import_scope
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import IncidentDeclared
from tracker.log import Appended, Log
from tracker.log.extract import StoredEvent
from tracker.log.holes import shared_file_hash
from tracker.log.rows import Hole
from tracker.times import from_us


@dataclass(frozen=True)
class Plan:
    """What an import records: the events, in the order of their log, and under which numbers.

    `gone` counts the events that were redacted there. `in_full` are those of them whose content
    stands here, by their id here, each with its redaction; `kept_out` those that were redacted here.
    """

    incoming: tuple[Incoming | Hole, ...]
    numbers: dict[str, str]
    new: tuple[str, ...]
    known: tuple[str, ...]
    gone: int
    in_full: dict[str, EventRedacted]
    kept_out: tuple[str, ...]
    overlapping: tuple[str, ...]

    @property
    def incident(self) -> str:
        """The number that the bundle's incident has here."""
        return next(iter(self.numbers.values()))


def planned(log: Log, bundle: Bundle, *, prefix: str) -> Plan:
    """Say what an import would record now; nothing is recorded."""
    manifest = bundle.manifest
    events = {stored.id: event for stored, event in bundle.events}
    wanted = numbers_of(manifest.incident, events.values())
    earlier: dict[str, str] = {}
    for each in log.select([Window(import_scope(manifest.log, number)) for number in wanted]):
        if isinstance(each.event, BundleImported):
            earlier |= each.event.numbers
    numbers = given(
        wanted,
        earlier,
        {number: _in_use(log, number, events) for number in wanted},
        prefix=prefix,
        last=_last(log),
    )
    here = _Here(log, bundle, [numbers[each] for each in wanted if each in earlier])
    renumbering = Renumbering(numbers, manifest.incident, same_log=manifest.log == log.id, ids=here.ids)
    files = {
        sha256: stored.payload
        for stored, _ in bundle.events
        if stored.payload and (sha256 := shared_file_hash(stored.topic, stored.state)) is not None
    }
    incoming: list[Incoming | Hole] = []
    for stored, event in bundle.events:
        if stored.id in here.left_alone or (isinstance(event, EventRedacted) and not here.takes(event)):
            continue
        if stored.state is None:
            incoming.append(_hole(stored, event, bundle, renumbering))
        else:
            incoming.append(_incoming(stored, event, renumbering, manifest.log, files))
    ids = [each.id if isinstance(each, Hole) else event_id(each.event) for each in incoming]
    held = {each.id for each in log.by_ids(ids)}
    known = [*here.left_alone.values(), *(each for each in ids if each in held)]
    services = {getattr(event, "service", None) for _, event in bundle.events}
    return Plan(
        incoming=tuple(incoming),
        numbers=numbers,
        new=tuple(dict.fromkeys(each for each in ids if each not in held)),
        known=tuple(dict.fromkeys(known)),
        gone=sum(stored.state is None for stored, _ in bundle.events),
        in_full=here.in_full,
        kept_out=tuple(here.kept_out),
        overlapping=tuple(sorted(each for each in services if each and _tells_of(log, each, manifest.log))),
    )


def brought(log: Log, bundle: Bundle, *, prefix: str, by: str) -> tuple[Plan, Appended]:
    """Record what is new of a bundle, all of it or nothing, and last who imported it from where."""
    plans: list[Plan] = []

    def wanted() -> list[Incoming | Hole]:
        plan = planned(log, bundle, prefix=prefix)
        plans.append(plan)
        if not plan.new:
            return list(plan.incoming)
        return [*plan.incoming, Incoming(event=_marker(log, bundle, plan, by), arrival=Arrival(via="file"))]

    appended = log.import_events(wanted)
    besides = [each for each in plans[-1].known if each not in appended.known]
    return plans[-1], appended._replace(known=(*appended.known, *besides))


def _marker(log: Log, bundle: Bundle, plan: Plan, by: str) -> BundleImported:
    manifest = bundle.manifest
    return BundleImported(
        occurred_at=log.now(),
        decided_by=by,
        number=plan.incident,
        was=manifest.incident,
        log=manifest.log,
        position=manifest.position,
        last_event=manifest.last_event,
        last_digest=manifest.last_digest,
        head=manifest.head,
        sha256=bundle.sha256,
        brought=len(plan.new),
        numbers=plan.numbers,
    )


class _Here:
    """What of a bundle's redacted events stands in this log, and what it holds that was redacted here.

    An import removes nothing, and brings nothing back. `left_alone` are events of the bundle by what
    they are here; `ids` those of them that have another id here.
    """

    def __init__(self, log: Log, bundle: Bundle, brought_before: Sequence[str]) -> None:
        held = {each.id: each for each in log.by_ids([stored.id for stored, _ in bundle.events])}
        came = {
            (origin.log, origin.position): each
            for number in brought_before
            for each in log.incident(number)
            if (origin := each.arrival.origin) is not None
        }
        self.left_alone: dict[str, str] = {}
        self.in_full: dict[str, EventRedacted] = {}
        self.kept_out: list[str] = []
        self._explained: set[str] = set()
        for stored, _ in bundle.events:
            origin = arrival_of(stored).origin
            first = (origin.log, origin.position) if origin else (bundle.manifest.log, stored.position)
            found = held.get(stored.id) or came.get(first)
            if stored.state is None:
                if found is None or found.redacted is not None:
                    self._explained.add(stored.id)
                else:
                    self.in_full[found.id] = bundle.redactions[stored.id][1]
                if found is not None:
                    self.left_alone[stored.id] = found.id
            elif found is not None and found.redacted is not None:
                self.left_alone[stored.id] = found.id
                self.kept_out.append(found.id)
        self.ids = {there: here for there, here in self.left_alone.items() if there != here}
        unseen = {event.target for _, event in bundle.events if isinstance(event, EventRedacted)}
        unseen -= {stored.id for stored, _ in bundle.events}
        self._explained |= {each.id for each in log.by_ids(sorted(unseen)) if each.redacted is not None}

    def takes(self, redaction: EventRedacted) -> bool:
        """Whether what a redaction names is a hole here: any other would tell of what nobody sees, or did not happen."""
        return redaction.target in self._explained


def arrival_of(stored: StoredEvent) -> Arrival:
    """Return how an event reached the log that it was taken out of."""
    return msgspec.msgpack.decode(stored.arrival, type=Arrival) if stored.arrival else Arrival()


def _arrival(stored: StoredEvent, log: str, became: str) -> Arrival:
    """Return how an event reaches this log: as it reached its first one, which is named."""
    arrival = arrival_of(stored)
    origin = arrival.origin or Origin(
        log=log,
        position=stored.position,
        recorded_at=from_us(stored.recorded_us),
        digest=stored.digest.hex(),
    )
    if became != stored.id and origin.event is None:
        origin = msgspec.structs.replace(origin, event=stored.id)
    return msgspec.structs.replace(arrival, origin=origin)


def _hole(stored: StoredEvent, left: Event, bundle: Bundle, renumbering: Renumbering) -> Hole:
    return Hole(
        id=stored.id,
        topic=stored.topic,
        left=renumbering.fields_of(left),
        arrival=_arrival(stored, bundle.manifest.log, stored.id),
        redacted_digest=bundle.redactions[stored.id][1].digest,
    )


def _incoming(
    stored: StoredEvent, event: Event, renumbering: Renumbering, log: str, files: Mapping[bytes, bytes]
) -> Incoming:
    rewritten = renumbering.of(stored.id, event)
    sha256 = shared_file_hash(stored.topic, stored.state)
    return Incoming(
        event=rewritten,
        arrival=_arrival(stored, log, event_id(rewritten)),
        payload=stored.payload or (files.get(sha256, b"") if sha256 else b""),
    )


def _in_use(log: Log, number: str, events: Mapping[str, Event]) -> bool:
    """Whether a number is that of another incident here."""
    held = log.incident(number)
    if not any(getattr(each.event, "incident", None) == number for each in held):
        return False
    mine = [identity for identity, event in events.items() if getattr(event, "incident", None) == number]
    declared = [identity for identity in mine if isinstance(events[identity], IncidentDeclared)]
    same = {*(declared or mine)}
    return not any(each.id in same for each in held)


def _last(log: Log) -> int:
    """Return the highest number in use."""
    found = [
        each.event.incident
        for each in log.select([Window("incidents")])
        if isinstance(each.event, IncidentDeclared)
    ]
    tails = [(each or "").rpartition("-")[2] for each in found]
    return max([0, *(int(tail) for tail in tails if tail.isascii() and tail.isdigit())])


def _tells_of(log: Log, service: str, origin: str) -> bool:
    """Whether this log tells of a service by itself, so that answers mix what both know."""
    last = log.latest(f"service:{service}")
    if last is None:
        return False
    its = origin_of(last.arrival_state)
    return its is None or its.log != origin
