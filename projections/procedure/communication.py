"""Was the team told at once, and kept up to date?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from projections.messages import Message, State, sent
from projections.procedure.fix_attempts import aside
from projections.procedure.rule import Evidence, Ruled, Status
from tracker.events.base import BY_ITSELF, Recorded
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentReopened, IncidentResolved, NoteAdded
from tracker.incident import Status as Standing
from tracker.times import spoken

TYPED_AFTERWARDS = timedelta(hours=1)
"""An incident whose declaration was recorded so long after it is told of, not fought: nobody waits for news."""

_NAMED = 3


def since(evidence: Evidence) -> str:
    """Name what limits run from."""
    return "the declaration" if evidence.detected_at == evidence.incident.declared_at else "detection"


def spoken_limit(limit: timedelta) -> str:
    """Say a limit as it is written in tracker.toml: 30 min, 1 h, 5 d."""
    seconds = limit.total_seconds()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:.0f} {unit}"
    return spoken(seconds)


def told_live(evidence: Evidence) -> bool:
    """Whether the incident was told of while it burned; of one that is told of afterwards nothing is due."""
    first: Recorded = evidence.incident.steps[0].recorded
    declared = evidence.incident.declared_at
    return declared is not None and first.recorded_at - declared <= TYPED_AFTERWARDS


def is_open(evidence: Evidence) -> bool:
    """Whether it is not over."""
    return evidence.incident.status is Standing.OPEN


def team_alerted(evidence: Evidence) -> Ruled:
    """Ask for a message that was sent, or a note by a person, soon after the detection."""
    name, limit = "team_alerted", evidence.procedure.alert_team_within
    expected = f"a message or a note within {spoken_limit(limit)}"
    off = aside(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"Nobody had to be alerted: {off}.")
    due = evidence.detected_at + limit
    found = _first_word(evidence)
    if found is None:
        return _nobody_told(evidence, name, expected, due)
    at, event, what, precision = found
    late = (at - due).total_seconds()
    after = _after((at - evidence.detected_at).total_seconds(), since(evidence))
    # A time that is known to the minute is late only where no instant of that minute is in time.
    if late > 0 and not (precision >= 1 and at - timedelta(seconds=precision) < due):
        says = f"{what} {after}, {spoken(late)} late."
        return Ruled(name, Status.LATE, expected, f"{what} {after}", says, (event,), late_seconds=late)
    return Ruled(name, Status.MET, expected, f"{what} {after}", f"{what} {after}.", (event,))


def _first_word(evidence: Evidence) -> tuple[datetime, str, str, float] | None:
    words: list[tuple[datetime, str, str, float]] = []
    for message in sent(evidence.messages):
        assert message.sent_at is not None
        what = (
            f"The team was told by {message.by}"
            if message.by_hand
            else f"The {message.kind} message was posted"
        )
        words.append((message.sent_at, message.sent_event or message.event, what, 0.001))
    for note in _notes(evidence):
        event = note.event
        assert isinstance(event, NoteAdded)
        if event.occurred_at + timedelta(seconds=event.precision_seconds) > evidence.detected_at:
            what = f"A note was written by {event.decided_by}"
            words.append((event.occurred_at, note.id, what, event.precision_seconds))
    return min(words, default=None)


def _notes(evidence: Evidence) -> list[Effective]:
    return [
        each
        for each in evidence.of(NoteAdded)
        if isinstance(each.event, NoteAdded)
        and each.event.incident == evidence.incident.id
        and each.event.decided_by != BY_ITSELF
    ]


def _nobody_told(evidence: Evidence, name: str, expected: str, due: datetime) -> Ruled:
    """Answer where no word is known: what was tried and is known to have failed is missed, else it is unknown."""
    failed = [m for m in evidence.messages if m.state in (State.FAILED, State.WAITING)]
    due_at, todo = _due(evidence, due, f"tracker message {evidence.incident.id} initial")
    if failed and evidence.now > due:
        last = failed[-1]
        became = "waits in the outbox" if last.state is State.WAITING else "was not posted"
        why = f": {last.reason}" if last.reason else ""
        says = f"The {last.kind} message {became}{why}, and no note by a person is recorded."
        told = f"the {last.kind} message {became}"
        return Ruled(name, Status.MISSED, expected, told, says, (last.event,), due_at=due_at, todo=todo)
    says = "No message is recorded as sent, and no note by a person."
    return Ruled(name, Status.UNKNOWN, expected, None, says, due_at=due_at, todo=todo)


def _due(evidence: Evidence, due: datetime, todo: str) -> tuple[datetime | None, str | None]:
    return (due, todo) if is_open(evidence) and told_live(evidence) else (None, None)


def updates_on_time(evidence: Evidence) -> Ruled:
    """Ask for a message every few minutes, from the first one until it was resolved.

    Only messages that were posted are updates: a note is for whoever reads the timeline, and
    reaches nobody who waits for news. Up to the first message it is `team_alerted` that asks.
    """
    name, every = "updates_on_time", evidence.procedure.update_every
    expected = f"a message every {spoken_limit(every)} until its end"
    off = aside(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"Nobody waited for news: {off}.")
    posted = sent(evidence.messages)
    if not posted:
        says = "No message is recorded as sent; a note is no update. Record one posted by hand: --sent."
        first = _first_word(evidence)
        next_at = max(evidence.detected_at, first[0]) + every if first else None
        due_at, todo = (
            _due(evidence, next_at, f"tracker message {evidence.incident.id} initial")
            if next_at
            else (None, None)
        )
        return Ruled(name, Status.UNKNOWN, expected, None, says, due_at=due_at, todo=todo)
    gaps, last = _gaps(evidence, posted)
    ids = tuple(dict.fromkeys(each.sent_event or each.event for each in posted))
    if last is None:
        return _only_afterwards(evidence, Ruled(name, Status.UNKNOWN, expected, None, "", ids))
    due_at, todo = (None, None)
    if is_open(evidence):
        due_at, todo = _due(evidence, last + every, f"tracker message {evidence.incident.id} update")
    count = f"{len(posted)} message{'s' if len(posted) > 1 else ''}"
    over = [gap for gap in gaps if gap > every]
    if not over:
        longest = f", {spoken(max(gaps).total_seconds())} apart at most" if gaps else ""
        if is_open(evidence):
            says = f"{count.capitalize()} so far{longest}; it is not over yet."
            return Ruled(name, Status.UNKNOWN, expected, count, says, ids, due_at=due_at, todo=todo)
        return Ruled(name, Status.MET, expected, count, f"{count.capitalize()}{longest}.", ids)
    worst = sorted(over, reverse=True)
    named = ", ".join(spoken(gap.total_seconds()) for gap in worst[:_NAMED])
    more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
    told = f"{count}; silent for {named}{more}"
    if worst[0] >= 2 * every:
        says = f"{told[0].upper()}{told[1:]}: at least one update did not come."
        return Ruled(name, Status.MISSED, expected, told, says, ids, due_at=due_at, todo=todo)
    late = (worst[0] - every).total_seconds()
    says = f"{told[0].upper()}{told[1:]}: {spoken(late)} late at most."
    return Ruled(name, Status.LATE, expected, told, says, ids, late_seconds=late, due_at=due_at, todo=todo)


def _only_afterwards(evidence: Evidence, answer: Ruled) -> Ruled:
    """Answer where every message came when it was over: none came while it lasted, if one was due by then."""
    ends = evidence.incident.ends_at or evidence.now
    lasted = ends - evidence.detected_at
    if lasted <= evidence.procedure.update_every:
        says = f"It was over {spoken(lasted.total_seconds())} after {since(evidence)}: no update was due."
        return replace(answer, status=Status.NOT_APPLICABLE, says=says)
    says = f"The first message came after its end: silent for {spoken(lasted.total_seconds())}."
    return replace(answer, status=Status.MISSED, actual="no message before its end", says=says)


def _gaps(evidence: Evidence, posted: list[Message]) -> tuple[list[timedelta], datetime | None]:
    """Return the silences while it was open, and the instant from which the next update is due."""
    gaps: list[timedelta] = []
    instants = [each.sent_at for each in posted if each.sent_at is not None]
    last: datetime | None = None
    for number, (begins, ends) in enumerate(_open_spans(evidence)):
        until = ends or evidence.now
        inside = [at for at in instants if begins <= at <= until]
        # A reopened incident owes an update from its reopening on; the first one from its first message.
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
    steps = [
        each
        for each in sorted(evidence.incident.steps, key=lambda one: one.recorded.position)
        if each.retraction is None and getattr(each.event, "incident", None) == evidence.incident.id
    ]
    for step in steps:
        if isinstance(step.event, IncidentResolved) and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], step.event.occurred_at)
        elif isinstance(step.event, IncidentReopened) and spans[-1][1] is not None:
            spans.append((step.event.occurred_at, None))
    return spans


def _after(seconds: float, what: str) -> str:
    return f"{spoken(seconds)} after {what}" if seconds >= 0 else f"{spoken(-seconds)} before {what}"
