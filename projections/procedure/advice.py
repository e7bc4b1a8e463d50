"""What is due next, and how long is left, from the same rules: the most urgent first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from projections.procedure.rule import ProcedureLimits, Ruled, Status
from tracker.times import spoken

_TO_DO = {
    "team_alerted": "alert the team",
    "tested_before_deploy": "test the fix",
    "deployed_in_time": "deploy the fix",
    "verified": "see whether the fix helped",
    "watched_10m": "watch the first 10 minutes",
    "watched_1h": "look when the hour is over",
    "watched_1d": "look when the day is over",
    "rolled_back_when_not_fixed": "roll back",
    "updates_on_time": "update the team",
    "report_written": "write and publish the report",
    "merged_back": "merge back to {integration_branch}",
    "new_version_after_rollback": "deploy a fix with a new version",
    "version_bumped": "bump the version",
    "tagged": "tag the version",
    "backported": "take the fix to the older lines",
}
"""What to do about a rule that is not met yet."""
_BY_COMMAND = {"tracker ingest git": "read its repository"}
"""What to do where evidence is missing first, by the command that brings it."""
_MESSAGES = ("team_alerted", "updates_on_time")
_NOT_DONE = (Status.UNKNOWN, Status.MISSED, Status.LATE)


@dataclass(frozen=True)
class Advice:
    """One thing to do. Until when is None where nothing limits it, and so are the seconds left."""

    rule: str
    what: str
    todo: str
    due_at: datetime | None
    left_seconds: float | None

    def said(self) -> str:
        """Say what, how long is left, and what to type."""
        if self.left_seconds is None:
            return f"{self.what}; {self.todo}"
        left, late = self.left_seconds, -self.left_seconds
        when = f"{_spoken(left)} left" if left >= 0 else f"overdue by {_spoken(late)}"
        return f"{self.what}: {when}; {self.todo}"


def advice(answers: Iterable[Ruled], procedure: ProcedureLimits, now: datetime) -> list[Advice]:
    """Return what is still to be done, the longest overdue first and what has no limit last.

    What one command does for several rules is said once, with the earliest limit of them.
    """
    found = [
        Advice(
            rule=each.rule,
            what=_what(each, procedure),
            todo=each.todo,
            due_at=each.due_at,
            left_seconds=(each.due_at - now).total_seconds() if each.due_at else None,
        )
        for each in answers
        if each.todo is not None
        and each.status in _NOT_DONE
        # What is merely not known and has no limit, check tells: it is no reminder.
        and (each.due_at is not None or each.status is not Status.UNKNOWN)
    ]
    found.sort(key=lambda each: (each.left_seconds is None, each.left_seconds or 0.0))
    once: dict[str, Advice] = {}
    for each in found:
        once.setdefault(each.todo, each)
    return list(once.values())


def overdue_messages(found: Iterable[Advice]) -> list[Advice]:
    """Keep the messages to the team that should be out by now."""
    return [
        each
        for each in found
        if each.rule in _MESSAGES and each.left_seconds is not None and each.left_seconds <= 0
    ]


def _what(answer: Ruled, procedure: ProcedureLimits) -> str:
    for command, what in _BY_COMMAND.items():
        if answer.todo and answer.todo.startswith(command):
            return what
    # Replaced, not formatted: a sentence may hold braces.
    return _TO_DO.get(answer.rule, answer.expected).replace(
        "{integration_branch}", procedure.integration_branch
    )


def _spoken(seconds: float) -> str:
    """Say what is left in the unit that somebody acts on, and never more than is left."""
    return spoken(60 * (seconds // 60)) if 120 <= seconds < 3600 else spoken(seconds // 1)
