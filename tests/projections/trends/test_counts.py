"""Whether something happens more often than before."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.trends import compare_counts
from tracker.errors import UsageError


def test_where_nothing_changed_one_page_in_twenty_claims_a_change():
    """
    Also where the later period is shorter.
    """
    rng = np.random.default_rng(1)

    claims = sum(
        compare_counts(int(rng.poisson(30)), 90, int(rng.poisson(10)), 30).claim is not None
        for _ in range(400)
    )

    assert claims <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_rates_are_compared_and_not_counts():
    """
    Thirty in thirty days are three times as many as thirty in ninety.
    """
    answer = compare_counts(30, 90, 30, 30)

    assert answer.ratio == pytest.approx(3)
    assert answer.claim == "more"
    assert 1 < answer.low < 3 < answer.high


def test_none_before_has_no_ratio_and_can_be_more_all_the_same():
    answer = compare_counts(0, 90, 20, 90)

    assert (answer.ratio, answer.high, answer.claim) == (None, None, "more")
    assert compare_counts(0, 90, 1, 90).claim is None
    assert compare_counts(0, 90, 0, 90).ratio is None


def test_small_counts_show_no_change_at_all():
    """
    Three a quarter could become none, and nobody could tell.
    """
    assert compare_counts(3, 90, 0, 90).claim is None
    assert compare_counts(3, 90, 3, 90).smallest_visible_ratio is None


def test_the_smallest_visible_change_is_seen_four_times_in_five():
    rng = np.random.default_rng(5)
    visible = compare_counts(100, 90, 100, 90).smallest_visible_ratio

    seen = sum(
        compare_counts(int(rng.poisson(100)), 90, int(rng.poisson(100 * visible)), 90).claim == "fewer"
        for _ in range(300)
    )

    assert 0.7 <= seen / 300 <= 0.9


@pytest.mark.parametrize("days", [0, -1, math.nan, math.inf])
def test_a_period_without_days_is_refused(days):
    with pytest.raises(UsageError, match="before_days"):
        compare_counts(3, days, 3, 90)
    with pytest.raises(UsageError, match="after_days"):
        compare_counts(3, 90, 3, days)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(1, 400), st.floats(1, 400), st.integers(1, 30))
def test_a_claim_always_has_an_interval_on_its_side_of_one(before, after, days, later_days, comparisons):
    answer = compare_counts(before, days, after, later_days, comparisons=comparisons)

    if answer.ratio is not None:
        assert answer.low <= answer.ratio <= answer.high
    if answer.claim == "fewer":
        assert answer.high < 1
    elif answer.claim == "more":
        assert answer.low > 1
