"""Posting from the command line: what a person is told of a message that went out, or did not."""

import argparse
from datetime import datetime, timedelta
from typing import Any

from projections.messages import Message, State
from projections.updates import messages_of
from tracker.application.outbox import VIA, deliver, record_missed_etas
from tracker.application.session import Recording, Session
from tracker.application.slack import LONGEST, Slack, configured, escaped
from tracker.cli.common import say, write_json
from tracker.cli.progress import waiting
from tracker.decisions.messages import prepare
from tracker.errors import SettingsError, SourceUnreachableError, UsageError
from tracker.events.base import Arrival, Decision, Incoming, Recorded
from tracker.incident import Incident
from tracker.times import utc

TWICE_WITHIN = timedelta(minutes=1)
"""The very same message typed again so soon is a key pressed twice."""


def webhook(session: Session) -> "Slack":
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


def send(
    arguments: argparse.Namespace,
    session: Session,
    incident: "Incident",
    facts: "list[Recorded]",
    text: str,
    eta: datetime | None,
    slack: "Slack",
) -> int:
    """Record the message, post it with all that waits, and say what became of it.

    Raises:
        SourceUnreachableError: If it was not posted, or nobody can tell.
    """
    by, kind, at = session.author, arguments.kind, session.instant(None)
    longest = LONGEST - (len(escaped(text)) - len(text))

    def same(held: "Incident") -> "Message | None":
        """Return the very same message if it waits, or was posted a moment ago."""
        for each in messages_of(held):
            waits = each.state in (State.WAITING, State.POSTING) and each.via == VIA
            fresh = each.sent_at is not None and abs(at.at - each.sent_at) < TWICE_WITHIN
            if (each.kind, each.text) == (kind, text) and (waits or fresh):
                return each
        return None

    twice: Message | None = None

    def decision(held: "Incident") -> "list[Decision | Incoming]":
        nonlocal twice
        twice = same(held)
        if twice is not None:
            return []
        decided = prepare(held, kind, text, by=by, at=at, eta=eta, longest=longest)
        return [Incoming(event=decided, arrival=Arrival(via=VIA))]

    recording = session.decide(incident.id, decision, Recording())
    name = twice.event if twice is not None else (*recording.recorded, *recording.known)[0]
    with waiting("posting"):
        done = deliver(session.log, slack)
    record_missed(session, incident.id, facts)
    for each in done:
        if each.message.event != name:
            say(f"{each.message.incident}: the {each.message.kind} message that waited: {each.said}")
    mine = next(each for each in messages_of(session.incident(incident.id)) if each.event == name)
    said = next((each.said for each in done if each.message.event == name), "")
    if mine.state is not State.SENT:
        raise _not_posted(mine, said)
    assert mine.sent_at is not None
    if twice is not None and twice.state is State.SENT:
        recording.known += (name,)
        said = f"{incident.id}: this very {kind} message was posted at {utc(mine.sent_at)} already; nothing was posted again"
    else:
        recording.recorded += (mine.sent_event or "",)
        promise = f", promising {utc(mine.eta)}" if mine.eta else ""
        said = (
            f"{incident.id}: {kind} message posted to Slack at {utc(mine.sent_at)}, says {mine.by}{promise}"
        )
    return session.answer(recording, said, {"incident": incident.id, **described(mine)})


def record_missed(session: Session, name: str, facts: "list[Recorded]") -> None:
    """Record what was promised before and did not come: `tracker serve` may not be running."""
    incident = session.incident(name)
    if record_missed_etas(session.log, incident, facts, session.now).recorded:
        say(f"{name}: an earlier ETA was missed, and that is recorded: tracker timeline {name}")


def deliver_all(arguments: argparse.Namespace, session: Session) -> int:
    """Post what waits, and say what became of each."""
    for option in ("eta", "text", "contact", "at"):
        if getattr(arguments, option) is not None:
            raise UsageError(
                f"message: --{option} is for a message, and --send alone posts what waits",
                hint="tracker message INC initial --send",
            )
    slack = webhook(session)
    with waiting("posting"):
        done = deliver(session.log, slack)
    if arguments.json:
        write_json(
            {
                "outbox": [
                    {"incident": each.message.incident, **described(each.message), "says": each.said}
                    for each in done
                ]
            }
        )
    elif not done:
        say("Nothing waits in the outbox.")
    else:
        for each in done:
            say(f"{each.message.incident}: {each.message.kind} message: {each.said}")
    return 0 if all(each.state is State.SENT for each in done) else SourceUnreachableError.exit_code


def _not_posted(message: "Message", said: str) -> SourceUnreachableError:
    name = f"tracker message {message.incident} {message.kind}"
    what = f"the {message.kind} message of {message.incident}"
    why = said or message.reason or ""
    if message.state is State.UNSURE:
        return SourceUnreachableError(
            f"{what} may have been posted, or not: {why}",
            hint=f"Look in the channel. If it is there: {name} --sent   If it is not: {name} --send",
        )
    if message.state in (State.WAITING, State.POSTING):
        return SourceUnreachableError(
            f"{what} is not posted yet: {why}",
            hint=f"tracker serve posts it, or: tracker message --send   By hand instead: {name} --sent",
        )
    return SourceUnreachableError(
        f"{what} was not posted: {why}",
        hint=f"Set right what [slack] webhook_url_env names and type it again, or post it by hand: {name} --sent",
    )


def described(message: "Message") -> dict[str, Any]:
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
