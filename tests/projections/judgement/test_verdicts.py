"""The rows of an incident: which window is judged beside what, and what is said where it cannot be."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.changes import ChangeRow, changes
from projections.comparison import (
    JUDGE_VERSION,
    MetricSeries,
    estimate_onset,
    estimate_recovery,
    exit_code,
    read_metric,
    verdict_rows,
    verdicts_to_record,
    with_recorded,
)
from projections.judgement.grid import is_counter, on_grid
from projections.judgement.recovery import recovered_at
from projections.judgement.windows import plan_window, range_seconds
from projections.samples import Series
from reports.wording.headlines import headline as worded
from reports.wording.verdict_phrases import headline, reason, settled_after, when_normal
from tests.builders import at, deploy, deploy_start, recorded, rollback
from tracker.events.corrections import effective
from tracker.times import to_ms

RATE = "sum(rate(http_requests_total[1m]))"
ONSET, FIX = 0.0, 30.0
"""Minutes after 14:00."""


def series(level=lambda minute: 1.0, *, days=15.0, until=2_000.0, step=60, noise=0.02, query=RATE) -> Series:
    """A metric of 100 with a little noise, times a level that depends on the minute."""
    first, last = (to_ms(at(each)) // (step * 1000) for each in (-days * 1440, until))
    instants = np.arange(first, last) * step * 1000
    wobble = np.random.default_rng(7).normal(size=len(instants)) * noise
    minutes = (instants - to_ms(at(0))) / 60_000
    values = 100 * np.array([level(minute) for minute in minutes]) * (1 + wobble)
    return Series("checkout", "errors", "ratio", query, {}, float(step), "prometheus", instants, values)


def measured(one: Series | None, **fields) -> MetricSeries:
    plain = {"service": "checkout", "metric": "errors", "query": RATE, "unit": "ratio", "better": "lower",
             "threshold": None, "settling_seconds": 120.0, "series": one, "label": "errors"}  # fmt: skip
    return MetricSeries(**{**plain, **fields})


def broken(minute: float) -> float:
    """Five times as bad from 14:00 until two minutes after the fix at 14:30."""
    return 5.0 if ONSET <= minute < FIX + 2 else 1.0


def judge(one, *facts, onset=ONSET, over=None, as_of=2_000.0, others=(), **fields):
    found = changes(recorded(*(facts or (deploy(FIX, version="2"),))))
    return verdict_rows(
        found,
        [measured(one, **fields)],
        onset=at(onset),
        over_at=None if over is None else at(over),
        others=found,
        incidents=others,
        as_of=at(as_of),
    )


def verdicts(found) -> dict[tuple[str, str], str]:
    return {(row.window, row.baseline): row.verdict for row in found}


def test_a_perfect_fix_recovers_in_every_window():
    """
    The two minutes that still hold the rollout are not judged; the metric was back when they ended.
    """
    found = judge(series(broken))

    assert set(verdicts(found).values()) == {"improved", "recovered"}
    for row in found:
        assert (row.window_from, row.settling_seconds) == (at(FIX + 3), 180.0)
        if row.baseline == "healthy":
            assert row.recovered_at == at(FIX + 2)
            assert row.left_normal_at == at(ONSET)
            assert row.baseline_to == at(ONSET)
        else:
            assert (row.baseline_from, row.baseline_to) == (at(ONSET), at(FIX))
    assert [row.window_to for row in found[::2]] == [at(FIX + 10), at(FIX + 60), at(FIX + 1440)]
    assert [row.provisional for row in found[::2]] == [True, False, False]


def test_a_fix_that_did_nothing_is_still_degraded():
    """
    Neither did it move the metric, nor is anything normal; there is no instant of recovery.
    """
    found = judge(series(lambda minute: 5.0 if minute >= ONSET else 1.0))

    assert verdicts(found)["10m", "before_change"] == "unchanged"
    assert verdicts(found)["10m", "healthy"] == "still_degraded"
    assert found[0].smallest_visible_change is not None
    assert all(row.recovered_at is None for row in found)


def test_a_deploy_that_breaks_is_regressed_and_one_before_the_onset_has_no_healthy_row():
    """
    What was before it is its baseline.
    """
    found = judge(series(lambda minute: 3.0 if minute >= -20 else 1.0), deploy(-20, version="2"))

    assert verdicts(found) == {
        ("10m", "before_change"): "regressed",
        ("1h", "before_change"): "regressed",
        ("1d", "before_change"): "regressed",
    }


@pytest.mark.parametrize(
    ("better", "verdict"), [("lower", "regressed"), ("higher", "improved"), ("neither", "shifted")]
)
def test_which_way_is_better_says_the_word(better, verdict):
    """
    The judge knows up and down only.
    """
    found = judge(series(lambda minute: 3.0 if minute >= -20 else 1.0), deploy(-20), better=better)

    assert {row.verdict for row in found} == {verdict}


def test_a_slow_leak_is_normal_first_and_worse_later():
    """
    A 10-minute verdict is provisional: the hour revises it.
    """
    leak = series(lambda minute: broken(minute) if minute < FIX + 2 else 1 + max(0.0, minute - FIX - 12) / 30)

    found = verdicts(judge(leak))

    assert found["10m", "healthy"] == "recovered"
    assert found["1h", "healthy"] in ("partly_recovered", "still_degraded")
    assert found["1d", "healthy"] in ("partly_recovered", "still_degraded")


def test_a_window_that_is_not_over_is_pending():
    """
    Over, and with its samples in the log: else there is nothing to judge yet.
    """
    one = series(broken)

    early = judge(one, as_of=FIX + 30)
    without_samples = judge(series(broken, until=FIX + 30))

    for found in (early, without_samples):
        said = verdicts(found)
        assert said["10m", "healthy"] == "recovered"
        assert said["1h", "healthy"] == said["1d", "healthy"] == "pending"
        assert all(reason(row) for row in found if row.verdict == "pending")


def test_a_window_waits_for_its_last_step():
    """
    Its last samples are asked for half a minute later: judged before, it would be judged twice.
    """

    def said(asked: float) -> str:
        found = judge(series(broken, until=asked, step=15), as_of=FIX + 11, asked_until=at(asked))
        return verdicts(found)["10m", "healthy"]

    assert said(FIX + 9) == "pending"
    assert said(FIX + 9.25) == "recovered"


def test_no_samples_are_no_data_and_a_short_past_is_not_enough():
    """
    Each with its reason in words.
    """
    nothing = judge(None)
    short = judge(series(broken, days=0.02))

    assert {row.verdict for row in nothing} == {"no_data"}
    assert {row.verdict for row in short} == {"not_enough_data"}
    assert all(reason(row) and row.strength is None for row in short)


def test_a_rollout_whose_length_is_known_settles_that_long():
    """
    From its start; a command that returned at once said nothing, and the setting holds.
    """
    told = changes(recorded(deploy_start(20), deploy(26)))[0]
    at_once = changes(recorded(deploy_start(20), deploy(20.1)))[0]

    known = plan_window(told, "10m", query=RATE)
    setting = plan_window(at_once, "10m", query=RATE, settling_seconds=300)

    assert (known.begins_at, known.settling_seconds, known.window_from) == (at(20), 420.0, at(27))
    assert known.window_to == at(36)
    assert setting.window_from == at(26)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (RATE, 60),
        ("up", 0),
        (None, 0),
        ('rate(x{code=~"[45].."}[5m]) / rate(y[1m])', 300),
        ("max_over_time(rate(x[1m])[10m:30s])", 660),
        ("increase(x[1h30m])", 5400),
    ],
)
def test_a_query_looks_back_over_its_range(query, seconds):
    """
    Brackets within strings are none; a subquery adds to what is within it.
    """
    assert range_seconds(query) == seconds


def test_a_window_ends_where_the_next_deploy_begins():
    """
    What the metrics did after that is the next one's; a deploy of another service ends nothing.
    """
    next_one = (deploy_start(FIX + 30, version="3"), deploy(FIX + 35, version="3"))
    found = judge(
        series(broken), deploy(FIX, version="2"), *next_one, deploy(FIX + 4, version="9", service="search")
    )

    ends = {row.window: (row.window_to, row.cut_by) for row in found if row.version == "2"}
    cut = (at(FIX + 30), "3")
    assert ends == {"10m": (at(FIX + 10), None), "1h": cut, "1d": cut}
    assert headline([row for row in found if row.version == "2"]) == (
        "30 min after 2, until 3 was deployed: errors (2 min after) back to normal."
    )


@pytest.mark.parametrize("culprit", [-6.0, 0.0])
def test_an_innocent_deploy_has_not_the_culprits_evidence(culprit):
    """
    Six minutes apart, the metric jumps with one of the two: only that one moved it, the other had not or was late.
    """
    jumps = series(lambda minute: 5.0 if minute >= culprit else 1.0)

    found = judge(jumps, deploy(-6, version="1"), deploy(0, version="2"), onset=3, as_of=300)

    rows = {row.version: row for row in found if (row.window, row.baseline) == ("10m", "before_change")}
    first, second = rows["1"], rows["2"]
    assert first.verdict == ("regressed" if culprit == -6 else "unchanged")
    assert (second.verdict, "already_moving" in second.flags) == ("regressed", culprit == -6)
    assert (first.confounded_by, second.confounded_by) == ((), ("1",))


def test_a_deploy_that_is_replaced_before_it_settled_is_not_judged():
    """
    Whatever became worse then may be of either.
    """
    found = judge(series(lambda m: 5.0 if m >= 1 else 1.0), deploy(0, version="1"), deploy(1.5, version="2"))

    rows = [row for row in found if row.version == "1"]
    assert {row.verdict for row in rows} == {"not_enough_data"}
    assert {reason(row) for row in rows} == {"2 was deployed before the rollout had settled."}


def test_what_went_out_with_a_deploy_or_shortly_before_it_confounds_it():
    """
    Two overlapping fixes are two suspects for the credit; an hour apart, each has its own.
    """
    near = judge(series(broken), deploy(FIX, version="2"), deploy(FIX + 6, version="3"))
    at_once = judge(series(broken), deploy(FIX, version="2"), deploy(FIX, version="3", source="ci"))
    apart = judge(series(broken), deploy(FIX, version="2"), deploy(FIX + 120, version="3"), over=FIX + 200)

    assert {(row.version, row.confounded_by) for row in near} == {("2", ()), ("3", ("2",))}
    assert {(row.version, row.confounded_by) for row in at_once} == {("2", ("3",)), ("3", ("2",))}
    assert not any("confounded" in row.flags for row in apart)
    assert "Confounded by 2" in headline([row for row in near if row.version == "3"])


def test_limits_and_silence_are_flags():
    """
    A limit is a rule of its own beside the verdict.
    """
    gap = series(broken)
    quiet = (gap.instants_ms >= to_ms(at(FIX + 20))) & (gap.instants_ms < to_ms(at(FIX + 30)))
    gap = replace(gap, values=np.where(quiet, np.nan, gap.values))

    over = judge(series(lambda minute: 5.0 if minute >= ONSET else 1.0), threshold=300.0)[1]
    blind = {row.window: row.flags for row in judge(gap) if row.baseline == "healthy"}

    assert over.flags == ("over_limit", "was_over_limit_before")
    assert "blind" in blind["1h"]
    assert "blind" not in blind["10m"]


def test_other_incidents_are_cut_out_of_the_baseline():
    """
    A day of trouble a week ago would hide what this deploy did.
    """
    earlier = (at(-4 * 1440), at(-3 * 1440))

    def level(minute: float) -> float:
        return 8.0 if -4 * 1440 <= minute < -3 * 1440 else 1.4 if minute >= -20 else 1.0

    found = judge(series(level), deploy(-20), others=[earlier])

    assert verdicts(found)["1h", "before_change"] == "regressed"


def test_a_later_incident_is_not_what_the_fix_did():
    """
    It begins an hour after the first was over, and lasts into the day after its fix.
    """

    def twice(minute: float) -> float:
        return 5.0 if FIX + 120 <= minute < FIX + 400 else broken(minute)

    alone = judge(series(twice), over=FIX + 10)
    known = judge(series(twice), over=FIX + 10, others=[(at(FIX + 120), at(FIX + 400))])

    assert verdicts(alone)["1d", "healthy"] != "recovered"
    assert {word for (_, baseline), word in verdicts(known).items() if baseline == "healthy"} == {"recovered"}


def test_what_an_earlier_incident_did_is_no_onset():
    """
    It ended five minutes before this one began, and the metric is examined from a quarter of an hour before.
    """

    def before(minute: float) -> float:
        return 5.0 if ONSET - 60 <= minute < ONSET - 5 else broken(minute)

    found = judge(series(before), others=[(at(ONSET - 60), at(ONSET - 5))])

    left = {row.left_normal_at for row in found if row.baseline == "healthy"}
    assert min(each for each in left if each is not None) >= at(ONSET - 5)


def test_a_counter_becomes_a_rate_and_its_reset_is_no_change():
    """
    By its name and a bare selector; it starts again at zero with the deploy.
    """
    rate = series(noise=0.05)
    counts = np.cumsum(rate.values) * 60
    reset = int(np.searchsorted(rate.instants_ms, to_ms(at(-20))))
    counts[reset:] -= counts[reset - 1]
    counter = replace(rate, values=counts, query='http_requests_total{code="500"}')

    found = judge(counter, deploy(-20), query=counter.query)

    assert {row.verdict for row in found} == {"unchanged"}
    assert {row.unit for row in found} == {"per_second"}
    assert found[0].observed == pytest.approx(100, rel=0.05)
    assert not is_counter("rate(http_requests_total[1m])")


def test_the_same_inputs_have_the_same_hash_and_are_said_once():
    """
    What a window was judged on is in the hash; said again only when that changes. Another judge does not rewrite it.
    """
    found = judge(series(broken))
    first = verdicts_to_record(found, [], "INC-1", reason)
    held = effective(recorded(*first, first=10)).values()

    again = judge(series(broken))
    moved = judge(series(broken, noise=0.021))
    shown = with_recorded([replace(row, verdict="still_degraded") for row in again], held)

    assert [event.window for event in first] == ["10m", "1h", "1d"]
    assert first[0].judge_version == JUDGE_VERSION
    assert first[0].occurred_at == at(FIX + 10)
    assert [row.inputs_hash for row in again] == [row.inputs_hash for row in found]
    assert verdicts_to_record(again, held, "INC-1", reason) == []
    assert len(verdicts_to_record(moved, held, "INC-1", reason)) == 3
    assert all(row.said_then is None and row.event for row in with_recorded(again, held))
    assert {row.said_then["verdict"] for row in shown if row.said_then} == {"recovered", "improved"}


def test_a_watch_answers_recovered_only_of_what_recovered():
    """
    0 recovered, 6 worse, 7 not better, 8 cannot tell.
    """

    def code(found, window="10m"):
        return exit_code([row for row in found if row.window == window])

    assert code(judge(series(broken))) == 0
    assert code(judge(series(lambda minute: 5.0 if minute >= ONSET else 1.0))) == 7
    assert code(judge(series(lambda minute: 25.0 if minute >= FIX else 5.0 if minute >= ONSET else 1.0))) == 6
    assert code(judge(None)) == 8
    assert code(judge(series(broken), as_of=FIX + 5)) == 8
    assert code(judge(series(broken, days=0.02))) == 8
    assert exit_code([]) == 8


def test_where_nobody_said_when_it_began_the_metrics_do():
    """
    Out of normal without a break until it was told; what is over, or goes neither way, is no beginning.
    """
    reported = {"reported_at": at(7)}

    assert estimate_onset([measured(series(broken)), measured(None)], **reported) == at(ONSET)
    assert estimate_onset([measured(series(broken), better="higher")], **reported) == at(7)
    assert estimate_onset([measured(series(broken), better="neither")], **reported) == at(7)
    assert estimate_onset(
        [measured(series(lambda minute: 5.0 if 0 <= minute < 4 else 1.0))], **reported
    ) == at(7)
    assert estimate_onset([measured(series(broken), query="x_total")], **reported) == at(7)
    assert estimate_onset([], **reported) == at(7)


def test_what_is_no_fix_and_what_the_incident_never_moved_is_neither_mended_nor_worth_a_rollback():
    """
    Unchanged after a deploy before the onset, better after one, or not affected at all: it cannot be told.
    """

    def code(level, *facts):
        return exit_code([row for row in judge(series(level), *facts) if row.window == "10m"])

    assert code(lambda minute: 1.0, deploy(-20, version="2")) == 8
    assert code(lambda minute: 0.2 if minute >= -20 else 1.0, deploy(-20, version="2")) == 8
    assert code(lambda minute: 1.0) == 8
    assert code(lambda minute: 5.0 if minute >= -20 else 1.0, deploy(-20, version="2")) == 6


def test_a_headline_begins_with_what_is_bad():
    """
    And says of what got even worse that the fix made it so.
    """
    levels = {
        "fine": series(broken),
        "same": series(lambda minute: 5.0 if minute >= ONSET else 1.0),
        "more": series(lambda minute: 25.0 if minute >= FIX else 5.0 if minute >= ONSET else 1.0),
    }
    found = [
        replace(row, metric=name)
        for name, one in levels.items()
        for row in judge(one, as_of=FIX + 20)
        if row.window == "10m"
    ]

    assert headline(found) == (
        "10 minutes after 2: same still degraded; more still degraded, and worse than before 2; fine (2 min after) back to normal."
    )


def test_the_timeline_begins_with_what_is_bad_too():
    """
    A recorded verdict reads in the order of the headline.
    """
    found = [row for row in judge(series(broken), as_of=FIX + 20) if row.window == "10m"]
    bad = [replace(row, metric="bad", verdict="still_degraded") for row in found if row.baseline == "healthy"]

    [given] = verdicts_to_record([*found, *bad], [], "INC-1", reason)

    assert worded(given) == "10 minutes after 2: bad still degraded; errors recovered"


def test_a_headline_hides_nothing_behind_the_window_of_its_own():
    """
    A deploy that was fixed half an hour later has ten clean minutes; what broke after them is what counts.
    """
    late = series(lambda minute: 5.0 if -5 <= minute < FIX + 2 else 1.0)

    found = judge(late, deploy(-20, version="1"), deploy(FIX, version="2"), as_of=FIX + 20)

    assert headline([row for row in found if row.version == "1"]) == (
        "50 min after 1, until 2 was deployed: errors worse."
    )
    assert headline([row for row in found if row.version == "2"]) == (
        "10 minutes after 2: errors (2 min after) back to normal."
    )


def test_one_wild_sample_after_a_fix_is_flagged_and_no_time_of_recovery_stands_beside_its_verdict():
    """
    Beside healthy time as well; single samples were back, the window was not.
    """
    wild = series(lambda minute: 800.0 if minute == FIX + 7 else broken(minute))

    row = next(each for each in judge(wild) if (each.window, each.baseline) == ("10m", "healthy"))

    assert row.verdict == "still_degraded"
    assert row.flags == ("spike",)
    assert when_normal(row) == ""


@pytest.mark.parametrize(
    ("level", "moving"),
    [
        (lambda minute: 5.0 if ONSET <= minute < 15 else 1.0, True),
        (lambda minute: 1.0 if minute < ONSET else max(1.0, 5 - max(0.0, minute - 15) * 4 / 20), True),
        (broken, False),
        (lambda minute: 5.0 if ONSET <= minute < FIX - 1.5 else 1.0, False),
        (lambda minute: broken(minute) if minute >= 15 else 3.0 if minute >= ONSET else 1.0, False),
    ],
)
def test_a_fix_has_no_credit_for_what_mended_itself(level, moving):
    """
    A metric that was back, or on its way back, before the fix went out says so; one that got worse until then does not,
    nor one that was mended by the rollout whose end is all that was told.
    """
    found = [row for row in judge(series(level), as_of=100) if row.window == "1h"]

    assert verdicts(found) == {("1h", "before_change"): "improved", ("1h", "healthy"): "recovered"}
    assert ("already_moving" in found[0].flags) == moving
    assert (", but already moving that way before 2." in headline(found)) == moving


def test_noise_before_a_fix_is_no_movement():
    """
    The minutes before it scatter more than the hour after it, whose swing is known.
    """
    early = judge(series(broken), deploy(15, version="1"), deploy(FIX, version="2"), as_of=100)

    assert not any("already_moving" in row.flags for row in early)


def test_the_first_bad_sample_after_a_fix_goes_on_with_the_incident():
    """
    With a sample a minute the metric was not back while the fix went out, when the next was still bad.
    """
    one = series(lambda minute: 5.0 if ONSET <= minute < FIX + 1 else 1.0)

    assert {row.recovered_at for row in judge(one) if row.baseline == "healthy"} == {at(FIX + 1)}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [((180.0,), "3 min"), ((180.0, 120.0), "2 to 3 min"), ((90.0, 180.0), "90 s to 3 min"), ((10.0, 150.0), "10 s to 3 min")],
)  # fmt: skip
def test_windows_begin_after_what_each_query_looks_back_over(seconds, said):
    """
    Metrics of one change may differ.
    """
    first = judge(series(broken))[0]

    assert settled_after([replace(first, settling_seconds=each) for each in seconds]) == said


def test_a_look_says_normal_of_the_last_sample_only():
    """
    An old sample says nothing of now, and what is better than normal is normal.
    """
    one = measured(series(broken))

    assert read_metric(one, healthy_to=at(ONSET), at=at(FIX + 5)).normal is True
    assert read_metric(one, healthy_to=at(ONSET), at=at(FIX - 5)).normal is False
    assert read_metric(one, healthy_to=at(ONSET), at=at(3_000)).normal is None
    assert read_metric(measured(None), healthy_to=at(ONSET), at=at(5)).normal is None


def test_one_sample_outside_is_no_relapse_and_two_are():
    """
    The instant of recovery is that from which it stays.
    """

    def spiky(length: int):
        return series(lambda minute: 5.0 if FIX + 30 <= minute < FIX + 30 + length else broken(minute))

    assert judge(spiky(1))[3].recovered_at == at(FIX + 2)
    assert judge(spiky(2))[3].recovered_at == at(FIX + 32)
    nothing = recovered_at(None, np.ones(100), None, rising=True, judgement=None, step_seconds=60.0)  # type: ignore[arg-type]
    assert nothing is None


def test_a_burst_half_a_day_later_does_not_put_off_the_recovery():
    """
    A minute's rate, sampled every 15 s, shows one burst four times on end; a day is judged by five minutes.
    """

    def back(seconds: float) -> set[datetime | None]:
        burst = series(
            lambda minute: 5.0 if 0 <= (minute - FIX - 700) * 60 < seconds else broken(minute), step=15
        )
        return {row.recovered_at for row in judge(burst) if (row.window, row.baseline) == ("1d", "healthy")}

    assert back(60) == back(240) == {at(FIX + 2)}
    assert back(360) == {at(FIX + 706)}


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(
        st.sampled_from([0.0, 1.0, -1.0, 1e300, -1e300, float("nan"), float("inf"), float("-inf"), 5e-324]),
        max_size=300,
    ),
    better=st.sampled_from(["lower", "higher", "neither"]),
    query=st.sampled_from([RATE, "x_total", "up"]),
)
def test_no_samples_whatsoever_break_the_rows(values, better, query):
    """
    Degenerate input is answered in words: no exception, and never one metric's verdict without its numbers.
    """
    start = to_ms(at(FIX)) - 60_000 * (len(values) // 2)
    one = replace(
        series(days=0.01, query=query),
        instants_ms=start + 60_000 * np.arange(len(values), dtype=np.int64),
        values=np.array(values, dtype=np.float64),
    )

    found = judge(one, better=better, query=query)

    assert len(found) == 6
    assert all(
        row.verdict in ("no_data", "pending", "not_enough_data") or row.shift is not None for row in found
    )


@given(
    step=st.sampled_from([15, 30, 40, 60, 300]),
    offset=st.integers(0, 10_000),
    minutes=st.integers(1, 300),
)
def test_a_grid_is_of_absolute_multiples(step, offset, minutes):
    """
    Whatever the span asked for, the same instants have the same values.
    """
    one = series(days=0.5, until=400, step=step)
    start = at(-300) + timedelta(seconds=offset)
    end = start + timedelta(minutes=minutes)

    part = on_grid(one, at_least_seconds=60, own_seconds=step, start=start, end=end)
    whole = on_grid(one, at_least_seconds=60, own_seconds=step, start=at(-400), end=at(399))

    assert part.step_ms % 60_000 == 0 or step == 40
    assert part.step_ms % (step * 1000) == 0
    assert part.first_ms % part.step_ms == 0
    np.testing.assert_array_equal(part.values, whole.between(start, end))


def test_a_rollback_reads_as_one():
    """
    In the headline, by the version it went back to.
    """
    found = judge(series(broken), rollback(FIX, version="1"))

    assert headline(found) == "1 day after the rollback to 1: errors (2 min after) back to normal."
    assert isinstance(found[0].deployed_at, datetime)


# ── an incident without a known deploy ───────────────────────────────────────


def ended(minute: float, service: str = "checkout") -> ChangeRow:
    """The end of an incident that no change is known to have ended."""
    return ChangeRow(
        event="declared", kind="incident", status="finished", service=service, environment=None, version="",
        previous=None, sha=None, started_at=None, finished_at=at(minute), at=at(minute), title="",
        evidence=("declared",), sources=(), by=None,
    )  # fmt: skip


def burning(start: float, end: float, **fields) -> MetricSeries:
    """A metric that was five times as bad for a while, sampled every 15 s."""
    return measured(series(lambda m: 5.0 if start <= m < end else 1.0, days=1, until=120, step=15), **fields)


@given(start=st.integers(-5, 5), lasts=st.integers(4, 40), later=st.integers(1, 30))
@settings(max_examples=25, deadline=None)
def test_without_a_deploy_the_samples_say_when_it_was_back(start, lasts, later):
    """
    To the sample, wherever the outage lies; several metrics are back with the last of them.
    """
    onset, back = at(start), at(start + lasts)
    metrics = [burning(start, start + lasts), burning(start, start + lasts / 2)]
    asked = {"onset": onset, "healthy_to": at(start - 15), "over_at": at(start + lasts + later)}

    assert estimate_recovery(metrics, **asked) == back
    assert estimate_onset(metrics, reported_at=at(start + lasts / 2 - 0.5)) == onset


def test_what_never_came_back_or_never_moved_is_judged_at_the_end():
    """
    Nothing is invented: neither a recovery nor, where nothing moved, an onset.
    """
    asked = {"onset": at(0), "healthy_to": at(-15)}
    forever, quiet = burning(0, 500), burning(0, 0)

    assert estimate_recovery([forever, burning(0, 10)], over_at=at(30), **asked) == at(30)
    assert estimate_recovery([forever], over_at=None, **asked) is None
    assert estimate_recovery([quiet], over_at=at(30), **asked) == at(30)
    assert estimate_onset([quiet], reported_at=at(5)) == at(5)


@pytest.mark.parametrize(
    ("end", "over", "verdict", "back"),
    [(20, 20, "recovered", 20), (10, 25, "recovered", 10), (500, 30, "still_degraded", None)],
)
def test_an_incident_is_judged_against_healthy_time_without_a_deploy(end, over, verdict, back):
    """
    One row for each window, of its own kind; the onset and the recovery are those of the samples.
    """
    found = verdict_rows(
        [ended(over)],
        [measured(series(lambda m: 5.0 if 0 <= m < end else 1.0))],
        onset=at(0),
        over_at=at(over),
        others=[],
        incidents=(),
        as_of=at(2_000),
    )

    assert {(row.kind, row.baseline) for row in found} == {("incident", "healthy")}
    assert [row.window for row in found] == ["10m", "1h", "1d"]
    first = found[0]
    assert (first.verdict, first.left_normal_at) == (verdict, at(0))
    assert first.recovered_at == (None if back is None else at(back))
    assert "after the incident" in headline(found)
