"""Was the team told at once, and kept up to date?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from projections.messages import Message, State, sent
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from tracker.events.base import BY_ITSELF
from tracker.events.incidents import IncidentDeclared, IncidentReopened, IncidentResolved, NoteAdded
from tracker.incident import Incident
from tracker.incident import Status as IncidentStatus

_BACKDATED = timedelta(minutes=1)
RECORDED_AFTERWARDS = timedelta(hours=1)
"""An incident whose declaration was recorded so long after it is reported, not fought: nobody waits for news."""


def since(evidence: Evidence) -> str:
    """Name what limits run from."""
    return "declared" if evidence.detected_at == evidence.incident.declared_at else "detected"


def fix_since(evidence: Evidence) -> str:
    """Name what the limit of the fix runs from."""
    return since(evidence) if evidence.back_at is None else "back"


def recorded_live(incident: Incident) -> bool:
    """Whether the incident, or its return, was recorded while it lasted; of what is recorded afterwards nothing is due."""
    begun = [
        step for step in incident.own_steps if isinstance(step.event, IncidentDeclared | IncidentReopened)
    ]
    return any(
        step.recorded.recorded_at - step.event.occurred_at <= RECORDED_AFTERWARDS
        for step in (begun[0], begun[-1])
    )


def is_open(evidence: Evidence) -> bool:
    return evidence.incident.status is IncidentStatus.OPEN


@dataclass(frozen=True)
class _Word:
    """What shows that the team was told: when, by which event, as a reason with facts, and when that was recorded."""

    at: datetime
    event: str
    reason: str
    facts: Mapping[str, Any]
    precision_seconds: float
    typed_at: datetime
    text: str

    def names(self, person: str) -> bool:
        """Whether it was written by or speaks of somebody; of "Ben (payments)" the name alone is enough."""
        name = person.partition(" (")[0].strip().casefold()
        return name == str(self.facts["by"]).casefold() or bool(
            re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.text.casefold())
        )

    def was_typed_after(self, due: datetime) -> bool:
        return self.typed_at > due and self.typed_at - self.at >= _BACKDATED

    def shows_by(self, due: datetime) -> bool:
        """Whether it is evidence by its own instant: a note that was typed after the limit is not."""
        return self.reason != "alerted_by_note" or not self.was_typed_after(due)


def team_alerted(evidence: Evidence) -> RuleAnswer:
    """Ask for a message that was sent, or a note by a person, soon after the detection.

    Where the settings say whom to tell, it has to name each of them, by itself or with those before it. A note that was typed after the limit, with an instant before it, shows nothing of what was known by then.
    """
    due = evidence.detected_at + evidence.procedure.alert_team_within
    words = _words(evidence)
    if not words:
        return _nobody_alerted(evidence, due)
    at, unnamed = _until_all_are_named(words, evidence.tell)
    first = next((word for word in words[at:] if word.at <= due and word.shows_by(due)), words[at])
    after = (first.at - evidence.detected_at).total_seconds()
    typed_at = first.typed_at if first.was_typed_after(due) else None
    facts = {**first.facts, "after": after, "since": since(evidence), "at": first.at, "typed": typed_at}
    facts["precision_seconds"] = first.precision_seconds
    late = (first.at - due).total_seconds()
    # A time that is known to the minute is late only where no instant of that minute is in time.
    precision = first.precision_seconds
    if late > 0 and not (precision >= 1 and first.at - timedelta(seconds=precision) < due):
        return RuleAnswer(Status.LATE, first.reason, facts, (first.event,), late)
    if not first.shows_by(due):
        return RuleAnswer(Status.UNKNOWN, "note_typed_later", facts, (first.event,))
    if unnamed:
        return RuleAnswer(Status.UNKNOWN, "not_all_named", {**facts, "unnamed": unnamed}, (first.event,))
    return RuleAnswer(Status.MET, first.reason, facts, (first.event,))


def _until_all_are_named(words: Sequence[_Word], people: Sequence[str]) -> tuple[int, list[str]]:
    """Return which word completes the names of those to be told; else the first one, and who was never named."""
    unnamed = list(people)
    for at, word in enumerate(words):
        unnamed = [person for person in unnamed if not word.names(person)]
        if not unnamed:
            return at, []
    return 0, unnamed


def _words(evidence: Evidence) -> list[_Word]:
    """Return what shows that the team was told, the first one first."""
    words: list[_Word] = []
    for message in sent(evidence.messages):
        assert message.sent_at is not None
        reason = "alerted_by_hand" if message.by_hand else "alerted_by_message"
        facts = {"by": message.by, "kind": message.kind}
        recorded_at = message.recorded_at or message.sent_at
        words.append(
            _Word(
                message.sent_at,
                message.sent_event or message.event,
                reason,
                facts,
                0.001,
                recorded_at,
                message.text,
            )
        )
    for note in evidence.of(NoteAdded):
        event = note.event
        if (
            isinstance(event, NoteAdded)
            and event.incident == evidence.incident.id
            and event.decided_by != BY_ITSELF
            and event.occurred_at + timedelta(seconds=event.precision_seconds) > evidence.detected_at
        ):
            facts = {"by": event.decided_by}
            # A file of a chat, and the spool, have the instant at which it was written.
            written = note.recorded.arrival.via in ("file", "spool")
            typed_at = event.occurred_at if written else note.recorded.recorded_at
            words.append(
                _Word(
                    event.occurred_at,
                    note.id,
                    "alerted_by_note",
                    facts,
                    event.precision_seconds,
                    typed_at,
                    event.text,
                )
            )
    return sorted(words, key=lambda word: (word.at, word.event))


def _nobody_alerted(evidence: Evidence, due: datetime) -> RuleAnswer:
    """Answer where no word is known: a message that is known to have failed is missed, else it is unknown."""
    failed = [m for m in evidence.messages if m.state in (State.FAILED, State.WAITING)]
    due_at, step = _due(evidence, evidence.burns_since + evidence.procedure.alert_team_within, "initial")
    if failed and evidence.now > due:
        last = failed[-1]
        reason = "message_waiting" if last.state is State.WAITING else "message_failed"
        facts = {"kind": last.kind, "why": last.reason}
        return RuleAnswer(Status.MISSED, reason, facts, (last.event,), due_at=due_at, next_step=step)
    return RuleAnswer(Status.UNKNOWN, "nobody_alerted", due_at=due_at, next_step=step)


def _due(evidence: Evidence, due: datetime, kind: str) -> tuple[datetime | None, NextStep | None]:
    if not is_open(evidence) or not recorded_live(evidence.incident):
        return None, None
    return due, NextStep("message", {"incident": evidence.incident.id, "kind": kind})


def updates_on_time(evidence: Evidence) -> RuleAnswer:
    """Ask for a message every few minutes, from the first one until it was resolved.

    Only messages that were posted are updates: a note is for whoever reads the timeline, and
    reaches nobody who waits for news. Up to the first message it is `team_alerted` that asks.
    """
    every = evidence.procedure.update_every
    due_at, step = None, None
    posted = sent(evidence.messages)
    if not posted:
        words = _words(evidence)
        if words:
            due_at, step = _due(evidence, max(evidence.detected_at, words[0].at) + every, "initial")
        return RuleAnswer(Status.UNKNOWN, "no_messages", due_at=due_at, next_step=step)
    gaps, last = _gaps(evidence, posted)
    events = tuple(dict.fromkeys(message.sent_event or message.event for message in posted))
    if last is None:
        return _only_afterwards(evidence, events)
    due_at, step = _due(evidence, last + every, "update")
    silent = sorted((gap.total_seconds() for gap in gaps if gap > every), reverse=True)
    longest = max(gaps).total_seconds() if gaps else None
    facts = {"count": len(posted), "longest": longest, "silent": silent}
    late = None
    if not silent:
        status, reason = Status.MET, "updates_sent"
        if is_open(evidence):
            status, reason = Status.UNKNOWN, "updates_so_far"
    elif silent[0] >= 2 * every.total_seconds():
        status, reason = Status.MISSED, "update_missing"
    else:
        status, reason, late = Status.LATE, "update_late", silent[0] - every.total_seconds()
    return RuleAnswer(status, reason, facts, events, late, due_at, step)


def _only_afterwards(evidence: Evidence, events: tuple[str, ...]) -> RuleAnswer:
    """Answer where every message was sent after the end: none was while it lasted, if one was due by then."""
    lasted = (evidence.incident.ends_at or evidence.now) - evidence.detected_at
    facts = {"lasted": lasted.total_seconds(), "since": since(evidence)}
    if lasted <= evidence.procedure.update_every:
        return RuleAnswer(Status.NOT_APPLICABLE, "no_update_due", facts, events)
    return RuleAnswer(Status.MISSED, "first_message_after_end", facts, events)


def _gaps(evidence: Evidence, posted: list[Message]) -> tuple[list[timedelta], datetime | None]:
    """Return the silences while it was open, and the instant from which the next update is due."""
    gaps: list[timedelta] = []
    instants = [message.sent_at for message in posted if message.sent_at is not None]
    last: datetime | None = None
    for number, (begins, ends) in enumerate(_open_spans(evidence)):
        until = ends or evidence.now
        inside = [at for at in instants if begins <= at <= until]
        # A reopened incident needs an update from its reopening on; the first one from its first message.
        before = number > 0 and any(at < begins for at in instants)
        stops = [begins, *inside] if before else inside
        if not stops:
            continue
        last = stops[-1]
        stops.append(max(until, last))
        gaps += [later - earlier for earlier, later in pairwise(stops)]
    return gaps, last


def _open_spans(evidence: Evidence) -> list[tuple[datetime, datetime | None]]:
    """Return the spans in which it was open; the first reaches back to where messages may begin."""
    first = datetime.min.replace(tzinfo=evidence.now.tzinfo)
    spans: list[tuple[datetime, datetime | None]] = [(first, None)]
    for step in sorted(evidence.incident.steps, key=lambda step: step.recorded.position):
        if step.retraction is not None or getattr(step.event, "incident", None) != evidence.incident.id:
            continue
        if isinstance(step.event, IncidentResolved) and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], step.event.occurred_at)
        elif isinstance(step.event, IncidentReopened) and spans[-1][1] is not None:
            spans.append((step.event.occurred_at, None))
    return spans
