"""Samples on their way into the log: what it has is left out, what differs is kept beside it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.samples import merge
from tests.builders import recorded
from tracker.events.base import Incoming, event_id
from tracker.ingest.samples import intake

DAY_MS = 86_400_000
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class Columns:
    instants_ms: np.ndarray
    values: np.ndarray
    labels: dict[str, str] = field(default_factory=dict)


def taken(instants, values, held=None) -> list[Incoming]:
    """Take one series in."""
    series = Columns(np.asarray(instants, dtype=np.int64), np.asarray(values, dtype=np.float64))
    return intake(
        [series],
        held or {},
        service="checkout",
        metric="error_ratio",
        query="up",
        unit="ratio",
        step_seconds=15.0,
        source="prometheus:test",
        captured_at=NOW,
    )


def joined(*incoming: Incoming):
    """Join chunks as a report reads them."""
    rows = recorded(*incoming)
    payloads = {event_id(each.event): each.payload for each in incoming}
    return merge((row, payloads[row.id]) for row in rows)


def held_of(series) -> dict:
    return {tuple(sorted(one.labels.items())): (one.instants_ms, one.values) for one in series}


def test_what_the_log_has_is_not_taken_again():
    """
    A second pull of a wider span takes only its new ends.
    """
    first = taken([15_000, 30_000, 45_000], [1, 2, 3])

    more = taken([0, 15_000, 30_000, 45_000, 60_000], [9, 1, 2, 3, 4], held_of(joined(*first)))

    assert [each.event.count for each in more] == [2]
    [series] = joined(*first, *more)
    assert series.instants_ms.tolist() == [0, 15_000, 30_000, 45_000, 60_000]


def test_an_instant_that_is_told_otherwise_later_keeps_its_first_value():
    """
    The later value is an event of its own: kept, and not drawn.
    """
    first = taken([15_000, 30_000], [1, 2])

    told = taken([15_000, 30_000], [1, 7], held_of(joined(*first)))

    assert [each.event.count for each in told] == [1]
    [series] = joined(*first, *told)
    assert series.values.tolist() == [1, 2]


def test_a_missing_number_is_not_told_otherwise_by_another():
    """
    Two NaNs of the same bits are one value.
    """
    first = taken([15_000], [float("nan")])

    assert taken([15_000], [float("nan")], held_of(joined(*first))) == []


@given(
    st.lists(st.integers(0, 20 * DAY_MS), min_size=1, max_size=60, unique=True).map(sorted),
    st.integers(0, 60),
)
@settings(max_examples=60, deadline=None)
def test_no_chunk_spans_more_than_a_day_and_nothing_is_lost(instants: list[int], cut: int):
    """
    Whatever was held before, all instants are there afterwards, each once.
    """
    values = np.arange(len(instants), dtype=np.float64)
    first = taken(instants[:cut], values[:cut]) if instants[:cut] else []
    held = held_of(joined(*first)) if first else {}

    rest = taken(instants, values, held)

    assert all(
        each.event.last_at.timestamp() - each.event.occurred_at.timestamp() < 86_400
        for each in [*first, *rest]
    )
    [series] = joined(*first, *rest)
    assert series.instants_ms.tolist() == instants
    assert series.values.tolist() == values.tolist()
