"""Posting a message of an incident now, with all that waits in the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from projections.changes import ChangeRow
from projections.messages import Message, State
from projections.updates import messages_of
from tracker.application.outbox import VIA, Delivered, deliver, record_missed_etas
from tracker.application.session import Recording, Session
from tracker.application.slack import LONGEST, Slack, configured, escaped
from tracker.decisions.messages import prepare
from tracker.errors import SettingsError, SourceUnreachableError
from tracker.events.base import Arrival, Decision, Incoming, handle_of
from tracker.incident import Incident
from tracker.text.shell import word

TWICE_WITHIN = timedelta(minutes=1)
"""The very same message typed again so soon is a key pressed twice."""


def webhook(session: Session) -> Slack:
    """Return the webhook to post to.

    Raises:
        SettingsError: If none is configured.
    """
    slack = configured(session.settings)
    if slack is None:
        where = session.settings.path or "tracker.toml"
        raise SettingsError(
            f"{where} names no Slack to post to",
            hint='Add to it: [slack] webhook_url_env = "SLACK_URL", then: export SLACK_URL=…   '
            "(or post it by hand and record it: --sent)",
        )
    return slack


@dataclass(frozen=True)
class Posting:
    """What became of one message; `others` are messages that waited and were posted with it.

    `repeated` says that the very same message had been posted a moment ago; nothing was posted again.
    """

    recording: Recording
    message: Message
    others: list[Delivered]
    repeated: bool


def post(
    session: Session,
    incident: Incident,
    kind: str,
    text: str,
    eta: datetime | None,
    slack: Slack,
    *,
    again: str,
) -> Posting:
    """Record a message, post it with all that waits, and record what became of each.

    `again` is the command that was typed.

    Raises:
        SourceUnreachableError: If it was not posted, or that is unknown.
    """
    by, at = session.author, session.instant(None)
    longest = LONGEST - (len(escaped(text)) - len(text))
    twice: Message | None = None

    def same(known: Incident) -> Message | None:
        """Return the very same message if it waits, or was posted a moment ago."""
        for message in messages_of(known):
            waits = message.state in (State.WAITING, State.POSTING) and message.via == VIA
            fresh = message.sent_at is not None and abs(at.at - message.sent_at) < TWICE_WITHIN
            if (message.kind, message.text) == (kind, text) and (waits or fresh):
                return message
        return None

    def decision(known: Incident) -> list[Decision | Incoming]:
        nonlocal twice
        twice = same(known)
        if twice is not None:
            return []
        decided = prepare(known, kind, text, by=by, at=at, eta=eta, longest=longest)
        return [Incoming(event=decided, arrival=Arrival(via=VIA))]

    recording = session.decide(incident.id, decision, Recording())
    event = twice.event if twice is not None else (*recording.recorded, *recording.known)[0]
    delivered = deliver(session.log, slack)
    mine = next(one for one in messages_of(session.incident(incident.id)) if one.event == event)
    if mine.state is not State.SENT:
        said = next((one.said for one in delivered if one.message.event == event), "")
        raise _not_posted(mine, said, again)
    repeated = twice is not None and twice.state is State.SENT
    if repeated:
        recording.known += (event,)
    else:
        recording.recorded += (mine.sent_event or "",)
    others = [one for one in delivered if one.message.event != event]
    return Posting(recording, mine, others, repeated)


def record_missed(session: Session, name: str, changes: list[ChangeRow]) -> None:
    """Record an ETA that was promised and missed: `tracker serve` may not be running."""
    incident = session.incident(name)
    if record_missed_etas(session.log, incident, changes, session.now).recorded:
        session.notify(
            f"{name}: an earlier ETA was missed, and that is recorded: tracker timeline {word(name)}"
        )


def _not_posted(message: Message, said: str, again: str) -> SourceUnreachableError:
    by_hand = f"tracker message {message.incident} --sent {handle_of(message.event)}"
    what = f"the {message.kind} message of {message.incident}"
    why = said or message.reason or ""
    if message.state is State.UNSURE:
        return SourceUnreachableError(
            f"{what} may or may not have been posted: {why}",
            hint=f"Look in the channel. If it is there: {by_hand}   If it is not: {again}",
        )
    if message.state in (State.WAITING, State.POSTING):
        return SourceUnreachableError(
            f"{what} is not posted yet: {why}",
            hint=f"tracker serve posts it, or: tracker message --send   By hand instead: {by_hand}",
        )
    return SourceUnreachableError(
        f"{what} was not posted: {why}",
        hint=f"Set right what [slack] webhook_url_env names and type it again: {again}   Or post it by hand: {by_hand}",
    )


def described(message: Message) -> dict[str, Any]:
    """Return a message as JSON keys."""
    return {
        "event": message.event,
        "kind": message.kind,
        "state": message.state,
        "text": message.text,
        "by": message.by,
        "by_hand": message.by_hand,
        "prepared_at": message.prepared_at,
        "sent_at": message.sent_at,
        "eta": message.eta,
        "attempts": message.attempts,
        "retry_at": message.retry_at,
        "reason": message.reason,
    }
