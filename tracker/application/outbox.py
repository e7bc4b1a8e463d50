"""The outbox: what was decided to be posted is posted, once, or it is said why not.

A message is recorded before anything is posted; whoever posts it takes it first, by an event in
the log, and records what became of it. Decision 12 says why a message of a person that was taken and
has no outcome is never posted again by itself, decision 37 why one that serve announces is.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from projections.announcements import OUT_OF_DATE
from projections.changes import ChangeRow
from projections.messages import Message, State, messages
from projections.updates import missed_etas
from tracker.application.channels.posting import ANSWER_SECONDS, CONNECT_SECONDS, Answer, Post, PostOutcome
from tracker.errors import StoreError
from tracker.events.base import BY_ITSELF, Decision, Incoming, Recorded, Window, handle_of
from tracker.events.messages import REMINDER, MessageFailed, MessagePosting, MessageSent
from tracker.incident import Incident, fold
from tracker.log import Appended, Log
from tracker.times import spoken, utc

VIA = "outbox"
"""How a message arrives that may be posted from here. One that came otherwise, imported for one, never is."""

ATTEMPTS_A_ROUND = 3
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 20.0
"""A longer wait than this, asked for by the channel or grown to, is waited in the outbox."""
BETWEEN_ROUNDS_SECONDS = 15.0
LONGEST_BETWEEN_ROUNDS_SECONDS = 300.0
MOST_ATTEMPTS = 30
MOST_UNSURE = 3
"""So many times what may have been posted is posted, where it may be posted again."""


def taken_for(attempts: int) -> timedelta:
    """Return how long a message is taken: a round is over before that."""
    posts = attempts * (CONNECT_SECONDS + ANSWER_SECONDS)
    return timedelta(seconds=posts + (attempts - 1) * LONGEST_PAUSE_SECONDS + 15.0)


TAKEN_FOR = taken_for(ATTEMPTS_A_ROUND)
_LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Delivered:
    """What became of one message that waited, as the log has it now."""

    message: Message
    said: str

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.message.state


def waiting(log: "Log", now: datetime) -> list[Message]:
    """Return what was neither posted nor given up, oldest first."""
    found = messages(log.select([Window("outbox", now - _LOOK_BACK)]))
    return [each for each in found if each.via == VIA and each.state in (State.WAITING, State.POSTING)]


def may_be_repeated(message: Message) -> bool:
    """Whether it is posted again where nobody knows whether it was.

    Nobody watches what serve announces, and an alert that is lost is worse than one that comes twice; a
    CloudEvent says by its id that it is the same.
    """
    return (message.about is not None or message.channel == "webhook") and message.unsure_rounds < MOST_UNSURE


def deliver(
    log: "Log",
    posts: Mapping[str, Post],
    now: Callable[[], datetime] | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    attempts: int = ATTEMPTS_A_ROUND,
) -> list[Delivered]:
    """Post what waits for these channels, oldest first, and record what became of each.

    Any number of processes may do so at once; a message is posted by one of them. With
    `attempts=1` nothing sleeps: what failed for now waits for a later call.

    Raises:
        StoreError: If the log cannot be read, or an outcome cannot be recorded.
    """
    clock = now or log.now
    done = []
    for message in waiting(log, clock()):
        post = posts.get(message.channel or "")
        if post is None:
            continue
        settled = _settle(log, post, message, clock, sleep, min(attempts, ATTEMPTS_A_ROUND))
        if settled is not None:
            done.append(settled)
    return done


def _settle(
    log: "Log",
    post: Post,
    message: Message,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    attempts: int,
) -> Delivered | None:
    at = clock()
    if message.state is State.POSTING:
        assert message.posting_until is not None
        if at < message.posting_until:
            return Delivered(
                message,
                f"another process is posting it, or was cut off; that is known at {utc(message.posting_until)}",
            )
        reason = "whoever was posting it was cut off, so it may have been posted"
        if not may_be_repeated(message):
            return _fail(log, message, at, reason, unsure=True)
        message = _fail(log, message, at, reason, unsure=True, retry_at=at).message
    if at - message.prepared_at > OUT_OF_DATE:
        reason = f"it waited {spoken((at - message.prepared_at).total_seconds())} and is out of date"
        return _fail(log, message, at, reason)
    if message.retry_at is not None and at < message.retry_at:
        return Delivered(message, f"{message.reason}; it is tried again at {utc(message.retry_at)}")
    until = at + taken_for(attempts)
    if not _take(log, message, at, until):
        return None
    recorded = log.incident(message.incident)
    overtaken = _overtaken(recorded, message)
    if overtaken is not None:
        reason = f"a later message was posted before it, at {utc(overtaken)}"
        return _fail(log, message, at, reason)
    # Posted again it says the same: what was known when it was prepared.
    then = fold(message.incident, [each for each in recorded if each.position <= message.position])
    return _post(log, post, replace(message, incident_then=then), clock, sleep, attempts, until)


def _take(log: "Log", message: Message, at: datetime, until: datetime) -> bool:
    """Take a message, so that nobody else posts it; False where somebody else was faster."""
    claim = secrets.token_hex(8)

    def decision(held: list[Recorded]) -> list[Decision]:
        mine = _among(held, message.event)
        if mine is None or mine.state is not State.WAITING:
            return []
        return [
            MessagePosting(
                occurred_at=at,
                decided_by=BY_ITSELF,
                incident=message.incident,
                kind=message.kind,
                prepared=message.event,
                claim=claim,
                until=until,
            )
        ]

    return bool(log.decide(message.incident, decision).recorded)


def _overtaken(recorded: Iterable[Recorded], message: Message) -> datetime | None:
    """Return when a later message was posted on the same channel, or by hand; a reminder is news to nobody."""
    later = [
        each.sent_at
        for each in messages(recorded)
        if each.position > message.position
        and each.sent_at is not None
        and each.state is State.SENT
        and each.kind != REMINDER
        and each.channel in (None, message.channel)
    ]
    return min(later, default=None)


def _post(
    log: "Log",
    post: Post,
    message: Message,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    attempts: int,
    until: datetime,
) -> Delivered:
    pause = FIRST_PAUSE_SECONDS
    made = 0
    while True:
        answer = post(message)
        made += 1
        if answer.became is not PostOutcome.LATER:
            break
        wait = max(answer.retry_after_seconds or 0.0, pause)
        pause *= 2
        if made >= attempts or wait > LONGEST_PAUSE_SECONDS:
            break
        try:
            sleep(wait)
        except KeyboardInterrupt:
            # Nothing was posted, and that is known: it goes on waiting.
            _fail(log, message, clock(), answer.said, made, retry_at=clock())
            raise
        if clock() >= until:
            break  # the machine slept: by now others may have said that it was given up
    return _record(log, message, answer, made, clock())


def _record(log: "Log", message: Message, answer: Answer, made: int, at: datetime) -> Delivered:
    if answer.became is PostOutcome.POSTED:
        event = MessageSent(
            occurred_at=at,
            decided_by=message.by,
            incident=message.incident,
            kind=message.kind,
            text=message.text,
            eta=message.eta,
            prepared=message.event,
            attempts=made,
        )
        try:
            after = _append(log, message, event, answer.body)
        except StoreError as away:
            raise StoreError(
                f"the {message.kind} message of {message.incident} was posted at {utc(at)}, "
                f"but that could not be recorded: {away.message}",
                hint=f"When the store is back: tracker message {message.incident} --sent {handle_of(message.event)} --at {utc(at)}",
            ) from away
        return Delivered(after, f"posted at {utc(at)}")
    unsure = answer.became is PostOutcome.UNKNOWN
    if unsure and (answer.is_odd or not may_be_repeated(message)):
        return _fail(log, message, at, f"{answer.said}, so it may have been posted", made, unsure=True)
    if answer.became is PostOutcome.REFUSED or message.attempts + made >= MOST_ATTEMPTS:
        return _fail(log, message, at, answer.said, made)
    grown = min(BETWEEN_ROUNDS_SECONDS * 2.0**message.rounds, LONGEST_BETWEEN_ROUNDS_SECONDS)
    retry_at = at + timedelta(seconds=max(answer.retry_after_seconds or 0.0, grown))
    if retry_at - message.prepared_at > OUT_OF_DATE:
        reason = f"{answer.said}, and by {utc(retry_at)} it would be out of date"
        return _fail(log, message, at, reason, made, unsure=unsure)
    return _fail(log, message, at, answer.said, made, retry_at=retry_at, unsure=unsure)


def _fail(
    log: "Log",
    message: Message,
    at: datetime,
    reason: str,
    attempts: int = 0,
    *,
    retry_at: datetime | None = None,
    unsure: bool = False,
) -> Delivered:
    event = MessageFailed(
        occurred_at=at,
        decided_by=BY_ITSELF,
        incident=message.incident,
        kind=message.kind,
        prepared=message.event,
        reason=reason,
        attempts=attempts,
        retry_at=retry_at,
        unsure=unsure,
    )
    after = _append(log, message, event)
    later = f"; it is tried again at {utc(retry_at)}" if retry_at else ""
    return Delivered(after, reason + later)


def _append(log: "Log", message: Message, event: MessageSent | MessageFailed, body: bytes = b"") -> Message:
    """Record an outcome, with the bytes that were posted, unless somebody recorded a better one.

    Return the message as it stands then.
    """

    def decision(held: list[Recorded]) -> list[Incoming]:
        mine = _among(held, message.event)
        settled = mine is None or mine.state not in (State.WAITING, State.POSTING)
        # That it was posted is worth more than a guess that it may have been.
        lost = settled and not isinstance(event, MessageSent)
        return [] if lost else [Incoming(event=event, payload=body)]

    log.decide(message.incident, decision)
    return _among(log.incident(message.incident), message.event) or message


def _among(held: Iterable[Recorded], name: str) -> Message | None:
    return next((each for each in messages(held) if each.event == name), None)


def record_missed_etas(
    log: "Log", incident: "Incident", changes: Iterable[ChangeRow], now: datetime
) -> "Appended":
    """Record the promises of an incident that were not kept by a change; saying it again adds nothing."""
    rows = list(changes)
    return log.decide(incident.id, lambda held: missed_etas(fold(incident.id, held), rows, now))
