"""XmR limits: what is ordinary of counts, by whole weeks and months."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from projections.trends.xmr import counts_over_time, limits

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_limits_are_those_of_wheelers_method():
    """
    Mean 5, moving ranges 2, 2, 2, …: from none to 5 + 2.66 × 2.
    """
    found = limits([4, 6] * 5)

    assert (found.mean, found.low) == (5.0, 0.0)
    assert round(found.high, 9) == 10.32
    assert limits([4, 6, 4, 6, 4, 6, 4]) is None


def test_of_independent_counts_few_lie_outside():
    """
    Of 100 counts some one or two: enough to ask, too many to claim.
    """
    rng = np.random.default_rng(3)

    outside = 0
    for _ in range(100):
        counts = [int(count) for count in rng.poisson(8, 26)]
        found = limits(counts)
        outside += sum(not found.low <= count <= found.high for count in counts)

    assert outside < 2600 * 0.02


@given(st.lists(st.floats(0, 699), max_size=60), st.integers(0, 40), st.integers(1, 700))
def test_each_instant_of_a_whole_week_or_month_is_counted_once(days, first, length):
    """
    What lies in the cut ones at both ends is in none.
    """
    start = START + timedelta(days=first, hours=5)
    end = start + timedelta(days=length)
    instants = [START + timedelta(days=day) for day in days]

    found = counts_over_time("checkout", instants, start, end)

    assert list(found.starts) == sorted(set(found.starts))
    assert all(start <= each < end and each.hour == 0 for each in found.starts)
    if found.starts:
        last = found.starts[-1] + timedelta(days=7 if found.unit == "week" else 28)
        inside = sum(found.starts[0] <= at < last for at in instants)
        assert inside <= sum(found.counts) or found.unit == "month"
        assert sum(found.counts) <= sum(start <= at < end for at in instants)
