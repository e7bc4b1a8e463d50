"""Whether incidents last longer than before: what may be claimed of situations whose truth is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.trends import compare_durations
from tracker.errors import UsageError

SECONDS = st.lists(st.integers(0, 10**6).map(float), max_size=12)


def drawn(rng, n, factor=1.0, spread=1.4):
    """Durations around an hour as incidents have them: a few very long ones."""
    return rng.lognormal(math.log(3600 * factor), spread, n)


def censored(rng, n, factor, days):
    """Closed durations of incidents that began evenly over some days, and how long the open ones have lasted."""
    durations, ages = drawn(rng, n, factor), rng.uniform(0, days * 86400, n)
    closed = durations <= ages
    return durations[closed], ages[~closed]


@pytest.mark.parametrize("n", [10, 40])
def test_where_nothing_changed_one_page_in_twenty_claims_a_change(n):
    """
    And the interval covers the truth in 95 of 100.
    """
    rng = np.random.default_rng(n)

    claims = [compare_durations(drawn(rng, n), drawn(rng, n)).claim for _ in range(300)]

    assert sum(claim is not None for claim in claims) <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


@pytest.mark.parametrize(("few", "many"), [(2, 30), (3, 40), (4, 60)])
def test_few_incidents_beside_many_err_no_more_often_than_they_may(few, many):
    """
    As a quarter that has just begun beside all earlier ones, on a page of 200 comparisons: durations of two kinds.
    """
    rng = np.random.default_rng(few)

    def lasting(n):
        return np.where(rng.random(n) < 0.4, drawn(rng, n, 0.2, 0.3), drawn(rng, n, 1.0, 0.6))

    claims = [compare_durations(lasting(many), lasting(few), comparisons=200).claim for _ in range(400)]

    assert claims.count(None) >= 399


def test_open_incidents_do_not_look_short():
    """
    More are open after than before, as in every month that has just ended; without them the ratio would be far below 1.
    """
    rng = np.random.default_rng(7)
    claims, ratios, naive = 0, [], []

    for _ in range(200):
        before, before_open = censored(rng, 60, 1.0, days=3)
        after, after_open = censored(rng, 60, 1.0, days=0.4)
        answer = compare_durations(before, after, before_open_s=before_open, after_open_s=after_open)
        claims += answer.claim is not None
        ratios.append(answer.ratio)
        naive.append(compare_durations(before, after).ratio)

    assert claims <= 200 * 0.05 + 3 * math.sqrt(200 * 0.05 * 0.95)
    assert 0.93 <= np.median(ratios) <= 1.07
    assert np.median(naive) < 0.8


@pytest.mark.parametrize("open_days", [None, 1.0])
def test_a_large_change_is_claimed(open_days):
    """
    Down to a tenth, with and without open ones.
    """
    rng = np.random.default_rng(3)
    before = drawn(rng, 50)
    after, after_open = (drawn(rng, 50, 0.1), []) if open_days is None else censored(rng, 50, 0.1, open_days)

    answer = compare_durations(before, after, after_open_s=after_open)

    assert answer.claim == "shorter"
    assert answer.low < 0.1 < answer.high < 1
    assert answer.n_before == answer.n_after == 50


def test_the_smallest_visible_change_is_seen_four_times_in_five():
    """
    Made true, it is claimed in some 80 of 100.
    """
    rng = np.random.default_rng(11)
    visible = float(
        np.median(
            [compare_durations(drawn(rng, 30), drawn(rng, 30)).smallest_visible_ratio for _ in range(100)]
        )
    )

    seen = sum(
        compare_durations(drawn(rng, 30), drawn(rng, 30, visible)).claim == "shorter" for _ in range(300)
    )

    assert 0.7 <= seen / 300 <= 0.9


def test_several_comparisons_widen_the_interval():
    """
    A page with eleven of them has to err no more often than a page with one.
    """
    rng = np.random.default_rng(2)
    before, after = drawn(rng, 20), drawn(rng, 20)

    one, many = compare_durations(before, after), compare_durations(before, after, comparisons=11)

    assert many.low < one.low < one.ratio < one.high < many.high
    assert many.smallest_visible_ratio < one.smallest_visible_ratio


@pytest.mark.parametrize(
    ("before", "after", "before_open", "after_open"),
    [
        ([], [], [], []),
        ([60.0], [6000.0], [], []),
        ([], [], [600.0] * 5, [600.0] * 5),
        ([300.0] * 20, [300.0] * 20, [], []),
        ([300.0] * 20, [600.0] * 20, [], []),
        ([0.0, 60.0] * 9, [0.0, 60.0] * 9, [0.0], [0.0]),
        ([600.0] * 20, [], [], [60.0] * 20),
    ],
)
def test_where_nothing_can_be_said_nothing_is_claimed(before, after, before_open, after_open):
    """
    None, one, only open ones, and groups that do not differ within themselves.
    """
    answer = compare_durations(before, after, before_open_s=before_open, after_open_s=after_open)

    assert answer.claim is None
    assert answer.n_before == len(before) + len(before_open)


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf])
def test_what_is_no_duration_is_refused(wrong):
    """
    With the name of the argument.
    """
    with pytest.raises(UsageError, match="after_open_s"):
        compare_durations([60.0, 70.0], [60.0, 70.0], after_open_s=[wrong])


@given(SECONDS, SECONDS, SECONDS, SECONDS, st.integers(1, 12))
def test_a_claim_always_has_an_interval_on_its_side_of_one(
    before, after, before_open, after_open, comparisons
):
    """
    Whatever the durations are.
    """
    answer = compare_durations(
        before, after, before_open_s=before_open, after_open_s=after_open, comparisons=comparisons
    )

    if answer.low is not None and answer.high is not None:
        assert answer.low <= answer.ratio <= answer.high
    if answer.claim == "shorter":
        assert answer.high < 1
    elif answer.claim == "longer":
        assert answer.low > 1
    if answer.smallest_visible_ratio is not None:
        assert 0 <= answer.smallest_visible_ratio < 1


def test_of_two_incidents_a_side_among_many_comparisons_no_end_is_known():
    """
    The interval would reach further than numbers do.
    """
    found = compare_durations([1, 40_000], [30, 900_000], comparisons=2000)

    assert (found.low, found.high, found.claim) == (None, None, None)
    assert found.ratio is not None
