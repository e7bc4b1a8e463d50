"""Pictures come out the same, leave nothing out that matters, and cover nothing up."""

import itertools
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.charts import Band, Chart, ChartInterval, Line, Mark, draw
from reports.charts.axes import time_ticks, value_axis
from reports.charts.curves import MOST_POINTS, strokes
from reports.charts.labels import text_width
from reports.charts.layout import NARROW, WIDTH, Layout
from reports.charts.shapes import LOOKS, Outline, Words
from reports.numbers import six_digits, with_unit
from tracker.times import from_ms, to_ms

GOLDEN = Path(__file__).parent / "golden" / "error_ratio.svg"
START = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def line(values: list[float], step_seconds: float = 60.0, label: str = "error_ratio") -> Line:
    first = to_ms(START)
    instants = np.arange(len(values), dtype=np.int64) * int(step_seconds * 1000) + first
    return Line(label, instants, np.array(values, np.float64), step_seconds)


def chart(*lines: Line, minutes: float = 30, **more: object) -> Chart:
    return replace(Chart("checkout: error_ratio", "ratio", START, at(minutes), lines), **more)


def incident() -> Chart:
    return chart(
        line([0.002] * 6 + [0.04, 0.12, 0.118] + [0.12] * 9 + [0.002] * 12),
        marks=(
            Mark(at(5), "deploy", "v1.2.0"),
            Mark(at(8), "alert", "ErrorRateHigh"),
            Mark(at(17), "fix", "v1.2.1"),
            Mark(at(20), "resolved"),
        ),
        spans=(
            ChartInterval(at(6), at(20), "incident", "INC-42"),
            ChartInterval(at(26), at(28), "blind", "prometheus"),
        ),
        threshold=0.01,
    )


