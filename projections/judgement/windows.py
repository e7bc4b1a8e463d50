"""Which part of time is judged after a change: instants only, no samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import ChangeRow
from tracker.times import duration_seconds

WINDOWS = {"10m": 600, "1h": 3_600, "1d": 86_400}
"""Seconds from the change to the end of each window."""

SETTLING_SECONDS = 120.0
#: A command that returned sooner did not wait for its rollout.
ROLLOUT_AT_LEAST_SECONDS = 10.0
#: What went out so shortly before another change may be what moved the metrics.
OVERLAP = timedelta(minutes=10)

_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
_RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdw]))+)\s*(:?)[^\]]*\]")


@dataclass(frozen=True)
class JudgedWindow:
    """One window after one change.

    The change acts from `begins_at` (its rollout's start, where that is known) and was finished at `deployed_at`.
    The `settling_seconds` from `begins_at` to `window_from` are not judged. `cut_by` is the next change of the
    service, if it ended the window: what the metrics did after that is not this change's.
    """

    change: ChangeRow
    window: str
    begins_at: datetime
    deployed_at: datetime
    settling_seconds: float
    window_from: datetime
    window_to: datetime
    cut_by: ChangeRow | None = None


def plan_window(
    change: ChangeRow,
    window: str,
    *,
    settling_seconds: float = SETTLING_SECONDS,
    query: str | None = None,
    others: Sequence[ChangeRow] = (),
) -> JudgedWindow:
    """Plan one window: it ends 10 minutes, an hour or a day after the change was finished, or where the next began.

    The settling time is the rollout's own length where its start and end were reported, else `settling_seconds`,
    plus the range that the query looks back over.
    """
    deployed_at = change.finished_at or change.at
    begins_at = change.began_at
    rollout = (deployed_at - begins_at).total_seconds()
    if change.finished_at is None or rollout < ROLLOUT_AT_LEAST_SECONDS:
        rollout = settling_seconds
    settling = rollout + range_seconds(query)
    window_from = begins_at + timedelta(seconds=settling)
    window_to = deployed_at + timedelta(seconds=WINDOWS[window])
    following = next_change(change, others)
    if following is not None and following.began_at >= window_to:
        following = None
    return JudgedWindow(
        change=change,
        window=window,
        begins_at=begins_at,
        deployed_at=deployed_at,
        settling_seconds=settling,
        window_from=window_from,
        window_to=window_to if following is None else max(window_from, following.began_at),
        cut_by=following,
    )


def next_change(change: ChangeRow, others: Sequence[ChangeRow]) -> ChangeRow | None:
    """Return the next change of the same service that began after this one; None if there was none."""
    later = [other for other in _same_service(change, others) if other.began_at > change.began_at]
    return min(later, key=lambda other: (other.began_at, other.event), default=None)


def _same_service(change: ChangeRow, others: Sequence[ChangeRow]) -> list[ChangeRow]:
    return [
        other
        for other in others
        if other.event != change.event and other.kind != "merge" and other.service == change.service
    ]


def range_seconds(query: str | None) -> float:
    """Return how far back a PromQL query looks for each of its samples; 0 where it does not.

    The range of a subquery is added to those within it; of other ranges the longest counts.
    """
    if not query:
        return 0.0
    ranges, added = [0.0], 0.0
    for text, subquery in _RANGE.findall(_QUOTED.sub("", query)):
        if subquery:
            added += duration_seconds(text)
        else:
            ranges.append(duration_seconds(text))
    return max(ranges) + added


def confounding(change: ChangeRow, others: Sequence[ChangeRow], onset: datetime) -> list[ChangeRow]:
    """Return the other changes of the same service that may have moved what a change's windows show.

    Those began no later and went on until it began, or until shortly before; a later one ends the windows. What was
    out before the onset is no other fix: what it broke is the incident.
    """
    since = change.began_at - OVERLAP
    if onset < change.began_at:
        since = max(since, onset - timedelta(microseconds=1))
    return [
        other
        for other in _same_service(change, others)
        if other.began_at <= change.began_at and (other.finished_at or other.at) > since
    ]
