"""Comparisons joined by and, or: how they are read, and that they fire when the real Prometheus does."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from projections.composite_alert import read, watch_all
from projections.samples import Series
from tests.servers.process import program
from tracker.errors import UsageError

STEP = 15


def series(metric: str, values, *, step: float = STEP, unit=None, instants=None, **labels: str) -> Series:
    """A sample every 15 s from 1970 on."""
    held = np.arange(len(values), dtype=np.int64) * round(step * 1000) if instants is None else instants
    return Series(
        service="checkout",
        metric=metric,
        unit=unit,
        query=metric,
        labels=labels,
        step_seconds=step,
        source="prometheus",
        instants_ms=held,
        values=np.array(values, np.float64),
        captured=(),
        last_recorded_at=datetime(2026, 4, 1, tzinfo=UTC),
    )


def fired(text: str, *held: Series) -> list[tuple[dict[str, str], float, float]]:
    """The labels, the begin and the end in seconds of each firing."""
    by_metric: dict[str, list[Series]] = {}
    for each in held:
        by_metric.setdefault(each.metric, []).append(each)
    found = watch_all(read(text), "checkout", by_metric, units={})
    return [
        (found.labels[number], begins / 1000, ends / 1000)
        for number, begins, ends in zip(
            found.firings.series, found.firings.from_ms, found.firings.to_ms, strict=True
        )
    ]


def test_and_goes_before_or_and_one_for_holds_for_the_whole():
    """
    Blanks and capitals do not matter.
    """
    alert = read(" a > 1%  AND b < 2s or c == 3  for 2m ")

    assert [[each.metric for each in side] for side in alert.alternatives] == [["a", "b"], ["c"]]
    assert (alert.text, alert.for_seconds) == ("a > 1% AND b < 2s or c == 3 for 2m", 120)
    assert alert.metrics == ("a", "b", "c")
    assert read("a > 1 for 2m").is_single


@pytest.mark.parametrize(
    ("text", "what", "better"),
    [
        ("a > 1 and", "character 10: a comparison is missing", "on both sides"),
        ("or a > 1", "character 1: a comparison is missing", "on both sides"),
        ("a > 1 and or b > 1", "character 10: a comparison is missing", "on both sides"),
        ("a > 1 unless b > 1", "'unless' is not read", "and, or"),
        ("(a > 1 or b > 1) and c > 1", "parentheses are not read", "tracker backtest 'a > 1 or b > 1 and c > 1'"),
        ("(a > 1)", "parentheses are not read", "tracker backtest 'a > 1'"),
        ("a > 1 for 2m or b > 1", "character 7: 'for' stands once", "tracker backtest 'a > 1 or b > 1 for 2m'"),
        ("a > 1 for 2m or b > 1 for 1m", "'for' stands once", "tracker backtest 'a > 1 or b > 1 for 1m'"),
        ("a > 1 and b = 2 for 1m", "'=' is no comparison", "tracker backtest 'a > 1 and b == 2 for 1m'"),
        ("a > 1 and b", "there is no comparison", "tracker backtest 'a > 1 and b > 0.01 for 2m'"),
        ("rate(a[1m]) > 1 and b > 1", "PromQL is not evaluated", "tracker.toml"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_whole_to_type(text, what, better):
    """
    The other comparisons are not lost from what is proposed.
    """
    with pytest.raises(UsageError) as refused:
        read(text)

    assert what in refused.value.message
    assert better in (refused.value.hint or "")


def test_a_metric_that_is_not_there_leaves_only_what_is_certain():
    """
    False and unknown is false, true or unknown is true; the rest is no time that has samples.
    """
    a = series("a", [5, 5, 0], instants=np.array([0, 400_000, 415_000], np.int64))
    b = series("b", [5, 5], instants=np.array([0, 15_000], np.int64))

    both, either = (
        watch_all(read(f"a > 1 {word} b > 1"), None, {"a": [a], "b": [b]}, units={}) for word in ("and", "or")
    )

    # At 400 s b is long gone: true beside it says nothing of both, and all of either.
    assert both.firings.from_ms.tolist() == [0]
    assert both.covered_ms.tolist() == [[0, 15_000], [415_000, 415_000]]
    assert either.firings.from_ms.tolist() == [0, 400_000]


def test_series_of_the_same_labels_meet_and_others_meet_any():
    """
    Pod a fails and pod b is slow: as in PromQL, no pod is both. Where labels differ, one is enough.
    """
    failing = (series("e", [5, 5], pod="a"), series("e", [0, 0], pod="b"))
    slow = (series("l", [0, 0], pod="a"), series("l", [5, 5], pod="b"))

    assert fired("e > 1 and l > 1", *failing, *slow) == []
    assert [labels for labels, _, _ in fired("e > 1 or l > 1", *failing, *slow)] == [
        {"pod": "a"},
        {"pod": "b"},
    ]
    assert [labels for labels, _, _ in fired("e > 1 and l > 1", *failing, series("l", [5, 5]))] == [{}]


def test_one_metric_twice_is_a_band():
    """
    Above one number and below another, for each series by itself.
    """
    held = (series("a", [0, 2, 9, 2], pod="a"), series("a", [9, 9, 0, 0], pod="b"))

    assert [(labels["pod"], begins) for labels, begins, _ in fired("a > 1 and a < 5", *held)] == [
        ("a", 15.0),
        ("a", 45.0),
    ]


def test_a_number_in_another_unit_is_refused():
    """
    Each comparison is in its own metric's unit.
    """
    held = {"a": [series("a", [1], unit="ratio")], "b": [series("b", [1], unit="seconds")]}

    assert watch_all(read("a > 1% and b > 500ms"), None, held, units={}).firings.from_ms.tolist() == [0]
    with pytest.raises(UsageError, match="has the unit seconds"):
        watch_all(read("a > 1% and b > 1%"), None, held, units={})


def test_prometheus_fires_at_the_same_instants(tmp_path: Path):
    """
    promtool evaluates the same rules on the same series, two pods each, and finds each alert just when we do.
    """
    promtool = program("prometheus", "promtool")
    chance = np.random.default_rng(11)
    count = 200
    held = [
        series(metric, np.repeat(chance.choice([0.0, 1.0, 2.0], 60), 1 + chance.integers(0, 7, 60))[:count], pod=pod)
        for metric in "abc"
        for pod in ("x", "y")
    ]  # fmt: skip
    rules, tests, begun = [], [], 0
    expressions = ("a > 1 and b > 0", "a > 1 or b > 1", "a > 1 and b > 0 or c == 2", "a > 0 and a < 2", "a != 1 or b <= 0 and c > 0")  # fmt: skip
    for number, (text, seconds) in enumerate((t, s) for t in expressions for s in (0, 50)):
        rules.append({"alert": f"Alert{number}", "expr": text, "for": f"{seconds}s"})
        spans = fired(f"{text} for {seconds}s", *held)
        begun += len(spans)
        for at in range(0, count * STEP - STEP, STEP):
            firing = [{"exp_labels": labels} for labels, begins, ends in spans if begins <= at < ends]
            tests.append({"eval_time": f"{at}s", "alertname": f"Alert{number}", "exp_alerts": firing})
    written = [
        {"series": f'{each.metric}{{pod="{each.labels["pod"]}"}}', "values": " ".join(map(str, each.values))}
        for each in held
    ]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    asked = {"interval": f"{STEP}s", "input_series": written, "alert_rule_test": tests}
    (tmp_path / "tests.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP}s", "tests": [asked]})
    )

    said = subprocess.run(
        [promtool, "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, (said.stdout + said.stderr)[:2000]
    assert begun > 100
