"""The judge does not cry wolf, finds what is clear, and says when it cannot know."""

import subprocess
import sys
from collections.abc import Sequence

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray

from projections.comparison import ChangeJudgement, RecoveryJudgement, judge_change, judge_fix, judge_recovery

Floats = NDArray[np.float64]
MINUTE, HOUR, DAY = 60, 3_600, 86_400
WEEK_OF_FIVE_MINUTES = 7 * DAY // 300


def noise(samples: int, metrics: int = 1, *, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=(samples, metrics))


def sluggish(samples: int, metrics: int, *, seed: int) -> Floats:
    """Load as it is: each sample remembers nine tenths of the one before."""
    values = noise(samples, metrics, seed=seed)
    for at in range(1, samples):
        values[at] += 0.9 * values[at - 1]
    return values


def by_the_clock(samples: int, *, step_seconds: int) -> Floats:
    """A day's rise and fall around 100."""
    seconds = np.arange(samples)[:, None] * step_seconds
    return 100 + 40 * np.sin(2 * np.pi * seconds / DAY)


def judge(series: Floats, *, window_seconds: int, step_seconds: int = 300) -> list[ChangeJudgement]:
    """The last window of a series against all before it."""
    window = window_seconds // step_seconds
    return list(
        judge_change(
            series[:-window], series[-window:], step_seconds=step_seconds, window_seconds=window_seconds
        )
    )


@pytest.mark.parametrize("window_seconds", [600, HOUR])
def test_quiet_metrics_stay_unchanged_whenever_one_looks(window_seconds: int):
    """
    Of 40 sluggish metrics, each looked at 20 times, at most one in a hundred is called changed.
    """
    series = 50 + sluggish(2 * WEEK_OF_FIVE_MINUTES, 40, seed=3)

    said = [
        one.direction
        for end in range(WEEK_OF_FIVE_MINUTES, 2 * WEEK_OF_FIVE_MINUTES, 101)
        for one in judge(series[:end], window_seconds=window_seconds)
    ]

    assert said.count("unchanged") >= 0.99 * len(said)
    assert len(said) >= 800


