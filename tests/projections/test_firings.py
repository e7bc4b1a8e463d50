"""When an alert fires: as a plain step-by-step evaluator says, and as the real Prometheus does."""

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from projections.firings import ENDINGS, firings_of, gaps, overlap_ms, united
from tests.servers.process import program

OPERATORS = (">", ">=", "<", "<=", "==", "!=")
COMPARE = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
STEP = 15.0


def found(seconds, values, *, operator=">", threshold=0.5, for_seconds=0.0, step_seconds=STEP):
    """Each firing as (pending, from, to, ending) in seconds."""
    instants = np.array([round(second * 1000) for second in seconds], np.int64)
    fired = firings_of(
        instants,
        np.array(values, np.float64),
        gaps(instants, step_seconds),
        operator=operator,
        threshold=threshold,
        for_ms=round(for_seconds * 1000),
    )
    return [
        (pending / 1000, begins / 1000, ends / 1000, ENDINGS[ending])
        for pending, begins, ends, ending in zip(
            fired["pending_ms"], fired["from_ms"], fired["to_ms"], fired["ending"], strict=True
        )
    ]


def every(step, values):
    return [n * step for n in range(len(values))], values


def naive(seconds, values, operator, threshold, for_seconds):
    """Go through the samples one by one, as rules/alerting.go does through its evaluations."""
    firings = []
    active = fired = last = None
    for now, value in zip(seconds, values, strict=True):
        if active is not None and now - last > 300:
            if fired is not None:
                firings.append((active, fired, last, "stale"))
            active = fired = None
        if COMPARE[operator](value, threshold):
            active = now if active is None else active
            if fired is None and now - active >= for_seconds:
                fired = now
        else:
            if fired is not None:
                firings.append((active, fired, now, "resolved"))
            active = fired = None
        last = now
    if fired is not None:
        firings.append((active, fired, last, "still_firing"))
    return firings


@hypothesis_settings(deadline=None)
@given(
    samples=st.lists(
        st.tuples(
            st.sampled_from((15, 15, 15, 30, 300, 301, 900)),
            st.sampled_from((0.0, 1.0, 1.0, 2.0, float("nan"), float("inf"), float("-inf"))),
        ),
        max_size=40,
    ),
    operator=st.sampled_from(OPERATORS),
    for_seconds=st.sampled_from((0, 15, 20, 60, 120)),
)
def test_firings_are_those_of_an_evaluator_that_goes_step_by_step(samples, operator, for_seconds):
    """
    They never overlap, are in order, and each was pending for as long as it must.
    """
    seconds = np.cumsum([gap for gap, _ in samples]).tolist()
    values = [value for _, value in samples]

    fired = found(seconds, values, operator=operator, threshold=1.0, for_seconds=for_seconds)

    assert fired == naive(seconds, values, operator, 1.0, for_seconds)
    assert all(begins - pending >= for_seconds for pending, begins, _, _ in fired)
    assert all(ends >= begins for _, begins, ends, _ in fired)
    assert all(one[2] <= other[0] for one, other in pairwise(fired))


def test_it_fires_once_it_was_true_for_long_enough():
    """
    Two minutes after the first sample that was true, not after the last that was false.
    """
    assert found(*every(15, [0] + [1] * 9 + [0]), for_seconds=120) == [(15, 135, 150, "resolved")]
    assert found(*every(15, [0] + [1] * 8 + [0]), for_seconds=120) == []


def test_one_sample_that_is_false_begins_the_wait_anew():
    """
    As Prometheus forgets what was pending.
    """
    assert found(*every(15, [1] * 8 + [0] + [1] * 8), for_seconds=120) == []


def test_nan_is_true_of_unequal_only():
    """
    PromQL compares as Go does, which is IEEE 754; promtool says the same below.
    """
    values = [float("nan")] * 3
    firing = {operator for operator in OPERATORS if found(*every(15, values), operator=operator)}

    assert firing == {"!="}


def test_the_mark_for_the_end_of_a_series_is_no_value():
    """
    It is a NaN too, but one that says: there is nothing.
    """
    mark = np.array([0x7FF0000000000002]).view(np.float64)[0]

    assert found(*every(15, [1.0, mark, 1.0]), operator="!=", threshold=0.0) == [
        (0, 0, 15, "resolved"),
        (30, 30, 30, "still_firing"),
    ]


@pytest.mark.parametrize(("gap", "count"), [(300, 1), (301, 2)])
def test_more_than_five_minutes_without_samples_end_an_alert(gap, count):
    """
    So long does Prometheus let a sample stand for the present.
    """
    assert len(found([0, 15, 15 + gap, 30 + gap], [1, 1, 1, 1])) == count


