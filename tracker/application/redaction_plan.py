"""What goes with an event that is redacted: what repeats its text, in the log and beside it.

The inbox and the spool are places beside the log; a place that is added later, a lake for
one, gets a function here and a line in `PLACES`.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from tracker.application.read_delivery import READERS, facts_of
from tracker.application.session import Session
from tracker.application.spool import contents
from tracker.decisions.redaction import goes_along, left_of, needles, pieces_of
from tracker.errors import BadInputError
from tracker.events.base import Event, Recorded, Window, event_id, handle_of
from tracker.events.bundles import BundleImported
from tracker.events.corrections import Correction, EventAmended, EventRedacted
from tracker.events.housekeeping import AnnouncingSet, LogSealed, SettingsChanged
from tracker.events.incidents import FileAttached, file_scope
from tracker.events.messages import MessagePrinted
from tracker.inbox.opening import existing_inbox
from tracker.inbox.queue import Inbox, QueuedDelivery
from tracker.text.coded import look


@dataclass
class Plan:
    """What is redacted, and what else holds the same.

    `along` are the events that go with the target, each with why; `copies` those that hold the
    same text and stay unless they are asked for. `unread` says what could not be looked into, and why.
    """

    target: "Recorded"
    payload: bytes
    pieces: list[str]
    along: "dict[str, tuple[Recorded, str]]" = field(default_factory=dict)
    copies: "list[Recorded]" = field(default_factory=list)
    payloads: dict[str, bytes] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def needles(self) -> list[bytes]:
        """The bytes under which the text may stand anywhere."""
        return needles(self.pieces)


def planned(
    session: "Session",
    target: "Recorded",
    *,
    keep: Collection[str],
    also: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Find all that holds the target's text."""
    log = session.log
    payload = log.payloads([target.position]).get(target.position, b"")
    plan = Plan(target, payload, pieces_of(target.event, payload, keep))
    _corrections(session, plan, keep)
    found = {
        each.id: each for each in log.find_copies(plan.needles, payload, progress) if each.id != target.id
    }
    plan.unread = [
        f"the payload of {handle_of(each.id)}: {each.unread}" for each in found.values() if each.unread
    ]
    found = {identity: each for identity, each in found.items() if each.in_state or each.in_payload}
    events = {each.id: each for each in log.by_ids([each for each in found if each not in plan.along])}
    for identity, each in events.items():
        if each.redacted is not None or not _can_go(each.event):
            continue
        why = _reason_along(target.event, target.id, each, found[identity].same)
        if why is None and also:
            why = "the same text"
        if why is not None:
            plan.along[identity] = (each, why)
        else:
            plan.copies.append(each)
    _sharers(session, plan)
    positions = {each.position: each.id for each, _ in plan.along.values()}
    plan.payloads = {positions[at]: data for at, data in log.payloads(list(positions)).items()}
    return plan


def _corrections(session: "Session", plan: Plan, keep: Collection[str]) -> None:
    """Add what corrects the target and says, or said, its text."""
    target = plan.target
    for each in session.log.with_corrections([target]):
        event = each.event
        if not isinstance(event, Correction) or event.target != target.id or each.redacted is not None:
            continue
        if isinstance(event, EventAmended):
            texts = {name: value for name, value in event.changes.items() if name not in keep}
            if left_of(event, corrects=target.event, keep=("why", "target_scopes")) != event and texts:
                plan.along[each.id] = (each, "it amends it")
                plan.pieces += [
                    piece for piece in pieces_of(event) if piece not in plan.pieces and piece != event.why
                ]
        elif not isinstance(event, EventRedacted) and left_of(event, only=plan.pieces) != event:
            plan.along[each.id] = (each, "it repeats it")


