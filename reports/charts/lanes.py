"""What lasted: bars between the picture and its clock times, as many lanes as it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reports.charts import shapes
from reports.charts.chart import Chart, ChartInterval
from reports.charts.chart_labels import clock
from reports.charts.labels import fitted, plain, text_width
from reports.charts.shapes import SPAN_LOOKS, Outline, Shape, Words

_LANE = 15.0
_BAR = 12.0
_MOST_LANES = 4
_MOST_WINDOWS = 6
_SIZE = 10.0
_MARGIN = 60.0
_ORDER = {"incident": 0, "alert": 1, "blind": 2, "good": 3, "changed": 3, "worse": 3, "unknown": 3}


def lanes(
    chart: Chart,
    x: Callable[[datetime], float],
    left: float,
    right: float,
    bottom: float,
) -> tuple[list[Shape], float]:
    """Draw each span as a bar with its name and times, and return the height that they take.

    A name stands in its bar, else after it, else before it. Beyond four lanes, and six for windows, bars share
    the last one and have no names.
    """
    inside = [span for span in chart.spans if span.start <= chart.end and span.end >= chart.start]
    most = _MOST_LANES + min(_MOST_WINDOWS, sum(_ORDER[span.kind] == 3 for span in inside))
    taken: list[list[tuple[float, float]]] = []
    placed: list[tuple[int, Outline, Words | None]] = []
    for span in sorted(inside, key=lambda one: (_ORDER[one.kind], one.start, one.end, one.label)):
        low, high = x(span.start), max(x(span.end), x(span.start) + 2)
        text, at, anchor, covers = _name(chart, span, low, high, left, right)
        lane = next(
            (n for n, boxes in enumerate(taken) if all(covers[1] < a or covers[0] > b for a, b in boxes)),
            len(taken),
        )
        crowded = lane >= most
        lane = min(lane, most - 1)
        if lane == len(taken):
            taken.append([])
        taken[lane].append(covers)
        box = [(low, 0.0), (high, 0.0), (high, _BAR), (low, _BAR)]
        bar = Outline([box], fill=SPAN_LOOKS[span.kind][1], closed=True)
        words = Words(at, 9.6, text, _SIZE, anchor=anchor) if text and not crowded else None
        placed.append((lane, bar, words))
    height = len(taken) * _LANE
    found: list[Shape] = []
    for lane, bar, words in placed:
        y = bottom - height + lane * _LANE
        found.append(Outline([[(a, round(y + b, 2)) for a, b in bar.parts[0]]], fill=bar.fill, closed=True))
        if words:
            found.append(Words(words.x, round(y + words.y, 2), words.text, _SIZE, shapes.INK, words.anchor))
    return found, height


def _name(
    chart: Chart, span: ChartInterval, low: float, high: float, left: float, right: float
) -> tuple[str, float, shapes.Anchor, tuple[float, float]]:
    word, label = SPAN_LOOKS[span.kind][0], plain(span.label)
    name = (
        label
        if word in label.lower()
        else f"{word}: {label}"
        if label and span.kind == "blind"
        else f"{word} {label}".rstrip()
    )
    is_window = not word
    times = "" if is_window else f" {clock(chart, span.start)}–{clock(chart, span.end)}"
    for text in (f"{name}{times}", fitted(name, _SIZE, 260)):
        width = text_width(text, _SIZE) + 10
        if width <= high - low:
            return text, low + 5, "start", (low, high)
        if high + width <= right:
            return text, high + 5, "start", (low, high + width)
        if low - width >= left:
            return text, low - 5, "end", (low - width, high)
    if is_window:
        # Its colour alone would say nothing: on a narrow picture the name stands over the bar and beside it.
        edge = right + _MARGIN
        text = fitted(name, _SIZE, edge - left - 10)
        at = max(left, min(low, edge - text_width(text, _SIZE) - 10))
        return text, at + 5, "start", (min(low, at), max(high, at + text_width(text, _SIZE) + 10))
    return "", low, "start", (low, high)