def test_history_at_five_minutes_is_no_row_of_gaps():
    """
    One sample may be missing there, two may not; beside samples at 15 s nothing changes for those.
    """
    coarse = [n * 300 for n in range(10)]
    without_one = [second for second in coarse if second != 1500]
    without_two = [second for second in coarse if second not in (1500, 1800)]
    fine = [2700 + n * 15 for n in range(1, 40)]
    for seconds, count in ((coarse, 1), (without_one, 1), (without_two, 2), (coarse + fine, 1)):
        assert len(found(seconds, [1] * len(seconds), step_seconds=300)) == count

    holed = coarse + [second for second in fine if not 2900 < second <= 3220]
    assert len(found(holed, [1] * len(holed), step_seconds=300)) == 2


def test_a_lone_sample_between_two_long_gaps_is_not_a_step_of_its_own():
    """
    Distances count only up to the step that was asked for.
    """
    assert len(found([0, 15, 3615, 7215, 7230], [1] * 5)) == 3


def test_for_on_coarse_samples_is_rounded_up_to_them():
    """
    Nobody knows what was between.
    """
    assert found(*every(300, [0, 1, 1, 0]), for_seconds=120, step_seconds=300) == [
        (300, 600, 900, "resolved")
    ]
    assert found(*every(300, [0, 1, 0]), for_seconds=120, step_seconds=300) == []


@pytest.mark.parametrize(("operator", "peak"), [(">", 9.0), ("<", 1.0), ("!=", 9.0)])
def test_the_peak_is_the_value_furthest_on_the_alerts_side(operator, peak):
    """
    From the first sample that was true, so that what led to the firing is in it; NaN is none.
    """
    instants = np.arange(6, dtype=np.int64) * 15_000
    values = np.array([5.0, 1.0, 9.0, np.nan, 5.0, 5.0])
    threshold = {">": 0.0, "<": 10.0, "!=": 0.0}[operator]
    fired = firings_of(instants, values, gaps(instants, 15), operator=operator, threshold=threshold, for_ms=0)

    assert fired["peak"][0] == peak


def test_spans_are_joined_and_measured():
    """
    Two series of one hour are one hour.
    """
    spans = united(np.array([[50, 60], [0, 10], [5, 20], [20, 30]], np.int64))

    assert spans.tolist() == [[0, 30], [50, 60]]
    assert overlap_ms(spans, 25, 55) == 10
    assert overlap_ms(np.empty((0, 2), np.int64), 0, 10) == 0


# ── the real one ─────────────────────────────────────────────────────────────

COUNT = 400


def history(seed):
    """Values that come and go, with NaN, a short hole and one of more than five minutes."""
    chance = np.random.default_rng(seed)
    values = np.repeat(chance.choice([0.0, 1.0, 2.0], 80), 1 + chance.integers(0, 12, 80))[:COUNT]
    values[chance.integers(0, COUNT, 6)] = np.nan
    held = np.ones(COUNT, bool)
    held[100:108] = False
    held[200:230] = False
    # Whatever was pending or firing before the long hole would have to begin anew.
    values[95:112] = values[180:245] = 2.0
    return values, held


def test_prometheus_fires_at_the_same_instants(tmp_path: Path):
    """
    promtool evaluates real rules on the same series, at each sample, and finds each alert just when we do.
    """
    promtool = program("prometheus", "promtool")
    rules, tests, instants = [], [], []
    series = {"a": history(1), "b": history(2)}
    for number, (operator, held_for) in enumerate((o, f) for o in OPERATORS for f in (0, 50, 120)):
        name = f"Alert{number}"
        rules.append({"alert": name, "expr": f"m {operator} 1", "for": f"{held_for}s"})
        spans = []
        for pod, (values, held) in series.items():
            at = np.flatnonzero(held) * STEP
            spans += [
                (pod, begins, ends if ending == "resolved" else ends + 1)
                for _, begins, ends, ending in found(
                    at.tolist(), values[held], operator=operator, threshold=1.0, for_seconds=held_for
                )
            ]
        instants += [begins for _, begins, _ in spans]
        for step in np.flatnonzero(series["a"][1]).tolist():
            firing = [
                {"exp_labels": {"pod": pod}} for pod, begins, ends in spans if begins <= step * 15 < ends
            ]
            tests.append({"eval_time": f"{step * 15}s", "alertname": name, "exp_alerts": firing})
    written = [
        {
            "series": f'm{{pod="{pod}"}}',
            "values": " ".join(str(v) if h else "_" for v, h in zip(values, held, strict=True)),
        }
        for pod, (values, held) in series.items()
    ]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    # JSON is YAML.
    asked = {"interval": "15s", "input_series": written, "alert_rule_test": tests}
    (tmp_path / "tests.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [asked]})
    )

    said = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, (said.stdout + said.stderr)[:2000]
    assert len(instants) > 100
