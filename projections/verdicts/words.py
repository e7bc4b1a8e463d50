"""What verdicts say to a reader: one sentence for each change, and one answer for a watch."""

from __future__ import annotations

from collections.abc import Sequence

from projections.verdicts.rows import Row
from projections.verdicts.windows import WINDOWS
from tracker.times import spoken

HEADLINE_STRENGTH = 1.5
"""A headline asks for more than a row: over many metrics, 1 is reached by chance too often."""

SPANS = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day"}

PHRASES = {
    "recovered": "back to normal",
    "partly_recovered": "only partly back",
    "still_degraded": "still degraded",
    "unaffected": "not affected",
    "within_normal": "within its normal swing, not proven back",
    "regressed": "worse",
    "improved": "better",
    "unchanged": "unchanged",
    "shifted": "shifted",
    "not_enough_data": "cannot be told",
    "no_data": "no samples",
    "pending": "not over yet",
}
_ORDER = tuple(PHRASES)
_WORSE, _NOT_BETTER = ("regressed",), ("still_degraded", "partly_recovered")


def asked(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that answer the question of the moment: normal again, after a fix; else moved by it."""
    healthy = [row for row in rows if row.baseline == "healthy"]
    return healthy or list(rows)


def closed_window(rows: Sequence[Row]) -> str | None:
    """Return the longest window of which something can be told; None while none is over.

    One that no other deploy reaches into comes first: of that, it is known what moved it.
    """
    told = {row.window for row in rows if row.verdict not in ("pending", "no_data", "not_enough_data")}
    alone = told - {row.window for row in rows if row.confounded_by}
    done = alone or told or {row.window for row in rows if row.verdict not in ("pending", "no_data")}
    return next((window for window in reversed(WINDOWS) if window in done), None)


def headline(rows: Sequence[Row]) -> str:
    """Say in one sentence what became of the metrics after one change."""
    if not rows:
        return "No metric is configured."
    first = rows[0]
    what = f"the rollback to {first.version}" if first.kind == "rollback" else first.version
    window = closed_window(rows)
    if window is None:
        return f"After {what}: nothing can be said yet. {first.reason or 'No window is over.'}"
    groups: dict[str, list[str]] = {}
    for row in asked([each for each in rows if each.window == window]):
        faint = (
            row.verdict in ("regressed", "improved", "shifted") and (row.strength or 0) <= HEADLINE_STRENGTH
        )
        phrase = f"perhaps {PHRASES[row.verdict]}" if faint else PHRASES[row.verdict]
        groups.setdefault(phrase, []).append(row.metric + _when(row))
    told = "; ".join(f"{', '.join(metrics)} {phrase}" for phrase, metrics in groups.items())
    others = sorted({version for row in rows if row.window == window for version in row.confounded_by})
    is_fix = any(row.baseline == "healthy" for row in rows)
    whose = "the credit is shared" if is_fix else "which of them did it is not told"
    shared = f" {' and '.join(others)} went out in the same window: {whose}." if others else ""
    return f"{SPANS[window]} after {what}: {told}.{shared}"


def _when(row: Row) -> str:
    if row.recovered_at is None or row.verdict not in ("recovered", "within_normal"):
        return ""
    return f" ({after_change(row)})"


def after_change(row: Row) -> str:
    """Say how long after the change a metric was back."""
    assert row.recovered_at is not None
    seconds = (row.recovered_at - row.deployed_at).total_seconds()
    if seconds > 120:
        seconds = 60.0 * round(seconds / 60)
    return f"{spoken(seconds)} after" if seconds > 0 else "while it went out"


def exit_code(rows: Sequence[Row]) -> int:
    """Answer a watch by one window's rows: 0 recovered, 6 worse, 7 not better, 8 cannot tell."""
    verdicts = [row.verdict for row in asked(rows)]
    moved = [row for row in rows if row.baseline == "before_change" and row.verdict == "regressed"]
    if any(each in _WORSE for each in verdicts) or any(
        (row.strength or 0) > HEADLINE_STRENGTH for row in moved
    ):
        return 6
    if any(each in _NOT_BETTER for each in verdicts):
        return 7
    if any(row.verdict in ("not_enough_data", "no_data", "pending") for row in asked(rows)) or not verdicts:
        return 8
    if any(row.baseline == "healthy" and row.verdict == "recovered" for row in rows):
        return 0
    return 8 if "within_normal" in verdicts else 7


SAID_BY_CODE = {0: "recovered", 6: "worse", 7: "not better", 8: "cannot tell"}