def texts(svg: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def curves(layout: Layout) -> list[Outline]:
    return [shape for shape in layout.shapes if isinstance(shape, Outline) and shape.width in (1.6, 3.0)]


def test_the_golden_picture():
    """
    A reader sees when it began, which deploy, and when the fix came. Write it anew with:
    GOLDEN=write .venv/bin/python -m pytest tests/reports/test_charts.py
    """
    drawn = draw(incident())
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_bytes(drawn)

    assert drawn.decode() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_drawing_twice_gives_the_same_bytes(kind):
    """
    Nothing is kept between two drawings.
    """
    one = draw(incident(), format=kind)
    draw(chart(line([1.0]), unit="bytes"), format=kind)

    assert draw(incident(), format=kind) == one


def test_nothing_of_the_users_machine_reaches_the_picture(tmp_path):
    """
    Zone, language, seed, home and a wild matplotlibrc change no byte.
    """
    (tmp_path / "matplotlibrc").write_text(
        "figure.facecolor: black\nfont.size: 30\nlines.linewidth: 9\nsvg.fonttype: path\nsavefig.dpi: 10\n"
        "text.usetex: True\npath.sketch: 1, 100, 2\nsavefig.bbox: tight\nfigure.autolayout: True\n"
    )
    code = (
        "import sys, hashlib; sys.path[:0] = ['.', 'tests/reports']; import test_charts as t;"
        "print(*[hashlib.sha256(t.draw(t.incident(), format=f)).hexdigest() for f in ('svg', 'png')])"
    )
    environments = [
        {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {
            "TZ": "Asia/Kathmandu",
            "LC_ALL": "de_DE.UTF-8",
            "LANG": "de_DE.UTF-8",
            "PYTHONHASHSEED": "2",
            "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
            "HOME": str(tmp_path),
            "MPLCONFIGDIR": str(tmp_path),
            "MPLBACKEND": "pdf",
            "SOURCE_DATE_EPOCH": "1",
        },
    ]
    root = Path(__file__).parents[2]
    answers = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PATH": os.environ["PATH"]} | environment,
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for environment in environments
    ]

    assert answers[0] == answers[1]


def test_marks_and_spans_may_come_in_any_order():
    """
    What the picture shows does not depend on how a set was walked.
    """
    given = incident()

    turned = replace(given, marks=given.marks[::-1], spans=given.spans[::-1])

    assert draw(turned) == draw(given)


def test_the_svg_is_plain_xml_with_text_and_short_numbers():
    """
    Text can be searched and read aloud, and nothing in it collides with a second picture on one page.
    """
    svg = draw(incident())

    root = ElementTree.fromstring(svg)
    assert root.findtext(f"{SVG}title") == "checkout: error_ratio"
    assert "highest 12 % at 14:07" in (root.findtext(f"{SVG}desc") or "")
    assert {"14:05 deploy v1.2.0", "14:17 fix v1.2.1", "limit 1 %", "2026-03-01", "UTC"} <= set(texts(svg))
    assert not re.search(rb"\d\.\d{3}|\bid=|url\(|<style|style=|<!DOCTYPE|[Mm]atplotlib", svg)


def test_the_text_stands_where_it_was_laid_out():
    """
    No font metric has moved it on its way through matplotlib.
    """
    layout = Layout(incident())

    wanted = [(w.text, w.x, w.y) for w in layout.shapes if isinstance(w, Words)]
    drawn = [
        (e.text, float(e.attrib["x"]), float(e.attrib["y"]))
        for e in ElementTree.fromstring(draw(incident())).iter(f"{SVG}text")
    ]

    assert [text for text, _, _ in drawn] == [text for text, _, _ in wanted]
    for (_, x, y), (_, wanted_x, wanted_y) in zip(drawn, wanted, strict=True):
        assert (x, y) == pytest.approx((wanted_x, wanted_y), abs=0.011)


def test_a_gap_is_drawn_as_a_gap():
    """
    The line is broken where samples are missing and where they are no numbers, and one alone is a dot.
    """
    values = line([0.1] * 30)
    keep = np.ones(30, bool)
    keep[10:13] = False
    values = Line("x", values.instants_ms[keep], values.values[keep].copy(), 60.0)
    values.values[[17, 19]] = [float("nan"), float("inf")]

    stroke, dots = curves(Layout(chart(values)))

    assert [len(part) for part in stroke.parts] == [10, 7, 7]
    assert len(dots.parts) == 1


def test_a_step_and_a_half_is_no_gap_yet():
    """
    A scrape that came late is not a hole.
    """
    late = Line("x", np.array([0, 60_000, 150_000, 240_001]) + to_ms(START), np.ones(4), 60.0)

    assert [len(instants) for instants, _ in strokes(late, START, at(30), 700)] == [3, 1]


def test_a_spike_survives_thinning():
    """
    Of a day at 15 s a single sample that stands out is still seen, up or down.
    """
    values = [0.5 + 0.01 * (n % 7) for n in range(5760)]
    values[1234], values[4321] = 0.9, 0.1

    [(instants, kept)] = strokes(line(values, 15), START, at(1440), 684)

    assert len(kept) <= MOST_POINTS
    assert kept.max() == 0.9
    assert kept.min() == 0.1
    assert np.all(np.diff(instants) > 0)
    assert to_ms(START) + 1234 * 15_000 in instants


def test_a_day_at_15_seconds_full_of_holes_stays_small():
    """
    Every second sample is no number: still at most some 150 kB.
    """
    holes = [float("nan") if n % 2 else 0.1 + 0.001 * (n % 100) for n in range(5760)]

    assert len(draw(chart(line(holes, 15), minutes=1440))) < 150_000
    assert len(draw(chart(line([0.1 + 0.001 * (n % 97) for n in range(5760)], 15), minutes=1440))) < 60_000


def test_no_samples_say_so():
    """
    An empty picture is an answer, not a zero.
    """
    for empty in (
        chart(),
        chart(line([])),
        chart(line([float("nan")] * 5)),
        chart(line([1.0]), start=at(10)),
    ):
        assert "no samples were recorded in this span" in texts(draw(empty))


def collisions(layout: Layout) -> list[tuple[str, str]]:
    """Name pairs of labels that overlap, and of labels that another mark's line runs through."""
    found = []
    shown = [label.flag for label in layout.labels]
    for one, other in itertools.permutations(shown, 2):
        if one.row == other.row and one.left < other.right and other.left < one.right:
            found.append((one.text, other.text))
        low, high = (one.left, one.x - 8) if one.leftward else (one.x + 8, one.right)
        if one.row < other.row and low < other.x < high:
            found.append((one.text, f"the line of {other.text}"))
    return found


def test_four_marks_within_two_minutes_do_not_overlap():
    """
    The earliest stands highest, so that they read downwards.
    """
    marks = (
        Mark(at(35), "deploy", "v1.2.0"),
        Mark(at(35.5), "alert", "ErrorRateHigh on all pods"),
        Mark(at(36), "rollback", "v1.1.9"),
        Mark(at(37), "fix", "v1.2.1"),
    )

    layout = Layout(chart(minutes=90, marks=marks))

    assert collisions(layout) == []
    assert [label.flag.row for label in layout.labels] == [4, 3, 2, 1]


any_mark = st.builds(
    Mark,
    at=st.integers(0, 3600).map(lambda seconds: START + timedelta(seconds=seconds)),
    kind=st.sampled_from(sorted(LOOKS)),
    label=st.text(max_size=60),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(any_mark, max_size=30), st.sampled_from([WIDTH, NARROW]))
def test_every_mark_has_a_label_that_overlaps_none_and_stays_in_the_picture(marks, width):
    """
    However many, however close, however long their names, on a desk and on a phone.
    """
    layout = Layout(chart(line([0.1] * 60), minutes=60, marks=tuple(marks)), width)

    assert collisions(layout) == []
    assert layout.bottom - layout.top >= 120
    assert sorted(mark.at for label in layout.labels for mark in label.marks) == sorted(
        mark.at for mark in marks
    )
    for label in layout.labels:
        assert len({mark.kind for mark in label.marks}) == 1
        assert 0 <= label.flag.left <= label.flag.right <= width
        assert label.flag.row >= 1
        assert label.text
    for shape in layout.shapes:
        if isinstance(shape, Words):
            wide = text_width(shape.text, shape.size)
            start = shape.x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor]
            assert start >= 0
            assert start + wide <= width
            assert 0 < shape.y < layout.height


