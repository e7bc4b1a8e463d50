"""What verdicts say to a reader: one sentence for each change, and one answer for a watch."""

from __future__ import annotations

from collections.abc import Sequence

from projections.comparison import CHECKS, NOT_BETTER, WINDOWS, VerdictRow, answering, is_clear, is_worse
from tracker.times import spoken

SPANS = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day"}

PHRASES = {
    "regressed": "worse",
    "still_degraded": "still degraded",
    "partly_recovered": "only partly back",
    "shifted": "shifted",
    "not_enough_data": "cannot be told",
    "no_data": "no samples",
    "pending": "not over yet",
    "within_normal": "within its normal swing, not proven back",
    "recovered": "back to normal",
    "improved": "better",
    "unchanged": "unchanged",
    "unaffected": "not affected",
}
"""How a headline says each verdict, the worst first: that is what somebody is woken for."""
_ORDER = {verdict: rank for rank, verdict in enumerate(PHRASES)}


def closed_window(rows: Sequence[VerdictRow]) -> str | None:
    """Return the longest window of which something can be told; None while none is over.

    One that no other deploy reaches into comes first: of that, it is known what moved it.
    """
    told = {row.window for row in rows if row.verdict not in ("pending", "no_data", "not_enough_data")}
    alone = told - {row.window for row in rows if row.confounded_by}
    done = alone or told or {row.window for row in rows if row.verdict not in ("pending", "no_data")}
    return next((window for window in reversed(WINDOWS) if window in done), None)


def headline(rows: Sequence[VerdictRow]) -> str:
    """Say in one sentence what became of the metrics after one change."""
    if not rows:
        return "No metric is configured."
    first = rows[0]
    what = f"the rollback to {first.version}" if first.kind == "rollback" else first.version
    window = closed_window(rows)
    if window is None:
        return f"After {what}: nothing can be said yet. {first.reason or 'No window is over.'}"
    told = _told([row for row in rows if row.window == window])
    others = sorted({version for row in rows if row.window == window for version in row.confounded_by})
    is_fix = any(row.baseline == "healthy" for row in rows)
    whose = "the credit is shared" if is_fix else "which of them did it is not told"
    shared = f" {' and '.join(others)} went out in the same window: {whose}." if others else ""
    return f"{SPANS[window]} after {what}: {told}.{shared}{_later(rows, window)}"


def _told(rows: Sequence[VerdictRow]) -> str:
    """Say of one window's metrics what became of them, the worst first."""
    made_worse = {row.metric for row in rows if row.baseline == "before_change" and is_worse(row)}
    moving = {row.metric for row in rows if "already_moving" in row.flags}
    groups: dict[str, list[str]] = {}
    for row in sorted(answering(rows), key=lambda each: _ORDER[each.verdict]):
        faint = row.verdict in ("regressed", "improved", "shifted") and not is_clear(row)
        phrase = f"perhaps {PHRASES[row.verdict]}" if faint else PHRASES[row.verdict]
        if row.baseline == "healthy" and row.metric in made_worse:
            phrase += f", and worse than before {row.version}"
        if row.metric in moving and row.verdict not in ("unchanged", "unaffected", "within_normal"):
            phrase += f", but was moving that way before {row.version}"
        when = when_normal(row)
        groups.setdefault(phrase, []).append(row.metric + (f" ({when})" if when else ""))
    return "; ".join(f"{', '.join(metrics)} {phrase}" for phrase, metrics in groups.items())


def _later(rows: Sequence[VerdictRow], window: str) -> str:
    """Say what a longer window, into which another deploy reaches, shows to be bad: nothing may hide behind the clean one."""
    seen = {row.metric for row in rows if row.window == window and _is_bad(row)}
    spans = list(WINDOWS)
    for longer in spans[spans.index(window) + 1 :]:
        mine = [
            row for row in answering([each for each in rows if each.window == longer]) if row.confounded_by
        ]
        bad = [row for row in mine if _is_bad(row) and row.metric not in seen]
        if bad:
            others = " and ".join(sorted({version for row in mine for version in row.confounded_by}))
            return f" {SPANS[longer]} after it: {_told(bad)}, with {others} in the same window."
    return ""


def _is_bad(row: VerdictRow) -> bool:
    return is_worse(row) or row.verdict in NOT_BETTER


def when_normal(row: VerdictRow) -> str:
    """Say when a metric was back; nothing where its window says that it is not, whatever single samples say."""
    if row.recovered_at is None or row.verdict not in ("recovered", "within_normal"):
        return ""
    return after_change(row)


def settled_after(rows: Sequence[VerdictRow]) -> str:
    """Say how long after a change the windows begin: metrics may differ by their queries' ranges."""
    found = sorted({row.settling_seconds for row in rows})
    first, last = spoken(found[0]), spoken(found[-1])
    if first == last:
        return first
    # "2 to 3 min", and "90 s to 3 min".
    number, _, unit = first.partition(" ")
    return f"{number if last.partition(' ')[2] == unit else first} to {last}"


def after_change(row: VerdictRow) -> str:
    """Say how long after the change a metric was back."""
    assert row.recovered_at is not None
    seconds = (row.recovered_at - row.deployed_at).total_seconds()
    if seconds > 120:
        seconds = 60.0 * round(seconds / 60)
    return f"{spoken(seconds)} after" if seconds > 0 else "while it went out"


SAID_BY_CODE = {0: "recovered", 6: "worse", 7: "not better", 8: "cannot tell"}

_EACH_MINUTE = 600


def describe_checks(missed: Sequence[int]) -> str:
    """Name checks in words; consecutive ones by the first and the last of them."""
    runs: list[list[int]] = []
    for due in missed:
        if runs and CHECKS.index(due) == CHECKS.index(runs[-1][-1]) + 1 and due <= _EACH_MINUTE:
            runs[-1].append(due)
        else:
            runs.append([due])
    return ", ".join(" to ".join(dict.fromkeys((spoken(run[0]), spoken(run[-1])))) for run in runs)