@pytest.mark.parametrize(("window_seconds", "step"), [(600, 8), (HOUR, 6), (DAY, 3)])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_steps_are_found(window_seconds: int, step: float, direction: str):
    """
    A step of several times the noise is found in every window, and in the right direction.
    """
    series = 50 + noise(10 * DAY // 300, 20)
    series[-window_seconds // 300 :] += step if direction == "up" else -step

    for one in judge(series, window_seconds=window_seconds):
        assert one.direction == direction
        assert one.strength > 1
        assert one.expected == pytest.approx(50, abs=1.5)
        assert one.shift == pytest.approx(step if direction == "up" else -step, abs=2)


def test_the_season_is_no_change():
    """
    The morning's rise moves the mean of an hour by a tenth and is expected.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)

    (one,) = judge(series, window_seconds=HOUR)

    assert one.direction == "unchanged"
    assert one.candidate in {"daily", "drift", "daily+drift"}


def test_a_step_on_the_season_is_a_change():
    """
    The same hour 15 higher than on the days before, within what the day itself swings.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)
    series[-12:] += 15

    (one,) = judge(series, window_seconds=HOUR)

    assert one.direction == "up"


def test_a_steady_drift_is_no_change():
    """
    A disk that has been filling for a week goes on filling.
    """
    series = 10 + np.arange(WEEK_OF_FIVE_MINUTES)[:, None] * 0.05 + noise(WEEK_OF_FIVE_MINUTES)

    assert [one.direction for one in judge(series, window_seconds=HOUR)] == ["unchanged"]


def test_a_known_incident_cut_out_hides_nothing():
    """
    Ten hours of an old incident widen the swing until the next one is not seen; cut out, it is.
    """
    series = 50 + noise(4 * DAY // 300)
    series[-12:] += 4
    with_incident, cut = series.copy(), series.copy()
    for at in range(300, 420, 24):
        with_incident[at : at + 12] += 40
    cut[300:420] = np.nan

    (seen,) = judge(cut, window_seconds=HOUR)
    (hidden,) = judge(with_incident, window_seconds=HOUR)

    assert seen.direction == "up"
    assert seen.strength > hidden.strength


def test_unchanged_says_what_would_have_shown():
    """
    A shift a little over the smallest visible change is seen, one a little under it is not.
    """
    series = 50 + noise(WEEK_OF_FIVE_MINUTES)
    (quiet,) = judge(series, window_seconds=HOUR)
    assert quiet.smallest_visible_change is not None
    assert quiet.shift is not None

    for part, direction in ((0.95, "unchanged"), (1.05, "up")):
        moved = series.copy()
        moved[-12:] += part * quiet.smallest_visible_change - quiet.shift
        assert [one.direction for one in judge(moved, window_seconds=HOUR)] == [direction]


def test_one_sample_alone_is_flagged_as_a_spike():
    """
    An hour whose mean one sample moved is a change, and says so.
    """
    series = 50 + noise(WEEK_OF_FIVE_MINUTES)
    series[-5] += 100

    (one,) = judge(series, window_seconds=HOUR)

    assert (one.direction, one.flags) == ("up", ("spike",))


def test_what_moved_before_the_change_is_flagged():
    """
    A metric that had left its level in the hour before was not moved by the deploy.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)
    series[-24:-12] += 60
    series[-12:] += 150

    (one,) = judge(series, window_seconds=HOUR)

    assert one.direction == "up"
    assert "already_moving" in one.flags


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (2, 12, "too short"),
        (WEEK_OF_FIVE_MINUTES, 8, "Only 8 of the window's 12 samples"),
        (0, 12, "too short"),
    ],
)
def test_too_little_is_said_in_words(before: int, after: int, reason: str):
    """
    A baseline too short and a window with gaps give no verdict, but a reason.
    """
    (one,) = judge_change(noise(before), noise(after), step_seconds=300, window_seconds=HOUR)

    assert one.direction == "not_enough_data"
    assert reason in one.reason


def test_what_could_hardly_show_is_not_called_unchanged():
    """
    Where less than a tripling would not show, that is said; a metric that is nearly always zero is not noisy.
    """
    rough = np.where(noise(WEEK_OF_FIVE_MINUTES) > 0, 1.0, 0.0)
    rare = np.where(noise(WEEK_OF_FIVE_MINUTES) > 2.5, 0.02, 0.0)

    (one,) = judge(rough, window_seconds=600)
    (other,) = judge(rare, window_seconds=600)

    assert one.direction == "not_enough_data"
    assert one.reason.startswith("Too noisy: a change by less than ±")
    assert one.smallest_visible_change is not None
    assert other.direction == "unchanged"


def test_four_days_are_too_few_for_a_day():
    """
    A day can be compared with other days only where there are some.
    """
    (one,) = judge(noise(5 * DAY // 300), window_seconds=DAY)

    assert one.direction == "not_enough_data"


@pytest.mark.parametrize(
    ("incident", "left", "verdict"),
    [
        (20, 0, "recovered"),
        (20, 10, "partly_recovered"),
        (20, 20, "still_degraded"),
        (20, -20, "regressed"),
        (0, 0, "unaffected"),
    ],
)
def test_a_fix_is_judged_by_what_it_left(incident: float, left: float, verdict: str):
    """
    All gone, half gone, nothing gone, beyond the other side, and never there.
    """
    baseline = 50 + noise(WEEK_OF_FIVE_MINUTES, 5, seed=1)
    during = 50 + incident + noise(36, 5, seed=2)
    after = 50 + left + noise(12, 5, seed=4)

    said = judge_recovery(baseline, during, after, step_seconds=300, window_seconds=HOUR)

    assert [one.verdict for one in said] == [verdict] * 5


def test_a_season_goes_on_through_an_incident():
    """
    Three hours of incident on a rising morning: back to where the morning should be is recovered.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)
    series[-48:-12] += 80

    (one,) = judge_recovery(
        series[:-48], series[-48:-12], series[-12:], step_seconds=300, window_seconds=HOUR
    )

    assert one.verdict == "recovered"


def test_a_quiet_day_after_an_incident_is_no_new_trouble():
    """
    A little below what the clock lets expect, but where the metric is every night: gone. Clearly below: regressed.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)
    series[-48:-12] = 300

    def judged(fallen: float) -> RecoveryJudgement:
        told = series.copy()
        told[-12:] -= fallen
        return judge_recovery(told[:-48], told[-48:-12], told[-12:], step_seconds=300, window_seconds=HOUR)[0]

    just_visible = next(fallen for fallen in np.arange(0, 60, 0.2) if judged(fallen).strength > 1)
    little, clearly = judged(1.1 * just_visible), judged(3.5 * just_visible)

    assert (little.after.direction, little.verdict) == ("down", "recovered")
    assert (clearly.after.direction, clearly.verdict) == ("down", "regressed")


def test_a_silent_incident_is_not_judged():
    """
    Without samples during the incident nobody knows what the fix had to mend.
    """
    (one,) = judge_recovery(
        noise(WEEK_OF_FIVE_MINUTES),
        np.full((12, 1), np.nan),
        noise(12),
        step_seconds=300,
        window_seconds=HOUR,
    )

    assert one.verdict == "not_enough_data"
    assert one.reason.startswith("The incident cannot be judged. Only 0 of")


def test_a_metric_alone_is_judged_as_among_others():
    """
    Neither the company nor the order of the metrics moves a single bit.
    """
    series = np.concatenate(
        [by_the_clock(1_500, step_seconds=300) + noise(1_500, 9), sluggish(1_500, 4, seed=8)], axis=1
    )
    series[100:130, 3] = np.nan
    series[:900, 5] = np.nan
    series[:, 6] = 7.1
    series[-3:, 11] += 50

    together = judge(series, window_seconds=HOUR)
    backwards = judge(series[:, ::-1], window_seconds=HOUR)
    alone = [judge(series[:, at : at + 1].copy(), window_seconds=HOUR)[0] for at in range(series.shape[1])]

    assert repr(together) == repr(alone)
    assert repr(together) == repr(backwards[::-1])
    assert repr(together) == repr(judge(series.copy(), window_seconds=HOUR))


@pytest.mark.parametrize("value", [0.0, 7.1, -3.3, 1e308, -1e308, 5e-324, np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("samples", [0, 1, 2, 30, 1_000])
def test_what_never_moves_never_changed(value: float, samples: int):
    """
    Constant, zero, missing and infinite metrics of any length are never called changed.
    """
    before, then = np.full((samples, 2), value), np.full((12, 2), value)

    changes = judge_change(before, then, step_seconds=300, window_seconds=HOUR)
    fixes = judge_recovery(before, then, then, step_seconds=300, window_seconds=HOUR)
    mended = judge_fix(before, then[:7], then, step_seconds=300, window_seconds=HOUR, gap_seconds=700)

    assert {one.direction for one in (*changes, *mended)} <= {"unchanged", "not_enough_data"}
    assert {one.verdict for one in fixes} <= {"unaffected", "not_enough_data"}


anything = some.floats(width=64) | some.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, 5e-324])
columns = arrays.arrays(np.float64, some.tuples(some.integers(0, 60), some.just(2)), elements=anything)


@given(
    before=columns,
    during=columns,
    after=columns,
    window=some.sampled_from([300, 600, HOUR, DAY]),
    gap=some.sampled_from([0, 120, 700, HOUR]),
    deploys=some.lists(some.integers(-5, 70), max_size=4),
)
@settings(deadline=None, max_examples=50)
def test_no_input_breaks_the_judge(
    before: Floats, during: Floats, after: Floats, window: int, gap: int, deploys: list[int]
):
    """
    Whatever floats there are: an answer for each metric, finite, the same each time, and no warning.
    """

    def told(before: Floats, during: Floats, after: Floats) -> tuple[list[ChangeJudgement], ...]:
        asked = {"step_seconds": 300, "window_seconds": window, "gap_seconds": gap, "deploys": deploys}
        fixes = judge_recovery(before, during, after, **asked)
        return (
            list(judge_change(before, after, **asked)),
            list(judge_fix(before, during, after, **asked)),
            [one.incident for one in fixes],
            [one.after for one in fixes],
        )

    said = told(before, during, after)

    for judgements in said:
        assert len(judgements) == 2
        for one in judgements:
            assert 0 <= one.strength <= 999
            assert bool(one.reason) == (one.direction == "not_enough_data")
    assert repr(said) == repr(told(before, during, after))
    alone = [told(before[:, [at]], during[:, [at]], after[:, [at]]) for at in (0, 1)]
    assert repr(said) == repr(tuple([*one, *other] for one, other in zip(*alone, strict=True)))


@pytest.mark.parametrize("gap_seconds", [0, 600, HOUR])
def test_what_settles_after_a_change_is_not_judged(gap_seconds: int):
    """
    The rollout's own peak lies in the gap; a change after it is seen, and a season goes on through it.
    """
    series = by_the_clock(WEEK_OF_FIVE_MINUTES, step_seconds=300) + noise(WEEK_OF_FIVE_MINUTES)
    ends = WEEK_OF_FIVE_MINUTES - 12 - gap_seconds // 300
    series[ends:-12] += 500
    moved = series.copy()
    moved[-12:] += 30

    for told, direction in ((series, "unchanged"), (moved, "up")):
        (one,) = judge_change(
            told[:ends], told[-12:], step_seconds=300, window_seconds=HOUR, gap_seconds=gap_seconds
        )
        assert one.direction == direction


def test_an_earlier_deploy_known_does_not_widen_the_swing():
    """
    A deploy two days ago moved the metric for good; known, it hides no smaller change today.
    """
    series = 50 + noise(WEEK_OF_FIVE_MINUTES)
    for at in range(300, WEEK_OF_FIVE_MINUTES - 12, 250):
        series[at:] += 12
    series[-12:] += 6
    deploys = range(300, WEEK_OF_FIVE_MINUTES - 12, 250)

    def judged(deploys: Sequence[int]) -> ChangeJudgement:
        return judge_change(
            series[:-12], series[-12:], step_seconds=300, window_seconds=HOUR, deploys=deploys
        )[0]

    known, unknown = judged(deploys), judged([])

    assert known.replays < unknown.replays
    assert known.strength > unknown.strength
    assert known.direction == "up"


def test_who_deploys_every_day_still_gets_a_verdict():
    """
    Where every replay of a day holds a deploy they are all kept; one too many leaves the hour its own.
    """
    series = 50 + noise(10 * DAY // 300)
    daily = range(100, len(series), DAY // 300)

    for window_seconds, all_kept in ((DAY, True), (HOUR, False)):
        window = window_seconds // 300
        told = {
            deploys: judge_change(
                series[:-window],
                series[-window:],
                step_seconds=300,
                window_seconds=window_seconds,
                deploys=deploys,
            )[0]
            for deploys in ((), tuple(daily))
        }
        assert told[tuple(daily)].direction == "unchanged"
        assert (told[()].replays == told[tuple(daily)].replays) is all_kept


@pytest.mark.parametrize(("left", "direction"), [(0, "down"), (20, "unchanged"), (40, "up"), (8, "down")])
def test_whether_a_fix_did_anything_is_held_against_the_incident(left: float, direction: str):
    """
    Back, as bad as it was, and worse; half-way back is something too.
    """
    healthy = 50 + noise(WEEK_OF_FIVE_MINUTES, 3)
    during, after = 70 + noise(36, 3, seed=2), 50 + left + noise(12, 3, seed=3)

    said = judge_fix(healthy, during, after, step_seconds=300, window_seconds=HOUR, gap_seconds=120)

    for one in said:
        assert one.direction == direction
        assert one.candidate == "incident"
        assert one.expected == pytest.approx(70, abs=1)
        assert one.observed == pytest.approx(50 + left, abs=1)


def test_a_fix_is_not_judged_without_healthy_time():
    """
    Nobody knows how far the metric swings by itself.
    """
    (one,) = judge_fix(noise(30), noise(12), noise(12), step_seconds=300, window_seconds=HOUR)

    assert one.direction == "not_enough_data"
    assert one.reason.startswith("The baseline is too short")


def test_no_metrics_give_no_answers():
    """
    Nothing was asked, nothing is said.
    """
    assert (
        list(judge_change(np.empty((50, 0)), np.empty((12, 0)), step_seconds=300, window_seconds=HOUR)) == []
    )


def test_the_unit_of_a_metric_moves_nothing():
    """
    Bytes or gibibytes: the same directions and strengths.
    """
    series = 50 + sluggish(1_500, 6, seed=5)
    series[-12:, :3] += 30

    small, large = judge(series, window_seconds=HOUR), judge(series * 2.0**30, window_seconds=HOUR)

    assert [(one.direction, one.strength) for one in small] == [
        (one.direction, one.strength) for one in large
    ]


@pytest.mark.parametrize("power", [-40, -3, 30])
def test_the_unit_of_a_metric_moves_nothing_after_a_fix(power: int):
    """
    The same verdicts, strengths and shares in any unit, with a gap and earlier deploys.
    """
    series = 50 + sluggish(1_500, 6, seed=5)
    series[-48:-12, :3] += 60
    series[-12:, 1] += 30

    def told(values: Floats) -> list[object]:
        asked = {"step_seconds": 300, "window_seconds": HOUR, "gap_seconds": 300, "deploys": (200, 700)}
        parts = values[:-48], values[-48:-13], values[-12:]
        return [
            *((one.verdict, one.strength, one.remaining_ratio) for one in judge_recovery(*parts, **asked)),
            *((one.direction, one.strength) for one in judge_fix(*parts, **asked)),
        ]

    assert told(series) == told(series * 2.0**power)


@given(
    increments=arrays.arrays(
        np.float64, some.integers(100, 260), elements=some.sampled_from([0.0, 1.0, 2.0, 7.0, 40.0])
    ),
    restarts=some.lists(some.integers(0, 259), max_size=3),
    burst=some.sampled_from([1.0, 50.0]),
)
@settings(deadline=None, max_examples=100)
def test_a_counter_that_begins_anew_is_no_change(increments: Floats, restarts: list[int], burst: float):
    """
    A counter that nobody made a rate of is never called changed, nor regressed, whenever its process restarts.
    """
    grown = increments + 0.5
    grown[-40:-12] *= burst
    series = np.cumsum(grown)[:, None]
    for at in sorted({*restarts, len(series) - 12}):
        series[at:] -= series[at : at + 1]

    changes = judge(series, window_seconds=HOUR)
    (fix,) = judge_recovery(
        series[:-40], series[-40:-12], series[-12:], step_seconds=300, window_seconds=HOUR
    )

    assert {one.direction for one in changes} <= {"unchanged", "not_enough_data"}
    assert fix.verdict in {"unaffected", "not_enough_data", "recovered", "within_normal"}


def test_a_heap_that_is_swept_is_no_counter():
    """
    It rises much more often than it falls, but it falls all day; what moves it is called.
    """
    at = np.arange(WEEK_OF_FIVE_MINUTES)[:, None]
    series = 100 + 5.0 * (at % 12) + noise(WEEK_OF_FIVE_MINUTES)
    series[-12:] += 60

    assert [one.direction for one in judge(series, window_seconds=HOUR)] == ["up"]


def test_importing_the_judge_does_not_import_numpy():
    """
    A command that judges nothing pays nothing.
    """
    code = "import projections.comparison, sys; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
