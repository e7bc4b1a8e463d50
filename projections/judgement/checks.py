"""At which times after a change `tracker watch` checks the metrics."""

CHECKS = (*range(60, 601, 60), 3_600, 86_400)
"""Seconds after the change at which a check is due."""


def overdue_after(due_seconds: int) -> int:
    """Return how many seconds after a change a check that was due counts as missed."""
    return due_seconds + {3_600: 300, 86_400: 3_600}.get(due_seconds, 60)
