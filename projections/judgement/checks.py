"""When a watch looks after a change, and which of its looks are missing."""

from collections.abc import Sequence

from tracker.times import spoken

CHECKS = (*range(60, 601, 60), 3_600, 86_400)
"""Seconds after the change at which a check is due."""
_EACH_MINUTE = 600


def late_at(due_seconds: int) -> int:
    """Return how many seconds after a change a check that is due then counts as not made."""
    return due_seconds + {3_600: 300, 86_400: 3_600}.get(due_seconds, 60)


def spans(missed: Sequence[int]) -> str:
    """Name checks that follow each other by the first and the last of them."""
    runs: list[list[int]] = []
    for each in missed:
        if runs and CHECKS.index(each) == CHECKS.index(runs[-1][-1]) + 1 and each <= _EACH_MINUTE:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(" to ".join(dict.fromkeys((spoken(run[0]), spoken(run[-1])))) for run in runs)
