"""A few wild samples in the healthy time do not blind the judge, and what a metric does often stays in its baseline."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from projections.comparison import judge_change, judge_fix, judge_recovery, normal_range
from projections.judgement.wild_samples import wild_samples
from reports.sections.verdicts import _left_out
from reports.wording.verdict_phrases import reason
from tests.builders import at
from tests.projections.judgement.test_verdicts import FIX, broken, judge, measured, series

Floats = NDArray[np.float64]
DAY = 288
"""Samples in a day, one in five minutes."""
OUTLIERS = st.one_of(
    st.floats(10, 1e12), st.floats(-1e12, -10), st.sampled_from([-1.7e308, -9999.0, 0.0, 2.0**63, 1.7e308])
)


def availability(days: float = 2, *, seed: int = 4) -> Floats:
    """Percent of requests that succeeded, in five minutes: mostly all, and now and then half a point less."""
    failed = np.random.default_rng(seed).binomial(700, 0.001, size=round(days * DAY))
    return 100 - failed / 7


def direction(baseline: Floats, after: Floats, *, window_seconds: int = 600, step_seconds: int = 300) -> str:
    return judge_change(
        baseline[:, None], after[:, None], step_seconds=step_seconds, window_seconds=window_seconds
    )[0].direction


def left_out(baseline: Floats, after: Floats, **seconds: int) -> tuple[int, ...]:
    times = {"step_seconds": 300, "window_seconds": 600, **seconds}
    return judge_change(baseline[:, None], after[:, None], **times)[0].left_out


def test_one_bad_sample_hides_no_fall():
    """
    A fall to 94 % is clear beside two quiet days, and stays so when one sample of these is 40.65 %.
    """
    quiet, fallen = availability(), np.array([94.1, 93.8])
    spoiled = quiet.copy()
    spoiled[310] = 40.65

    assert direction(quiet, fallen) == direction(spoiled, fallen) == "down"
    assert left_out(spoiled, fallen) == (310,)
    assert left_out(quiet, fallen) == ()
    assert direction(spoiled, quiet[-2:]) == "unchanged"


@settings(max_examples=60, deadline=None)
@given(
    positions=st.lists(st.integers(0, 4 * DAY - 1), min_size=1, max_size=3, unique=True),
    values=st.lists(OUTLIERS, min_size=3, max_size=3),
    window_seconds=st.sampled_from([600, 3_600, 86_400]),
    worse=st.sampled_from(["up", "down"]),
)
def test_up_to_three_wild_samples_turn_no_clear_change_into_none(positions, values, window_seconds, worse):
    """
    Wherever they are and whatever they are: a step of half the level is found, with its direction.
    """
    noise = np.random.default_rng(2).normal(size=6 * DAY) * 0.02
    past, after = 1 + noise[: 5 * DAY], 1 + noise[5 * DAY :][: window_seconds // 300]
    for position, value in zip(positions, values, strict=False):
        past[position + DAY - 3] = value

    assert direction(past, after, window_seconds=window_seconds) == "unchanged"
    moved = after + (0.5 if worse == "up" else -0.5)
    assert direction(past, moved, window_seconds=window_seconds) == worse


@settings(max_examples=30, deadline=None)
@given(
    power=st.integers(-40, 40),
    begin=st.integers(0, 500),
    length=st.integers(1, 3),
    value=OUTLIERS.filter(lambda v: abs(v) < 1e200),
)
def test_the_unit_says_nothing_about_what_is_wild(power, begin, length, value):
    past, after = availability(), availability(0.02, seed=9)[:2]
    past[begin : begin + length] = value
    unit = 2.0**power

    judged = judge_change(past[:, None], after[:, None], step_seconds=300, window_seconds=600)[0]
    other = judge_change(past[:, None] * unit, after[:, None] * unit, step_seconds=300, window_seconds=600)[0]

    assert other.left_out == judged.left_out
    assert (other.direction, other.strength) == (judged.direction, judged.strength)


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_gaps_beside_a_wild_sample_do_not_hide_it(missing):
    past = availability()
    past[300] = 12.0
    past[[297, 298, 299, 301, 302, 305]] = missing

    assert left_out(past, np.array([94.0, 94.0])) == (300,)


@pytest.mark.parametrize(
    ("days", "begins", "length"),
    [
        (2, (100, 100 + DAY), 1),  # every day at one time
        (3, (50, 50 + DAY, 51 + 2 * DAY), 2),  # the job starts a little later some days
        (8, (10, 10 + 7 * DAY), 1),  # every week
        (2, (40, 170, 333, 480), 1),  # more often than three times
        (2, (200,), 4),  # one burst, but of 20 minutes
    ],
)
def test_what_a_metric_does_more_than_seldom_stays_in_its_baseline(days, begins, length):
    past = 1 + np.random.default_rng(3).normal(size=days * DAY) * 0.05
    for begin in begins:
        past[begin : begin + length] = 30.0

    assert left_out(past, np.array([1.0, 1.0])) == ()


@pytest.mark.parametrize(
    ("begins", "heights"), [((100, 100 + 2 * DAY), (30, 30)), ((100, 100 + DAY), (30, 300))]
)
def test_one_time_of_day_alone_makes_no_job(begins, heights):
    """
    Every second day is not every day, and a job is about as heavy each time.
    """
    past = 1 + np.random.default_rng(3).normal(size=5 * DAY) * 0.05
    past[list(begins)] = heights

    assert left_out(past, np.array([1.0, 1.0])) == begins


@pytest.mark.parametrize("share", [0.5, 0.1, 0.03])
def test_a_metric_with_two_levels_keeps_both(share):
    """
    A leader that changes, a cache that is empty now and then: neither level is wild, and neither is a change.
    """
    random = np.random.default_rng(8)
    past = np.where(random.random(4 * DAY) < share, 80.0, 20.0) + random.normal(size=4 * DAY)

    assert left_out(past, np.array([20.0, 20.0])) == ()
    assert direction(past, np.array([20.4, 79.7])) == "unchanged"


@pytest.mark.parametrize("height", [2.8, 0.3])
def test_a_burst_like_those_that_were_left_out_is_judged_beside_them(height):
    """
    A metric that is nearly always zero had three bursts in two days; after the deploy there is another, and then a
    real change. Beside nothing but zeros a lower burst is no less usual.
    """
    past = np.zeros(2 * DAY)
    past[[80, 200, 430]] = 5.0
    hour = np.zeros(12)
    burst, worse = hour.copy(), hour + 5
    burst[4] = height

    assert left_out(past, hour, window_seconds=3_600) == (80, 200, 430)
    assert direction(past, burst, window_seconds=3_600) == "unchanged"
    assert left_out(past, burst, window_seconds=3_600) == ()
    assert direction(past, worse, window_seconds=3_600) == "up"
    assert direction(np.zeros(2 * DAY), burst, window_seconds=3_600) == "up"


def test_what_began_just_before_the_deploy_is_not_wild():
    """
    Two samples of 8 before the deploy, and it goes on: the deploy did not do that. Where it was back, it was a blip.
    """
    past = 1 + np.random.default_rng(5).normal(size=4 * DAY) * 0.05
    past[-2:] = 8.0

    assert left_out(past, np.array([8.1, 7.9])) == ()
    assert left_out(past, np.array([1.0, 1.05])) == (4 * DAY - 2, 4 * DAY - 1)


def test_a_metric_alone_leaves_out_what_it_does_among_others():
    past = np.column_stack([availability(seed=seed) for seed in range(6)])
    past[[5, 90, 400], [0, 2, 2]] = 3.0

    together = wild_samples(past.T, day=DAY)

    assert together is not None
    assert [np.flatnonzero(row).tolist() for row in together] == [[5], [], [90, 400], [], [], []]
    for row, flags in zip(past.T, together, strict=True):
        alone = wild_samples(row[None], day=DAY)
        assert np.array_equal(np.zeros(len(row), bool) if alone is None else alone[0], flags)


@pytest.mark.parametrize(("left", "verdict"), [(0.0, "recovered"), (1.0, "still_degraded")])
def test_a_fix_is_judged_past_wild_samples(left, verdict):
    healthy = 50 + np.random.default_rng(6).normal(size=(6 * DAY, 1))
    incident, after = healthy[:12] + 20, healthy[40:52] + 20 * left
    spoiled = healthy.copy()
    spoiled[[200, 201, 900]] = 9e6
    times = {"step_seconds": 300, "window_seconds": 3_600}

    assert judge_recovery(spoiled, incident, after, **times)[0].verdict == verdict
    assert judge_fix(spoiled, incident, after, **times)[0].direction == ("unchanged" if left else "down")


NAMED: Any = SimpleNamespace(name_of=lambda row: row.metric)
"""A report's context that calls each metric by its own name."""


