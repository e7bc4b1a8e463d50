"""Importing the events of a bundle: what would be new, under which numbers, and what is recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from tracker.bundles.content import problem_of, problem_of_times
from tracker.bundles.contradictions import refuse_contradictions
from tracker.bundles.reading import Bundle, arrival_of
from tracker.bundles.renumbering import Renumbering, assign_numbers, numbers_of
from tracker.bundles.undone import taken_back
from tracker.errors import BadInputError
from tracker.events.base import Arrival, Event, Incoming, Origin, Window, event_id, origin_of
from tracker.events.bundles import BundleImported, import_scope
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import IncidentDeclared
from tracker.incident import number_of
from tracker.log import Appended, Log
from tracker.log.holes import shared_file_hash
from tracker.log.rows import Hole, StoredEvent
from tracker.times import from_us


@dataclass(frozen=True)
class Plan:
    """What an import records: the events, in the order of their log, and under which numbers.

    `redacted_there` counts the events that were redacted there. `in_full` are those of them that still
    have their content here, by their id here, each with its redaction; `redacted_here` those that were
    redacted here only.
    """

    incoming: tuple[Incoming | Hole, ...]
    numbers: dict[str, str]
    new: tuple[str, ...]
    known: tuple[str, ...]
    redacted_there: int
    in_full: dict[str, EventRedacted]
    redacted_here: tuple[str, ...]
    overlapping: tuple[str, ...]

    @property
    def incident(self) -> str:
        """The number of the bundle's incident here."""
        return next(iter(self.numbers.values()))


def plan_import(log: Log, bundle: Bundle, *, prefix: str) -> Plan:
    """Return what an import would record now; nothing is recorded."""
    manifest = bundle.manifest
    refuse_contradictions(log, bundle)
    events = {stored.id: event for stored, event in bundle.events}
    wanted = numbers_of(manifest.incident, events.values())
    earlier: dict[str, str] = {}
    for recorded in log.select([Window(import_scope(manifest.log, number)) for number in wanted]):
        if isinstance(recorded.event, BundleImported):
            earlier |= recorded.event.numbers
    numbers = assign_numbers(
        wanted,
        earlier,
        {number: _in_use(log, number, events) for number in wanted},
        prefix=prefix,
        last=_last_number(log),
    )
    here = _Here(log, bundle, [numbers[number] for number in wanted if number in earlier])
    renumbering = Renumbering(numbers, manifest.incident, same_log=manifest.log == log.id, ids=here.ids)
    files = {
        sha256: stored.payload
        for stored, _ in bundle.events
        if stored.payload and (sha256 := shared_file_hash(stored.topic, stored.state)) is not None
    }
    incoming: list[Incoming | Hole] = []
    # A log that is played, as the demo's, may lie behind the clock of the log that the bundle is of.
    now = max(log.now(), datetime.now(UTC))
    for stored, event in bundle.events:
        times = problem_of_times(from_us(stored.recorded_us), arrival_of(stored), now)
        if (problem := times or problem_of(event, now, events)) is not None:
            raise BadInputError(
                f"the bundle of {manifest.incident} from log {manifest.log} cannot be imported: {problem}",
                hint="Ask for a bundle in which it is corrected, or redacted",
            )
        if stored.id in here.left_alone or (isinstance(event, EventRedacted) and not here.accepts(event)):
            continue
        if stored.state is None:
            incoming.append(_hole(stored, event, bundle, renumbering))
        else:
            incoming.append(_incoming(stored, event, renumbering, manifest.log, files))
    ids = [each.id if isinstance(each, Hole) else event_id(each.event) for each in incoming]
    in_log = {event.id for event in log.by_ids(ids)}
    known = [*here.left_alone.values(), *(identity for identity in ids if identity in in_log)]
    services = {getattr(event, "service", None) for _, event in bundle.events}
    return Plan(
        incoming=tuple(incoming),
        numbers=numbers,
        new=tuple(dict.fromkeys(identity for identity in ids if identity not in in_log)),
        known=tuple(dict.fromkeys(known)),
        redacted_there=sum(stored.state is None for stored, _ in bundle.events),
        in_full=here.in_full,
        redacted_here=tuple(here.redacted_here),
        overlapping=tuple(
            sorted(service for service in services if service and _has_own_facts(log, service, manifest.log))
        ),
    )


def import_bundle(log: Log, bundle: Bundle, *, prefix: str, by: str) -> tuple[Plan, Appended]:
    """Record what is new of a bundle, all of it or nothing, and last who imported it from which log."""
    plans: list[Plan] = []

    def events() -> list[Incoming | Hole]:
        plan = plan_import(log, bundle, prefix=prefix)
        plans.append(plan)
        again = taken_back(log, plan.known, by)
        if not plan.new and not again:
            return list(plan.incoming)
        marker = _marker(log, bundle, plan, by, len(plan.new) + len(again))
        return [
            *plan.incoming,
            *again,
            Incoming(event=marker, arrival=Arrival(via="file"), payload=bundle.history.encoded()),
        ]

    appended = log.import_events(events)
    left_alone = [identity for identity in plans[-1].known if identity not in appended.known]
    return plans[-1], appended._replace(known=(*appended.known, *left_alone))


