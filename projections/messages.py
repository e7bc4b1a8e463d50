"""Messages to the team: what was sent, by whom and when, and what waits in the outbox.

A message that may have been posted never counts as waiting.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from tracker.events.base import Event, Recorded
from tracker.events.corrections import Effective, effective
from tracker.events.messages import REMINDER, MessageFailed, MessagePosting, MessagePrepared, MessageSent
from tracker.incident import Incident


class State(Enum):
    WAITING = "waiting"
    POSTING = "posting"
    SENT = "sent"
    FAILED = "failed"
    UNSURE = "unsure"
    RETRACTED = "retracted"


@dataclass(frozen=True)
class Message:
    """One message on one channel; `event` is the one that prepared it or, for one posted by hand, recorded it.

    `recorded_at` is when the log recorded that it was posted. While it is being posted nobody else may post it before
    `posting_until`; after a failed post, nobody before `retry_at`. `reason` is that of the last failure.
    `about` is what it announces, where serve decided to post it; `unsure_rounds` counts the rounds after which
    nobody knew whether it was posted. `incident_then` is the incident as it was when it was prepared, for who posts it.
    """

    event: str
    incident: str
    kind: str
    text: str
    state: State
    by: str
    prepared_at: datetime
    eta: datetime | None
    by_hand: bool = False
    sent_at: datetime | None = None
    sent_event: str | None = None
    recorded_at: datetime | None = None
    attempts: int = 0
    rounds: int = 0
    retry_at: datetime | None = None
    posting_until: datetime | None = None
    reason: str | None = None
    via: str = ""
    position: int = 0
    channel: str | None = None
    about: str | None = None
    unsure_rounds: int = 0
    incident_then: Incident | None = field(default=None, compare=False, repr=False)

    @property
    def text_key(self) -> tuple[object, ...]:
        """The same for one text that went to several channels."""
        return (self.incident, self.kind, self.text, self.prepared_at, self.by_hand)


def messages(recorded: Iterable[Recorded]) -> list[Message]:
    """Return the messages among these events, as `messages_among` does."""
    return messages_among(effective(recorded).values())


def messages_among(facts: Iterable[Effective]) -> list[Message]:
    """Return the messages among these facts, oldest first by when they were recorded.

    A message that was retracted or redacted before it was taken is not posted. Retracting the record of a post does
    not put the message back into the outbox.
    """
    found: dict[str, Message] = {}
    withdrawn, denied = set(), set()
    for each in sorted(facts, key=lambda one: one.recorded.position):
        event, stored, struck = each.event, each.recorded.event, each.retraction is not None
        if isinstance(event, MessagePrepared):
            if struck or each.recorded.redacted is not None:
                withdrawn.add(each.id)
            found[each.id] = Message(
                event=each.id,
                incident=event.incident or "",
                kind=event.kind,
                text=event.text,
                state=State.WAITING,
                by=event.decided_by,
                prepared_at=event.occurred_at,
                eta=event.eta,
                # Only the log in which a message was prepared posts it.
                via=each.recorded.arrival.via if each.recorded.arrival.origin is None else "bundle",
                position=each.recorded.position,
                channel=event.channel,
                about=event.about,
            )
        elif isinstance(event, MessageSent) and event.prepared is None and not struck:
            found[each.id] = Message(
                event=each.id,
                incident=event.incident or "",
                kind=event.kind,
                text=event.text,
                state=State.SENT,
                by=event.decided_by,
                prepared_at=event.occurred_at,
                eta=event.eta,
                by_hand=True,
                sent_at=event.occurred_at,
                sent_event=each.id,
                recorded_at=each.recorded.recorded_at,
                attempts=1,
                position=each.recorded.position,
            )
        elif isinstance(stored, MessagePosting | MessageSent | MessageFailed) and stored.prepared in found:
            found[stored.prepared] = _stepped(found[stored.prepared], stored, event, each.recorded)
            if struck and not isinstance(stored, MessagePosting):
                denied.add(stored.prepared)
    for name, message in found.items():
        if name in denied or (name in withdrawn and message.state is State.WAITING):
            found[name] = replace(message, state=State.RETRACTED)
    return list(found.values())


def _stepped(message: Message, stored: Event, event: Event, recorded: Recorded) -> Message:
    """Apply one step; a sent message stays sent."""
    if message.state is State.SENT:
        return message
    match stored:
        case MessagePosting():
            return replace(message, state=State.POSTING, posting_until=stored.until)
        case MessageFailed():
            waits = stored.retry_at is not None
            over = State.UNSURE if stored.unsure else State.FAILED
            return replace(
                message,
                state=State.WAITING if waits else over,
                attempts=message.attempts + stored.attempts,
                rounds=message.rounds + 1,
                unsure_rounds=message.unsure_rounds + stored.unsure,
                retry_at=stored.retry_at,
                reason=stored.reason,
                posting_until=None,
            )
        case MessageSent():
            assert isinstance(event, MessageSent)
            return replace(
                message,
                state=State.SENT,
                text=event.text,
                eta=event.eta,
                attempts=message.attempts + stored.attempts,
                by=message.by if stored.attempts else stored.decided_by,
                by_hand=stored.attempts == 0,
                sent_at=event.occurred_at,
                sent_event=recorded.id,
                recorded_at=recorded.recorded_at,
                retry_at=None,
                posting_until=None,
                reason=None,
            )
    return message


def sent(found: Iterable[Message], incident: str | None = None) -> list[Message]:
    """Keep what was posted, of one incident or of all, in the order of posting.

    One text that was posted to several channels is one message, posted when the first of them had it. A
    reminder of what is due tells nobody anything new: it is none.
    """
    posted = [
        (each.sent_at, each)
        for each in found
        if each.state is State.SENT
        and each.sent_at is not None
        and each.kind != REMINDER
        and incident in (None, each.incident)
    ]
    first: dict[tuple[object, ...], Message] = {}
    for _, each in sorted(posted, key=lambda pair: (pair[0], pair[1].position)):
        first.setdefault(each.text_key if each.channel else (each.event,), each)
    return list(first.values())