def spoiled_series():
    """The series of a fixed incident, with one wild sample two days before it."""
    one = series(broken)
    values = one.values.copy()
    values[np.searchsorted(one.instants_ms, round(at(-2 * 1440).timestamp() * 1000))] = 1e6
    return replace(one, values=values)


def test_a_row_names_what_was_left_out_with_its_instant_and_value():
    """
    In the words that are recorded, and once in the report with the windows that it concerns. The day's samples are
    of every fifth minute.
    """
    clean, rows = judge(series(broken)), judge(spoiled_series())

    assert [row.verdict for row in rows] == [row.verdict for row in clean]
    assert all("Left out" not in (reason(row) or "") for row in clean)
    said = {row.window: reason(row) for row in rows}
    instant = f"{at(-2 * 1440):%Y-%m-%dT%H:%M:%S}.000Z"
    assert all(f" at {instant}" in (words or "") for words in said.values())
    lines = [line for line in _left_out(NAMED, rows) if line]
    assert len(lines) == 1
    assert lines[0].startswith(
        "errors (10 minutes), errors (1 hour), errors (1 day): Left out of the baseline"
    )
    assert _left_out(NAMED, clean) == []


def test_the_time_of_recovery_and_the_normal_range_are_those_of_clean_samples():
    clean, spoiled = series(broken), spoiled_series()
    until = at(0) - timedelta(minutes=1)

    usual = normal_range(measured(clean), healthy_to=until)
    other = normal_range(measured(spoiled), healthy_to=until)

    assert usual is not None
    assert other is not None
    assert other.swing == pytest.approx(usual.swing, rel=0.02)
    times = [
        [row.recovered_at for row in judge(one) if row.baseline == "healthy"] for one in (clean, spoiled)
    ]
    assert times[0] == times[1]
    assert all(time is not None and time >= at(FIX) for time in times[0])
