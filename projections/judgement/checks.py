"""At which times after a change `tracker watch` checks the metrics."""

from collections.abc import Sequence

from tracker.times import spoken

CHECKS = (*range(60, 601, 60), 3_600, 86_400)
"""Seconds after the change at which a check is due."""
_EACH_MINUTE = 600


def overdue_after(due_seconds: int) -> int:
    """Return how many seconds after a change a check that was due counts as missed."""
    return due_seconds + {3_600: 300, 86_400: 3_600}.get(due_seconds, 60)


def describe_checks(missed: Sequence[int]) -> str:
    """Name checks in words; consecutive ones by the first and the last of them."""
    runs: list[list[int]] = []
    for due in missed:
        if runs and CHECKS.index(due) == CHECKS.index(runs[-1][-1]) + 1 and due <= _EACH_MINUTE:
            runs[-1].append(due)
        else:
            runs.append([due])
    return ", ".join(" to ".join(dict.fromkeys((spoken(run[0]), spoken(run[-1])))) for run in runs)
