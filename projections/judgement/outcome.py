"""What the verdicts of one window come to: better, worse, not better, or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

HEADLINE_STRENGTH = 1.5
"""An outcome asks for more than a row: over many metrics, 1 is reached by chance too often."""
NOT_JUDGED = ("not_enough_data", "no_data", "pending")
NOT_BETTER = ("still_degraded", "partly_recovered")


class AnyVerdict(Protocol):
    """A verdict, whether judged now or read as it was recorded."""

    @property
    def baseline(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def strength(self) -> float | None: ...


V = TypeVar("V", bound=AnyVerdict)


def answering(rows: Sequence[V]) -> list[V]:
    """Return the rows that answer the question of the moment: normal again, after a fix; else moved by it."""
    return [row for row in rows if row.baseline == "healthy"] or list(rows)


def is_clear(row: AnyVerdict) -> bool:
    return (row.strength or 0) > HEADLINE_STRENGTH


def is_worse(row: AnyVerdict) -> bool:
    return row.verdict == "regressed" and is_clear(row)


def exit_code(rows: Sequence[AnyVerdict]) -> int:
    """Answer a watch by one window's rows: 0 recovered, 6 worse, 7 not better, 8 unknown."""
    verdicts = [row.verdict for row in answering(rows)]
    moved = [row for row in rows if row.baseline == "before_change"]
    if "regressed" in verdicts or any(is_worse(row) for row in moved):
        return 6
    if any(verdict in NOT_BETTER for verdict in verdicts):
        return 7
    # Where nothing that the incident moved is there, or the change was no fix, nothing proves that it helped.
    recovered = any(row.baseline == "healthy" and row.verdict == "recovered" for row in rows)
    return 0 if recovered and not any(verdict in NOT_JUDGED for verdict in verdicts) else 8