def _reason_along(target: "Event", target_id: str, other: "Recorded", same_payload: bool) -> str | None:
    """Say why a copy goes with the target unasked; None if it has to be asked for."""
    event = other.event
    if same_payload:
        return "the same file" if isinstance(event, FileAttached) else "the same payload"
    if target_id == getattr(event, "prepared", None) or other.id == getattr(target, "prepared", None):
        return "the same message"
    if isinstance(event, MessagePrinted):
        return "a message that was printed repeats it"
    return goes_along(target, event)


def _sharers(session: "Session", plan: Plan) -> None:
    """Add all that attached the same content: its bytes are kept once."""
    going = [plan.target, *(each for each, _ in plan.along.values())]
    for each in going:
        if isinstance(each.event, FileAttached) and each.event.by_hash:
            for other in session.log.select([Window(file_scope(each.event.sha256))]):
                if (
                    isinstance(other.event, FileAttached)
                    and other.redacted is None
                    and other.id != plan.target.id
                ):
                    plan.along.setdefault(other.id, (other, "the same file"))
    plan.copies = [each for each in plan.copies if each.id not in plan.along]


def _can_go(event: "Event") -> bool:
    return not isinstance(event, BundleImported | EventRedacted | LogSealed | SettingsChanged | AnnouncingSet)


# ── beside the log ───────────────────────────────────────────────────────────


def work_up_inbox(session: "Session", pieces: Collection[str], ids: Collection[str]) -> None:
    """Record what waits in the inbox and holds the text, so that it is found in the log and goes with the rest."""
    wanted = needles(pieces)
    for inbox, held in _held(session):
        if held.delivery.route not in READERS:
            continue
        with contextlib.suppress(BadInputError):
            facts = facts_of(held, session.rules)
            mine = any(event_id(fact.event) in ids for fact in facts)
            if facts and (mine or look(held.delivery.body, wanted).found):
                session.record(facts)
                inbox.finish([held.number])


@dataclass(frozen=True)
class Beside:
    """What was removed from a place beside the log, in words, and what could not be looked into there."""

    removed: str | None = None
    unread: tuple[str, ...] = ()


def from_inbox(session: "Session", wanted: Sequence[bytes]) -> Beside:
    """Remove deliveries that nobody understood and that hold the text, in their body, a header, or the reason."""
    count, unread = 0, []
    reasons: dict[int, str] = {}
    with existing_inbox(session.settings.store) as inbox:
        if inbox is not None:
            reasons = {parked.number: parked.reason for parked in inbox.parked()}
    for inbox, held in _held(session):
        delivery = held.delivery
        texts = [*delivery.headers.values(), delivery.source, delivery.key, reasons.get(held.number, "")]
        looked = look(delivery.body, wanted)
        if looked.found or look("\n".join(texts).encode(), wanted, is_packed=False).found:
            inbox.finish([held.number])
            count += 1
        elif looked.unread:
            unread.append(f"delivery {held.number} in the inbox: {looked.unread}")
    removed = f"{_counted(count, 'delivery', 'deliveries')} out of the inbox" if count else None
    return Beside(removed, tuple(unread))


def from_spool(session: "Session", wanted: Sequence[bytes]) -> Beside:
    """Remove what was typed while the store was away, and holds the text."""
    count, unread = contents.forget(session.settings.store, wanted)
    removed = f"{_counted(count, 'entry', 'entries')} out of the spool" if count else None
    return Beside(removed, tuple(unread))


PLACES: "tuple[Callable[[Session, Sequence[bytes]], Beside], ...]" = (from_inbox, from_spool)
"""Each place beside the log that may hold the text: removes it there, and says what was removed."""


def clean(session: "Session") -> list[str]:
    """Leave nothing in unused parts of the files of the store and its inbox; return what is out of reach."""
    with existing_inbox(session.settings.store) as inbox:
        if inbox is not None:
            inbox.clean()
    return session.log.clean()


def _held(session: "Session") -> "Iterator[tuple[Inbox, QueuedDelivery]]":
    with existing_inbox(session.settings.store) as inbox:
        number = 0
        while inbox is not None and (page := inbox.after(number)):
            for held in page:
                yield inbox, held
            number = page[-1].number


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
