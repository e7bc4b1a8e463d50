"""Posting a message of an incident now, with all that waits in the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from projections.messages import Message, State
from projections.updates import messages_of
from reports.wording.channels import shown_channel
from tracker.application.channels.configured import channels
from tracker.application.channels.posting import Channel
from tracker.application.outbox import VIA, Delivered, deliver, record_missed_etas
from tracker.application.session import Recording, Session
from tracker.decisions.messages import prepare
from tracker.errors import RefusedError, SettingsError, SourceUnreachableError
from tracker.events.base import Arrival, Decision, Incoming, handle_of
from tracker.incident import Incident
from tracker.text.shell import word

TWICE_WITHIN = timedelta(minutes=1)
"""The very same message typed again so soon is a key pressed twice."""


def channels_of(session: Session) -> dict[str, Channel]:
    """Return the channels to post to.

    Raises:
        SettingsError: If none is configured.
    """
    found = channels(session.settings)
    if not found:
        where = session.settings.path or "tracker.toml"
        raise SettingsError(
            f"{where} names no Slack, Teams or webhook to post to",
            hint='Add to it: [slack] webhook_url_env = "SLACK_URL", then: export SLACK_URL=…   '
            "(or post it by hand and record it: --sent)",
        )
    return found


@dataclass(frozen=True)
class Posting:
    """What became of one message: `message` on its first channel, `copies` on each of them.

    `others` are messages that waited and were posted with it. `repeated` says that the very same message had been
    posted a moment ago; nothing was posted again.
    """

    recording: Recording
    copies: list[Message]
    others: list[Delivered]
    repeated: bool

    @property
    def message(self) -> Message:
        return self.copies[0]


def post(
    session: Session,
    incident: Incident,
    kind: str,
    text: str,
    eta: datetime | None,
    to: dict[str, Channel],
    *,
    again: str,
) -> Posting:
    """Record a message for each channel, post it with all that waits, and record what became of each.

    `again` is the command that was typed.

    Raises:
        SourceUnreachableError: If it was not posted to one of them, or that is unknown.
    """
    by, at = session.author, session.instant(None)
    _refuse_too_long(text, to)
    twice: dict[str, Message] = {}

    def same(known: Incident) -> dict[str, Message]:
        """Return the very same message by channel, where it waits or was posted a moment ago."""
        found: dict[str, Message] = {}
        for message in messages_of(known):
            waits = message.state in (State.WAITING, State.POSTING) and message.via == VIA
            fresh = message.sent_at is not None and abs(at.at - message.sent_at) < TWICE_WITHIN
            if (message.kind, message.text) == (kind, text) and (waits or fresh):
                # What a person just posted by hand has been posted, wherever that was.
                names = to if message.channel is None or message.by_hand else [message.channel]
                found |= {name: found.get(name, message) for name in names if name in to}
        return found

    def decision(known: Incident) -> list[Decision | Incoming]:
        nonlocal twice
        twice = same(known)
        return [
            Incoming(
                event=prepare(known, kind, text, by=by, at=at, eta=eta, channel=name),
                arrival=Arrival(via=VIA),
            )
            for name in to
            if name not in twice
        ]

    recording = session.decide(incident.id, decision, Recording())
    events = {*recording.recorded, *recording.known, *(message.event for message in twice.values())}
    delivered = deliver(session.log, to)
    copies = [one for one in messages_of(session.incident(incident.id)) if one.event in events]
    said = {one.message.event: one.said for one in delivered}
    lost = [one for one in copies if one.state is not State.SENT]
    if lost:
        raise _not_posted(lost, copies, said, again, to)
    repeated = all(name in twice and twice[name].state is State.SENT for name in to)
    for one in copies:
        if one.event in {message.event for message in twice.values() if message.state is State.SENT}:
            recording.known += (one.event,)
        else:
            recording.recorded += (one.sent_event or "",)
    others = [one for one in delivered if one.message.event not in events]
    return Posting(recording, copies, others, repeated)


def _refuse_too_long(text: str, to: dict[str, Channel]) -> None:
    for channel in to.values():
        problem = channel.problem_of(text)
        if problem is not None:
            raise RefusedError(f"the message has {problem}", hint="Shorten it: --text TEXT")


def record_missed(session: Session, name: str, changes: list[ChangeRow]) -> None:
    """Record an ETA that was promised and missed: `tracker serve` may not be running."""
    incident = session.incident(name)
    if record_missed_etas(session.log, incident, changes, session.now).recorded:
        session.notify(
            f"{name}: an earlier ETA was missed, and that is recorded: tracker timeline {word(name)}"
        )


def _not_posted(
    lost: list[Message], copies: list[Message], said: dict[str, str], again: str, to: dict[str, Channel]
) -> SourceUnreachableError:
    """Return the error of the first channel that does not have it; of several the others are named."""
    message = lost[0]
    name = message.channel or ""
    by_hand = f"tracker message {message.incident} --sent {handle_of(message.event)}"
    where = f" to {shown_channel(name)}" if len(copies) > 1 else ""
    what = f"the {message.kind} message of {message.incident}"
    why = said.get(message.event) or message.reason or ""
    for other in copies:
        if other is not message:
            state = (
                "has it" if other.state is State.SENT else said.get(other.event) or other.reason or "has not"
            )
            why += f"; {shown_channel(other.channel)}: {state}"
    if message.state is State.UNSURE:
        return SourceUnreachableError(
            f"{what} may or may not have been posted{where}: {why}",
            hint=f"Look in the channel. If it is there: {by_hand}   If it is not: {again}",
        )
    if message.state in (State.WAITING, State.POSTING):
        return SourceUnreachableError(
            f"{what} is not posted{where} yet: {why}",
            hint=f"tracker serve posts it, or: tracker message --send   By hand instead: {by_hand}",
        )
    setting = f"[{name}] {to[name].setting}" if name in to else "tracker.toml"
    return SourceUnreachableError(
        f"{what} was not posted{where}: {why}",
        hint=f"Set right what {setting} names and type it again: {again}   Or post it by hand: {by_hand}",
    )
