"""What is due next, and how much time is left, from the same rules: the most urgent first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from projections.procedure.rule import NextStep, ProcedureLimits, RuleAnswer, Status

MESSAGES = ("team_alerted", "updates_on_time")
"""The rules that wait for a message to the team."""
_NOT_DONE = (Status.UNKNOWN, Status.MISSED, Status.LATE)


@dataclass(frozen=True)
class Advice:
    """One thing to do. `due_at` and the seconds left are None where nothing limits it."""

    rule: str
    next_step: NextStep
    due_at: datetime | None
    left_seconds: float | None
    limits: ProcedureLimits


def advice(answers: Iterable[RuleAnswer], now: datetime) -> list[Advice]:
    """Return what is still to be done, the longest overdue first and what has no limit last.

    A step that meets several rules is returned once, with the earliest of their limits.
    """
    found = [
        Advice(
            rule=answer.rule,
            next_step=answer.next_step,
            due_at=answer.due_at,
            left_seconds=(answer.due_at - now).total_seconds() if answer.due_at else None,
            limits=answer.limits,
        )
        for answer in answers
        if answer.next_step is not None
        and answer.status in _NOT_DONE
        # What is only unknown and has no limit is no reminder; check shows it.
        and (answer.due_at is not None or answer.status is not Status.UNKNOWN)
    ]
    found.sort(key=lambda item: (item.left_seconds is None, item.left_seconds or 0.0))
    once: list[Advice] = []
    for item in found:
        if all(item.next_step != known.next_step for known in once):
            once.append(item)
    return once


def overdue_messages(items: Iterable[Advice]) -> list[Advice]:
    """Keep the messages to the team that should have been sent by now."""
    return [
        item
        for item in items
        if item.rule in MESSAGES and item.left_seconds is not None and item.left_seconds <= 0
    ]
