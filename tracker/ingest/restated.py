"""Issues and outside incidents that are reported to be again what they were before: resolved, open, resolved.

A source that names no instant of a step, or an old one, says the very same again after the opposite. That is a new
statement, with the order of its receipt, or of the lines of one file. Alerts are `tracker.ingest.refired`'s.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from tracker.events.alerts import IssueChanged, OutsideIncidentReported, first_after
from tracker.events.base import Incoming

TOPICS = (IssueChanged.TOPIC, OutsideIncidentReported.TOPIC)
Step = IssueChanged | OutsideIncidentReported
_Turn = datetime | int
"""When a statement was received; in a file, its line."""


def subject_of(event: object) -> tuple[str, ...] | None:
    """Return the issue or the incident that an event changes the state of."""
    if isinstance(event, IssueChanged) and event.state is not None:
        return "issue", event.source, event.project, event.issue_id
    if isinstance(event, OutsideIncidentReported):
        return "incident", event.source, event.outside_id
    return None


class StateHistory:
    """What was reported of issues and outside incidents so far; `recorded` is what the log has of the same ones."""

    def __init__(self, recorded: Iterable[Incoming] = ()) -> None:
        self._steps: dict[tuple[str, ...], list[tuple[_Turn, Incoming]]] = {}
        self._line = 0
        for fact in recorded:
            subject = subject_of(fact.event)
            if subject is not None and fact.arrival.received_at is not None:
                self._steps.setdefault(subject, []).append((fact.arrival.received_at, fact))

    def read(self, facts: Sequence[Incoming]) -> list[Incoming]:
        """Return facts in the order in which they came, with each repeated statement as an event of its own."""
        return [self._read(fact) for fact in facts]

    def _read(self, fact: Incoming) -> Incoming:
        self._line += 1
        event, subject = fact.event, subject_of(fact.event)
        if subject is None or not isinstance(event, Step) or fact.arrival.via not in ("webhook", "file"):
            return fact
        turn = self._line if fact.arrival.via == "file" else fact.arrival.received_at
        if turn is None:
            return fact
        steps = self._steps.setdefault(subject, [])
        before = [
            (at, step.event, step)
            for at, step in steps
            if type(at) is type(turn) and at < turn and isinstance(step.event, Step)  # type: ignore[operator]
        ]
        same = [each for each in before if _says_the_same(each[1], event)]
        if same:
            last_at, last, told = max(same, key=lambda each: each[0])
            between = [
                other.occurred_at
                for at, other, _ in before
                if at > last_at and other.state != event.state  # type: ignore[operator]
            ]
            if not between and last.again_after is not None:
                fact = msgspec.structs.replace(fact, event=last)
            elif between and (_delivery_id(told) is None or _delivery_id(told) != _delivery_id(fact)):
                fact = msgspec.structs.replace(fact, event=_again(event, max(between), fact))
        steps.append((turn, fact))
        return fact


def _says_the_same(earlier: Step, event: Step) -> bool:
    """Whether an event is what was reported before, or that again."""
    if isinstance(earlier, IssueChanged) and isinstance(event, IssueChanged):
        same = earlier.action == event.action
    else:
        same = isinstance(earlier, OutsideIncidentReported) and isinstance(event, OutsideIncidentReported)
        same = same and earlier.state == event.state
    return same and (earlier.occurred_at == event.occurred_at or earlier.again_after is not None)


def _again(event: Step, after: datetime, fact: Incoming) -> Step:
    received_at = fact.arrival.received_at if fact.arrival.via == "webhook" else None
    at = max(first_after(after), received_at or after)
    return msgspec.structs.replace(event, occurred_at=at, again_after=after)


def _delivery_id(fact: Incoming) -> str | None:
    """Return the sender's own id of a CloudEvent: one that is sent again with it is a duplicate."""
    try:
        fields = msgspec.json.decode(fact.payload, type=dict[str, msgspec.Raw])
        context = (
            msgspec.json.decode(fields["context"], type=dict[str, msgspec.Raw])
            if "context" in fields
            else fields
        )
        return (
            msgspec.json.decode(context["id"], type=str)
            if "specversion" in context or "version" in context
            else None
        )
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        return None
