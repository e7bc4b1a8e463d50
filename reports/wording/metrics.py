"""What became of the metrics after one change, as people say it."""

from collections.abc import Callable, Sequence

from projections.comparison import NOT_JUDGED, VerdictRow, answering
from reports.wording.text import and_listed
from reports.wording.verdict_phrases import change_name, closed_window, headline
from tracker.times import in_minutes

_STAYED = {"1h": "for an hour", "1d": "for a day"}


def after_change_in_words(rows: Sequence[VerdictRow], name: Callable[[VerdictRow], str]) -> str:
    """Say in one sentence when all metrics were normal after a change, and for how long they stayed so.

    What was not proven of every metric in every window is said window by window, as in every other answer.
    """
    named = headline(rows, name)
    healthy = [row for row in rows if row.baseline == "healthy" and row.verdict not in NOT_JUDGED]
    window = closed_window(rows)
    last = [row for row in healthy if row.window == window]
    plain = (
        last
        and len({row.metric for row in last}) == len({row.metric for row in rows})
        and all(row.verdict in ("recovered", "unaffected") for row in healthy)
        and all(
            row.verdict in ("recovered", "unaffected")
            for row in answering([r for r in rows if r.window == window])
        )
        and not any(row.confounded_by or row.cut_by or row.provisional for row in last)
        and any(row.recovered_at for row in last)
    )
    if not plain or window is None:
        return f"{named[:1].upper()}{named[1:]}"
    back = max(row.recovered_at - row.deployed_at for row in last if row.recovered_at is not None)
    names = list(dict.fromkeys(name(row) for row in last))
    how_soon = f" after {in_minutes(back.total_seconds())}" if back.total_seconds() >= 60 else " at once"
    stayed = f" and stayed so {_STAYED[window]}" if window in _STAYED else ""
    if len(names) > 1 and how_soon != " at once":
        how_soon, stayed = f", the last{how_soon}", stayed and f",{stayed}"
    return f"After {change_name(rows[0])}, {and_listed(names)} returned to normal{how_soon}{stayed}."
