"""How long incidents last, with those that are still open."""

import math

import numpy as np
import pytest

from projections.trends import duration_curve
from tracker.errors import UsageError


def test_open_ones_move_the_curve_as_kaplan_and_meier_say():
    """
    The figures of the textbook, by hand: of six, one closes; of five, one; then one is open; of three, one.
    """
    curve = duration_curve([60, 120, 240], [180, 300, 300])

    assert curve.times == [60, 120, 240]
    assert curve.open_share == pytest.approx([5 / 6, 4 / 6, 4 / 6 * 2 / 3])
    assert curve.median == 240
    assert duration_curve([60, 120, 240]).median == 120


def test_a_median_that_was_not_reached_is_none():
    """
    Most are open: it is longer than anything seen, and no number says how long.
    """
    curve = duration_curve([60], [600] * 5)

    assert curve.median is None
    assert curve.high is None
    assert curve.open_share == pytest.approx([5 / 6])


def test_nothing_closed_is_an_empty_curve():
    assert duration_curve([], [600]).times == []
    assert duration_curve([], []).median is None
    assert duration_curve([60], []).median == 60


def test_the_interval_of_the_median_covers_the_truth():
    """
    With and without open ones; the truth is the median of what is drawn from.
    """
    rng = np.random.default_rng(9)
    for days in (1000.0, 0.3):
        inside = 0
        for _ in range(200):
            durations = rng.lognormal(math.log(3600), 1.4, 25)
            ages = rng.uniform(0, days * 86400, 25)
            closed = durations <= ages
            curve = duration_curve(durations[closed], ages[~closed])
            inside += (curve.low is None or curve.low <= 3600) and (curve.high is None or curve.high >= 3600)
        assert inside >= 200 * 0.95 - 3 * math.sqrt(200 * 0.05 * 0.95)


def test_what_is_no_duration_is_refused():
    with pytest.raises(UsageError, match="open_seconds"):
        duration_curve([60], [-1])