def test_marks_too_close_for_a_label_each_share_one():
    """
    It counts and names them; the fix among them keeps its own.
    """
    marks = [Mark(at(10 + n / 60), "deploy", f"v{n}") for n in range(30)]

    svg = draw(chart(line([0.1] * 30), marks=(*marks, Mark(at(10.6), "fix", "v99"))))

    assert "14:10 fix v99" in texts(svg)
    shared = [match for text in texts(svg) if (match := re.match(r"14:10 (\d+) deploys v\d+, v\d+", text))]
    assert sum(int(match[1]) for match in shared) == len(marks)


def test_every_kind_of_mark_differs_without_colour():
    """
    Letter, badge and dash each tell them apart.
    """
    for feature in ("letter", "badge", "dash"):
        assert len({getattr(look, feature) for look in LOOKS.values()}) == len(LOOKS)


def test_labels_of_any_text_make_valid_xml():
    """
    Formulas stay dollars, and control characters are blanks.
    """
    svg = draw(
        chart(
            line([1.0, 2.0]), title="a < b & \x00 $x^2$ \ud800", marks=(Mark(at(3), "alert", "警報\n\x1b"),)
        )
    )

    assert "a < b & $x^2$ �" in texts(svg)
    assert "14:03 alert 警報" in texts(svg)


def test_a_legend_only_where_there_is_something_to_tell_apart():
    """
    Eight lines have names; the others are counted.
    """
    many = tuple(line([float(n)] * 30, label=f"pod-{n}") for n in range(11))

    assert "error_ratio" not in texts(draw(chart(line([0.1] * 30))))
    assert [text for text in texts(draw(chart(*many))) if text.startswith(("pod", "and"))] == [
        *(f"pod-{n}" for n in range(8)),
        "and 3 more",
    ]


def test_the_expected_band_is_drawn_and_named():
    """
    Room for the judge's expected level and natural swing.
    """
    values = line([0.1] * 30)
    band = Band(values.instants_ms, values.values * 0.8, values.values * 1.2, "expected and natural swing")

    assert "expected and natural swing" in texts(draw(chart(values, band=band)))


def test_clock_times_are_those_of_the_zone():
    """
    Through the end of summer time too, where 02:00 comes twice.
    """
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)

    ticks = time_ticks(start, start + timedelta(hours=6), berlin)

    assert [tick.clock for tick in ticks] == ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00", "05:00"]
    assert ticks[0].date == "2026-10-25"