def _marker(log: Log, bundle: Bundle, plan: Plan, by: str, brought: int) -> BundleImported:
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
        brought=brought,
        numbers=plan.numbers,
    )


class _Here:
    """Which redacted events of a bundle this log has, and which of its events were redacted here.

    An import neither removes nor restores content. `left_alone` maps events of the bundle that are not
    imported to their ids here; `ids` are those of them that have another id here.
    """

    def __init__(self, log: Log, bundle: Bundle, imported_before: Sequence[str]) -> None:
        by_id = {event.id: event for event in log.by_ids([stored.id for stored, _ in bundle.events])}
        by_origin = {
            (origin.log, origin.position): event
            for number in imported_before
            for event in log.incident(number)
            if (origin := event.arrival.origin) is not None
        }
        self.left_alone: dict[str, str] = {}
        self.in_full: dict[str, EventRedacted] = {}
        self.redacted_here: list[str] = []
        self._explained: set[str] = set()
        for stored, _ in bundle.events:
            origin = arrival_of(stored).origin
            first = (origin.log, origin.position) if origin else (bundle.manifest.log, stored.position)
            same = by_id.get(stored.id) or by_origin.get(first)
            if stored.state is None:
                if same is None or same.redacted is not None:
                    self._explained.add(stored.id)
                else:
                    self.in_full[same.id] = bundle.redactions[stored.id][1]
                if same is not None:
                    self.left_alone[stored.id] = same.id
            elif same is not None and same.redacted is not None:
                self.left_alone[stored.id] = same.id
                self.redacted_here.append(same.id)
        self.ids = {there: here for there, here in self.left_alone.items() if there != here}
        elsewhere = {event.target for _, event in bundle.events if isinstance(event, EventRedacted)}
        elsewhere -= {stored.id for stored, _ in bundle.events}
        self._explained |= {event.id for event in log.by_ids(sorted(elsewhere)) if event.redacted is not None}

    def accepts(self, redaction: EventRedacted) -> bool:
        """Whether the target of a redaction is a hole here: any other redaction would be false in this log."""
        return redaction.target in self._explained


def _arrival(stored: StoredEvent, log: str, id_here: str) -> Arrival:
    """Return an event's first arrival, with its origin."""
    arrival = arrival_of(stored)
    origin = arrival.origin or Origin(
        log=log,
        position=stored.position,
        recorded_at=from_us(stored.recorded_us),
        digest=stored.digest.hex(),
    )
    if id_here != stored.id and origin.event is None:
        origin = msgspec.structs.replace(origin, event=stored.id)
    return msgspec.structs.replace(arrival, origin=origin)


def _hole(stored: StoredEvent, left: Event, bundle: Bundle, renumbering: Renumbering) -> Hole:
    return Hole(
        id=stored.id,
        topic=stored.topic,
        left=renumbering.rewrite_fields(left),
        arrival=_arrival(stored, bundle.manifest.log, stored.id),
        redacted_digest=bundle.redactions[stored.id][1].digest,
    )


def _incoming(
    stored: StoredEvent, event: Event, renumbering: Renumbering, log: str, files: Mapping[bytes, bytes]
) -> Incoming:
    rewritten = renumbering.rewrite(stored.id, event)
    sha256 = shared_file_hash(stored.topic, stored.state)
    return Incoming(
        event=rewritten,
        arrival=_arrival(stored, log, event_id(rewritten)),
        payload=stored.payload or (files.get(sha256, b"") if sha256 else b""),
    )


def _in_use(log: Log, number: str, events: Mapping[str, Event]) -> bool:
    """Whether a number is that of another incident here."""
    here = log.incident(number)
    if not any(getattr(event.event, "incident", None) == number for event in here):
        return False
    imported = [identity for identity, event in events.items() if getattr(event, "incident", None) == number]
    declared = [identity for identity in imported if isinstance(events[identity], IncidentDeclared)]
    same = {*(declared or imported)}
    return not any(event.id in same for event in here)


def _last_number(log: Log) -> int:
    """Return the highest number in use."""
    incidents = [
        event.event.incident or ""
        for event in log.select([Window("incidents")])
        if isinstance(event.event, IncidentDeclared)
    ]
    return max([0, *map(number_of, incidents)])


def _has_own_facts(log: Log, service: str, origin: str) -> bool:
    """Whether this log has facts of a service that are not imported, so that answers mix both logs."""
    last = log.latest(f"service:{service}")
    if last is None:
        return False
    first_log = origin_of(last.arrival_state)
    return first_log is None or first_log.log != origin
