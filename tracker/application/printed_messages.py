"""Messages that a person posts: what was printed is kept, and that very text is recorded as sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.application.session import Recording, Session
from tracker.decisions.messages import posted_by_hand
from tracker.decisions.messages import printed as decide_printed
from tracker.errors import BadInputError, StoreError, UsageError
from tracker.events.base import Recorded, handle_of
from tracker.events.messages import MessagePrepared, MessagePrinted, MessageSent
from tracker.incident import Incident
from tracker.text.shell import command
from tracker.times import Typed, utc


@dataclass(frozen=True)
class PrintedMessage:
    """A text that was printed, or prepared for Slack; `prepared` is the event of the latter."""

    event: str
    kind: str
    text: str
    eta: datetime | None
    printed_at: datetime
    prepared: str | None = None

    @property
    def handle(self) -> str:
        return handle_of(self.event)


def keep(
    session: Session, incident: Incident, kind: str, text: str, eta: datetime | None, typed: Mapping[str, str]
) -> str | None:
    """Record a text that was printed, and return its handle; None where nothing can be recorded.

    What was printed once more, with nothing sent since, has the handle that it had.
    """
    if incident.imported:
        return None
    last = _last_unsent(incident, kind)
    if last is not None and (last[1].text, last[1].eta, last[1].typed) == (text, eta, dict(typed)):
        return handle_of(last[0])
    try:
        by, at = session.author, session.instant(None)
        recording = session.decide(
            incident.id,
            lambda held: [decide_printed(held, kind, text, by=by, at=at, eta=eta, typed=typed)],
            Recording(),
        )
    except (StoreError, UsageError):
        return None
    return handle_of((*recording.recorded, *recording.known)[0])


def last_printed(incident: Incident, kind: str, typed: Mapping[str, str], at: Typed) -> PrintedMessage | None:
    """Return the text of a kind that was printed last by an instant, if none of that kind was sent since.

    Raises:
        BadInputError: If it was written with other options than those that are typed now.
    """
    last = _last_unsent(incident, kind)
    if last is None or last[1].occurred_at > at.at + timedelta(seconds=at.precision_seconds):
        return None
    event, found = last
    differs = [name for name, value in typed.items() if found.typed.get(name) != value]
    if differs:
        options = command(*(word for name, value in found.typed.items() for word in (f"--{name}", value)))
        raise BadInputError(
            f"the last {kind} message that was printed, at {utc(found.occurred_at)}, was written "
            f"with {options or 'no options'}",
            hint=f"If that was posted: tracker message {incident.id} --sent {handle_of(event)}   "
            "If not, print the other one first, or give its words: --text TEXT --sent",
        )
    return PrintedMessage(event, found.kind, found.text, found.eta, found.occurred_at)


def named(session: Session, incident: Incident, handle: str) -> PrintedMessage:
    """Return the text that a handle names: one that was printed, or prepared for Slack.

    Raises:
        BadInputError: If it names something else.
    """
    recorded: Recorded = session.event(handle)
    event = recorded.event
    if not isinstance(event, MessagePrinted | MessagePrepared) or event.incident != incident.id:
        raise BadInputError(
            f"{recorded.handle} is no message of {incident.id} that was printed or prepared",
            hint=f"Print one: tracker message {incident.id} update   ·   its last line says what to type",
        )
    prepared = recorded.id if isinstance(event, MessagePrepared) else None
    return PrintedMessage(recorded.id, event.kind, event.text, event.eta, event.occurred_at, prepared)


def record_sent(session: Session, incident: Incident, message: PrintedMessage, at: Typed) -> Recording:
    """Record that a person posted this very text."""
    by = session.author
    return session.decide(
        incident.id,
        lambda held: [
            posted_by_hand(
                held, message.kind, message.text, by=by, at=at, eta=message.eta, prepared=message.prepared
            )
        ],
    )


def already_sent(incident: Incident, message: PrintedMessage) -> datetime | None:
    """Return when this very text was posted, if that is recorded."""
    after = False
    for step in incident.own_steps:
        event = step.event
        if (
            after
            and isinstance(event, MessageSent)
            and (event.kind, event.text) == (message.kind, message.text)
        ):
            return event.occurred_at
        after = after or step.id == message.event
    return None


def _last_unsent(incident: Incident, kind: str) -> tuple[str, MessagePrinted] | None:
    """Return the text of a kind that was printed last, unless a message of that kind was sent since."""
    for step in reversed(incident.own_steps):
        event = step.event
        if isinstance(event, MessageSent) and event.kind == kind:
            return None
        if isinstance(event, MessagePrinted) and event.kind == kind and step.recorded.redacted is None:
            return step.id, event
    return None
