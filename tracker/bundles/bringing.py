"""Bringing the events of a bundle into a log: what would be new, under which numbers, and what is recorded of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from tracker.bundles.reading import Bundle
from tracker.bundles.renumbering import Renumbering, given, numbers_of
from tracker.events.base import Arrival, Event, Incoming, Origin, Window, event_id, origin_of
from tracker.events.bundles import BundleImported, import_scope
from tracker.events.incidents import IncidentDeclared
from tracker.log import Appended, Log
from tracker.log.extract import StoredEvent
from tracker.times import from_us


@dataclass(frozen=True)
class Plan:
    """What an import records: the events, in the order of their log, and under which numbers."""

    incoming: tuple[Incoming, ...]
    numbers: dict[str, str]
    new: tuple[str, ...]
    known: tuple[str, ...]
    gone: int
    overlapping: tuple[str, ...]

    @property
    def incident(self) -> str:
        """The number that the bundle's incident has here."""
        return next(iter(self.numbers.values()))


def planned(log: Log, bundle: Bundle, *, prefix: str) -> Plan:
    """Say what an import would record now; nothing is recorded."""
    manifest = bundle.manifest
    events = {stored.id: event for stored, event in bundle.events if event is not None}
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
    renumbering = Renumbering(numbers, manifest.incident, same_log=manifest.log == log.id)
    incoming = []
    for stored, event in bundle.events:
        if event is not None:
            incoming.append(_incoming(stored, event, renumbering, manifest.log))
    ids = [event_id(each.event) for each in incoming]
    held = {each.id for each in log.by_ids(ids)}
    services = {getattr(each.event, "service", None) for each in incoming}
    return Plan(
        incoming=tuple(incoming),
        numbers=numbers,
        new=tuple(dict.fromkeys(each for each in ids if each not in held)),
        known=tuple(dict.fromkeys(each for each in ids if each in held)),
        gone=len(bundle.events) - len(incoming),
        overlapping=tuple(sorted(each for each in services if each and _tells_of(log, each, manifest.log))),
    )


def brought(log: Log, bundle: Bundle, *, prefix: str, by: str) -> tuple[Plan, Appended]:
    """Record what is new of a bundle, all of it or nothing, and last who imported it from where."""
    plans: list[Plan] = []

    def wanted() -> list[Incoming]:
        plan = planned(log, bundle, prefix=prefix)
        plans.append(plan)
        if not plan.new:
            return list(plan.incoming)
        return [*plan.incoming, Incoming(event=_marker(log, bundle, plan, by), arrival=Arrival(via="file"))]

    appended = log.bring(wanted)
    return plans[-1], appended


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


def _incoming(stored: StoredEvent, event: Event, renumbering: Renumbering, log: str) -> Incoming:
    rewritten = renumbering.of(stored.id, event)
    became = event_id(rewritten)
    arrival = msgspec.msgpack.decode(stored.arrival, type=Arrival) if stored.arrival else Arrival()
    origin = arrival.origin or Origin(
        log=log,
        position=stored.position,
        recorded_at=from_us(stored.recorded_us),
        digest=stored.digest.hex(),
    )
    if became != stored.id and origin.event is None:
        origin = msgspec.structs.replace(origin, event=stored.id)
    return Incoming(
        event=rewritten,
        arrival=msgspec.structs.replace(arrival, origin=origin),
        payload=stored.payload,
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
