"""The windows of verdicts as bars of a picture: their words say what their colour says."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.comparison import VerdictRow
from reports.charts import NARROW, Chart, Line
from reports.charts.layout import WIDTH, Layout
from reports.charts.shapes import Outline, Words
from reports.sections.windows import window_bars
from tests.builders import at

METRIC = SimpleNamespace(service="checkout", name="error_ratio")
LENGTHS = {"10m": 10, "1h": 60, "1d": 24 * 60}


def verdict(window="10m", word="recovered", minute=10.0, **fields):
    usual = {
        "change": f"deploy-{minute}",
        "kind": "deploy",
        "service": "checkout",
        "version": "v1.4.3",
        "begins_at": at(minute),
        "deployed_at": at(minute),
        "metric": "error_ratio",
        "unit": "ratio",
        "window": window,
        "baseline": "healthy",
        "verdict": word,
        "settling_seconds": 0.0,
        "window_from": at(minute),
        "window_to": at(minute) + timedelta(minutes=LENGTHS[window]),
        "provisional": window == "10m",
        "query": None,
    }
    return VerdictRow(**{**usual, **fields})


def bars(*rows):
    return window_bars(SimpleNamespace(verdicts=rows), METRIC, at(0), at(90))


def test_each_window_has_its_verdict_in_words():
    """
    A day's window ends when it ends, not with the picture.
    """
    found = bars(verdict("10m"), verdict("1h", "still_degraded"), verdict("1d", "pending"))

    assert [(bar.kind, bar.label) for bar in found] == [
        ("good", "10 minutes after v1.4.3: back to normal (provisional)"),
        ("worse", "1 hour after v1.4.3: still degraded"),
        ("unknown", "1 day after v1.4.3: pending"),
    ]
    assert found[2].end == at(10) + timedelta(days=1)


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        # With healthy time to compare with, the time before the change says nothing more.
        (
            [verdict("1h", "improved", baseline="before_change"), verdict("1h", "partly_recovered")],
            ["1 hour after v1.4.3: only partly recovered"],
        ),
        (
            [verdict("1h", "improved", baseline="before_change"), verdict("1h", "no_data")],
            ["1 hour after v1.4.3: better"],
        ),
        # Several series of one metric: the bar says each of their verdicts.
        (
            [verdict("1h", metric="error_ratio{a=1}"), verdict("1h", "regressed", metric="error_ratio{a=2}")],
            ["1 hour after v1.4.3: back to normal, worse"],
        ),
        # Cut by the next deploy, an hour and a day are the same window.
        (
            [verdict(one, "regressed", cut_by="v1.4.4", window_to=at(30)) for one in ("1h", "1d")],
            ["After v1.4.3, until v1.4.4: worse"],
        ),
        # Only the last two changes, and nothing of another metric or service.
        (
            [verdict("1h", minute=minute, version=f"v{minute}") for minute in (1, 2, 3)]
            + [verdict(metric="latency"), verdict(service="search")],
            ["1 hour after v2: back to normal", "1 hour after v3: back to normal"],
        ),
        ([verdict("1h", minute=200), verdict("10m", minute=-60)], []),
    ],
)
def test_what_a_bar_says(rows, labels):
    assert [bar.label for bar in bars(*rows)] == labels


@given(
    st.lists(st.tuples(st.sampled_from([*LENGTHS]), st.floats(0, 89)), min_size=1, max_size=6),
    st.sampled_from([WIDTH, NARROW]),
)
def test_no_bar_is_without_words(windows, width):
    """
    Wide or narrow: colour alone would tell nobody who cannot see it, and nobody on paper.
    """
    chart = Chart(
        title="Failed requests",
        unit="ratio",
        start=at(0),
        end=at(90),
        lines=(Line("x", np.array([0]), np.array([0.0]), 15.0),),
        spans=tuple(bars(*(verdict(window, minute=minute) for window, minute in windows))),
    )

    layout = Layout(chart, width)
    said = [
        shape.text for shape in layout.shapes if isinstance(shape, Words) and "after v1.4.3" in shape.text
    ]
    colored = [shape for shape in layout.shapes if isinstance(shape, Outline) and shape.fill == "#b9e2cf"]

    assert len(said) == len(colored) == len(chart.spans)
    assert all(span.label in layout.description for span in chart.spans)