def test_clock_times_are_round_where_a_zone_is_off_by_quarters():
    """
    Kathmandu's clocks are 5:45 ahead.
    """
    ticks = time_ticks(START, at(60), ZoneInfo("Asia/Kathmandu"))

    assert [tick.clock for tick in ticks] == ["19:50", "20:00", "20:10", "20:20", "20:30", "20:40"]


@pytest.mark.parametrize(
    "seconds", [10, 90, 600, 720, 1200, 1800, 3600, 5400, 10000, 86400, 7 * 86400, 30 * 86400, 400 * 86400]
)
def test_ticks_are_few_and_the_first_has_a_date(seconds):
    """
    From ten seconds to more than a year.
    """
    ticks = time_ticks(START, START + timedelta(seconds=seconds), UTC)

    assert 4 <= len(ticks) <= 10
    assert ticks[0].date
    assert len({later.at - sooner.at for sooner, later in itertools.pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (0.002, 0.12, "ratio", ["0 %", "5 %", "10 %", "15 %"]),
        (0.281, 0.412, "seconds", ["250 ms", "300 ms", "350 ms", "400 ms", "450 ms"]),
        (3.0 * 2**30, 3.29 * 2**30, "bytes", ["3 GiB", "3.1 GiB", "3.2 GiB", "3.3 GiB"]),
        (10, 95, "per_second", ["0/s", "20/s", "40/s", "60/s", "80/s", "100/s"]),
        (0, 0, "count", ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (-3, 4, None, ["−4", "−2", "0", "2", "4"]),
    ],
)
def test_value_ticks_are_round_numbers_with_their_unit(low, high, unit, labels):
    """
    A reader in a hurry reads units that people say.
    """
    assert [label for _, label in value_axis(low, high, unit).ticks] == labels


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_any_two_values_have_an_axis(one, other):
    """
    The axis holds both, with at most six digits on each tick.
    """
    low, high = sorted((six_digits(one), six_digits(other)))
    axis = value_axis(low, high, None)

    assert 2 <= len(axis.ticks) <= 9
    assert axis.low <= low or axis.low == pytest.approx(low)
    assert high <= axis.high or high == pytest.approx(axis.high)


def test_numbers_have_six_digits_before_they_are_drawn():
    """
    The last bit of a float, which processors may disagree on, is not seen.
    """
    values = [0.123456789, 0.2, 1 / 3]

    assert six_digits(0.123456789) == 0.123457
    assert draw(chart(line(values))) == draw(chart(line([six_digits(value) for value in values])))
    assert draw(chart(line([0.1 + 0.2, 0.6]))) == draw(chart(line([0.3, 0.6])))


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0235, "ratio", "2.35 %"),
        (0.412, "seconds", "412 ms"),
        (2.5, "seconds", "2.5 s"),
        (0, "seconds", "0 s"),
        (3.5 * 2**30, "bytes", "3.5 GiB"),
        (120, "per_second", "120/s"),
        (1_234_567.0, "count", "1234.57 k"),
        (97.3, "percent", "97.3 %"),
        (-0.5, None, "−0.5"),
        (float("nan"), "ratio", "no number"),
    ],
)
def test_a_number_is_said_with_its_unit(value, unit, words):
    """
    In pictures and in sentences alike.
    """
    assert with_unit(value, unit) == words


def test_a_limit_far_away_does_not_press_the_line_flat():
    """
    An arrow points to it instead.
    """
    assert "↑ limit 90 %" in texts(draw(chart(line([0.001, 0.002]), threshold=0.9)))


def test_a_chart_without_width_is_a_bug():
    """
    Nothing could be drawn in it.
    """
    with pytest.raises(ValueError, match="no width"):
        Chart("x", None, START, START)


def test_instants_come_back_from_the_axis():
    """
    What lies outside stands on the edge.
    """
    layout = Layout(chart())

    assert (layout.x(START), layout.x(at(30)), layout.x(at(99))) == (68.0, 752.0, 752.0)
    assert layout.x(from_ms(to_ms(at(15)))) == 410.0
