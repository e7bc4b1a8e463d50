"""XmR limits: what is ordinary of counts, by whole weeks and months."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.trends.inputs import FOR_COUNTS
from projections.trends.measures import Occurrence, Series
from projections.trends.over_time import over_time
from projections.trends.periods import Period
from projections.trends.xmr import beyond_chance, counts_over_time, limits

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


def counted_weeks(counts):
    """What happened so often in each week after the first Monday."""
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    instants = [
        monday + timedelta(weeks=week, hours=1 + n) for week, count in enumerate(counts) for n in range(count)
    ]
    return instants, monday, monday + timedelta(weeks=len(counts))


@pytest.mark.parametrize("rate", [1, 3, 12])
def test_of_pages_where_nothing_changed_one_in_a_hundred_names_a_week(rate):
    """
    Of five services together, a year each; counts outside of the limits there are on nearly all of them.
    """
    rng = np.random.default_rng(rate)
    named = outside = 0
    for _ in range(60):
        occurrences = []
        for service in "abcde":
            instants, start, end = counted_weeks(rng.poisson(rate, 50))
            occurrences += [Occurrence(at, f"{service} {at}", service) for at in instants]
        series = [Series("incidents", "count", occurrences)]
        page = over_time(series, tuple("abcde"), [Period("", start, end)], None, end)
        named += any(one.beyond_chance for one in page.counts)
        outside += any(one.outside for one in page.counts)

    assert named <= 3
    assert outside > 30


def test_a_week_that_chance_does_not_explain_is_named():
    """
    Not where weeks differ that much as a rule.
    """
    rng = np.random.default_rng(2)
    ordinary = [int(count) for count in rng.poisson(3, 30)]
    unusual = counts_over_time("checkout", *counted_weeks([*ordinary[:20], 25, *ordinary[20:]]))
    bursts = counts_over_time("checkout", *counted_weeks([0, 0, 9, 0, 0, 0, 8, 0] * 3 + [40]))

    assert beyond_chance(unusual, FOR_COUNTS * 0.05 / 31) == (unusual.starts[20],)
    assert bursts.outside
    assert beyond_chance(bursts, FOR_COUNTS * 0.05 / 25) == ()


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
