"""A chart to shapes: every place is computed here, by arithmetic alone, and rounded.

No font is measured and nothing is fitted afterwards, so the same chart is the same
picture on every machine. How shapes become bytes is `render`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from reports.charts import shapes
from reports.charts.axes import ValueAxis, time_ticks, value_axis
from reports.charts.chart import Chart, Mark
from reports.charts.chart_labels import EMPTY, description
from reports.charts.curves import finite_within, strokes
from reports.charts.labels import fitted, plain, text_width
from reports.charts.lanes import lanes
from reports.charts.legend import Entry, legend
from reports.charts.mark_groups import label_marks
from reports.charts.shapes import LINE_LOOKS, LOOKS, Outline, Point, Shape, Words
from reports.numbers import six_digits
from tracker.times import to_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


WIDTH, HEIGHT = 820, 340
NARROW = 360
"""The width of a picture for a phone, where it is shown pixel by pixel."""
_LEFT, _LEFT_NARROW, _RIGHT = 68.0, 50.0, 68.0
_EDGE = 8.0
_ROW = 17.0
_TITLE = 40.0
_LOWEST = 125.0  # labels leave the curves at least this height
_LABEL = 11.0
_WIDEST_LABEL = 240.0
_WIDEST_TICK = 50.0
_NARROWEST_BAND = 0.015
"""The least part of the axis that a band has to cover to be seen: some three pixels."""


class Layout:
    """The shapes of one chart, in drawing order, with where its marks' labels stand.

    It is as high as the labels above the curves need.
    """

    def __init__(self, chart: Chart, width: int = WIDTH) -> None:
        self.chart = chart
        self.width = width
        self.left = _LEFT if width >= WIDTH else _LEFT_NARROW
        self.right = width - _RIGHT
        self.title = plain(chart.title)
        self.axis = self._value_axis()
        self.shows_band = self._is_band_visible()
        self.marks: list[Mark] = sorted(
            (mark for mark in chart.marks if chart.start <= mark.at <= chart.end),
            key=lambda mark: (mark.at, LOOKS[mark.kind].importance, mark.kind, mark.label),
        )
        self.description = description(chart, self.marks)
        _, legend_height = legend(self._legend_entries(), self.left, width - _EDGE, 0.0)
        _, lanes_height = lanes(chart, self.x, self.left, self.right, 0.0)
        narrow = width < WIDTH
        below = 8.0 + legend_height + 14.0 + 17.0 + lanes_height + (3.0 if lanes_height else 0.0)
        rows = int((HEIGHT - below - _TITLE - _LOWEST) / _ROW)
        self.labels = label_marks(
            chart,
            self.marks,
            self.x,
            left=_EDGE,
            right=width - _EDGE,
            rows=rows,
            widest=_WIDEST_LABEL,
            below=narrow,
        )
        highest = max((label.flag.row for label in self.labels), default=0)
        self.top = _TITLE + _ROW * highest
        listed = _ROW * len(self.labels) if narrow else 0.0
        self.height = HEIGHT + int(_ROW * max(0, highest - rows) + listed)
        below += listed
        legend_end = self.height - 8.0 - listed
        legend_shapes, _ = legend(self._legend_entries(), self.left, width - _EDGE, legend_end)
        self.dates = legend_end - legend_height
        self.clocks = self.dates - 14.0
        self.lanes_end = self.clocks - 17.0
        bars, _ = lanes(chart, self.x, self.left, self.right, self.lanes_end)
        self.bottom = self.height - below
        self.shapes: list[Shape] = [
            *self._shades(),
            *self._band(),
            *self._grid(),
            *self._limit(),
            *self._curves(),
            *bars,
            *self._times(),
            *self._marks(),
            *self._nothing(),
            *legend_shapes,
            *self._title(),
        ]

    # Where a thing stands.

    def x(self, at: datetime) -> float:
        """Return the pixel of an instant; what lies outside is put on the edge."""
        return self._x_us(min(max(to_us(at), to_us(self.chart.start)), to_us(self.chart.end)))

    def _x_us(self, at_us: int) -> float:
        start, end = to_us(self.chart.start), to_us(self.chart.end)
        return round(self.left + (self.right - self.left) * (at_us - start) / (end - start), 2)

    def y(self, value: float) -> float:
        """Return the pixel of a value. Halves, because the range of floats may be no float."""
        low, high = self.axis.low, self.axis.high
        part = (value / 2 - low / 2) / (high / 2 - low / 2)
        return round(self.bottom - part * (self.bottom - self.top - 4.0), 2)

    # The parts, from back to front.

    def _inside(self) -> Iterable[tuple[str, float, float]]:
        for span in sorted(self.chart.spans, key=lambda span: (span.kind == "blind", span.start, span.end)):
            if span.start <= self.chart.end and span.end >= self.chart.start:
                yield span.kind, self.x(span.start), self.x(span.end)

    def _shades(self) -> list[Shape]:
        found: list[Shape] = []
        for kind, left, right in self._inside():
            shade = shapes.SPAN_LOOKS[kind][2]
            if shade and right > left:
                box = ((left, self.top), (right, self.top), (right, self.bottom), (left, self.bottom))
                found.append(Outline([box], fill=shade, closed=True))
                if kind == "blind":
                    stripes = _stripes(left, self.top, right, self.bottom)
                    found.append(Outline(stripes, stroke="#dfe2e6", width=1.0))
        return found

    def _band(self) -> list[Shape]:
        band = self.chart.band
        if band is None or not self.shows_band:
            return []
        instants, low = finite_within(band.instants_ms, band.low, self.chart.start, self.chart.end)
        again, high = finite_within(band.instants_ms, band.high, self.chart.start, self.chart.end)
        if len(instants) < 2 or len(instants) != len(again):
            return []
        area = [*self._points(instants, high), *reversed(self._points(again, low))]
        return [Outline([area], fill=shapes.BAND_FILL, closed=True)]

    def _is_band_visible(self) -> bool:
        """Whether the band is wide enough to be seen; one that is not has no place in the legend either."""
        band = self.chart.band
        if band is None:
            return False
        low = finite_within(band.instants_ms, band.low, self.chart.start, self.chart.end)[1]
        high = finite_within(band.instants_ms, band.high, self.chart.start, self.chart.end)[1]
        if not len(low) or not len(high):
            return False
        part = float(high.max()) / 2 - float(low.min()) / 2
        return part / (self.axis.high / 2 - self.axis.low / 2) >= _NARROWEST_BAND

    def _grid(self) -> list[Shape]:
        found: list[Shape] = []
        for value, text in self.axis.ticks:
            y = self.y(value)
            is_floor = y == self.bottom
            found.append(
                Outline(
                    [((self.left, y), (self.right, y))],
                    stroke=shapes.FRAME if is_floor else shapes.GRID,
                    width=1.0,
                )
            )
            found.append(Words(self.left - 8, y + 4, text, color=shapes.QUIET, anchor="end"))
        return found

    def _limit(self) -> list[Shape]:
        limit = self.chart.threshold
        if limit is None or not math.isfinite(limit):
            return []
        text = f"limit {self.axis.shown_as.label(_decimal(limit) / self.axis.shown_as.size)}"
        text = text if text_width(text, 10) <= self.width - self.right - 8 else text.removeprefix("limit ")
        if not self.axis.low <= limit <= self.axis.high:
            edge = self.top + 12 if limit > self.axis.high else self.bottom - 6
            arrow = "↑" if limit > self.axis.high else "↓"
            return [Words(self.right + 4, edge, f"{arrow} {text}", 10, shapes.LIMIT)]
        y = self.y(limit)
        return [
            Outline([((self.left, y), (self.right, y))], stroke=shapes.LIMIT, width=1.2, dash=(5.0, 3.0)),
            Words(self.right + 4, y + 3.5, text, 10, shapes.LIMIT),
        ]

    def _curves(self) -> list[Shape]:
        found: list[Shape] = []
        columns = int(self.right - self.left)
        for number, line in reversed(list(enumerate(self.chart.lines))):
            pieces = strokes(line, self.chart.start, self.chart.end, columns)
            parts = [self._points(instants, values) for instants, values in pieces]
            named = number < len(LINE_LOOKS)
            color, dash = LINE_LOOKS[number] if named else (shapes.MANY_LINES, ())
            # One sample between two gaps is no line; it is drawn as a dot.
            dots = [((round(x - 1.5, 2), y), (round(x + 1.5, 2), y)) for ((x, y), *rest) in parts if not rest]
            parts = [part for part in parts if len(part) > 1]
            if parts:
                found.append(Outline(parts, stroke=color, width=1.6 if named else 1.0, dash=dash))
            if dots:
                found.append(Outline(dots, stroke=color, width=3.0))
        self.has_samples = bool(found)
        return found

    def _nothing(self) -> list[Shape]:
        """Say in the middle, on a plate that no mark's line crosses, that there is nothing."""
        if self.has_samples:
            return []
        x, y = (self.left + self.right) / 2, round((self.top + self.bottom) / 2, 2)
        half = round(text_width(EMPTY, 13) / 2, 2)
        plate = ((x - half, y - 13), (x + half, y - 13), (x + half, y + 13), (x - half, y + 13))
        return [
            Outline([plate], fill=shapes.PAPER, closed=True),
            Words(x, y + 4, EMPTY, 13, shapes.QUIET, "middle"),
        ]

    def _times(self) -> list[Shape]:
        found: list[Shape] = []
        free_from = 0.0
        for tick in time_ticks(
            self.chart.start, self.chart.end, self.chart.tz, int((self.right - self.left) / _WIDEST_TICK)
        ):
            x = self.x(tick.at)
            found.append(Outline([((x, self.lanes_end), (x, self.lanes_end + 4))], stroke=shapes.FRAME))
            found.append(Words(x, self.clocks, tick.clock, color=shapes.QUIET, anchor="middle"))
            if tick.date and x - 34 >= free_from:
                found.append(Words(x, self.dates, tick.date, 10, shapes.QUIET, "middle"))
                free_from = x + 40
        found.append(
            Outline([((self.left, self.lanes_end), (self.right, self.lanes_end))], stroke=shapes.FRAME)
        )
        zone = fitted(plain(self.chart.zone), 10, self.width - _EDGE - self.right + 30)
        found.append(Words(self.width - _EDGE, self.dates, zone, 10, shapes.QUIET, "end"))
        return found

    def _marks(self) -> list[Shape]:
        lines: list[Shape] = []
        labels: list[Shape] = []
        for number, label in enumerate(self.labels):
            flag, look = label.flag, LOOKS[label.marks[0].kind]
            y = self.row_y(flag.row)
            for x in dict.fromkeys(self.x(mark.at) for mark in label.marks):
                above = y if x == flag.x else self.top
                lines.append(
                    Outline(
                        [((x, self.bottom), (x, above))], stroke=look.color, width=look.width, dash=look.dash
                    )
                )
            labels += _badge(look, flag.x, y)
            if self.width < WIDTH:
                y = self.height - 12.0 - _ROW * (len(self.labels) - 1 - number)
                text = fitted(label.text, _LABEL, self.width - 44.0)
                labels += [*_badge(look, 18.0, y), Words(32.0, y + 4, text, _LABEL, look.color)]
            elif flag.text:
                x = flag.x - 11 if flag.leftward else flag.x + 11
                anchor: shapes.Anchor = "end" if flag.leftward else "start"
                labels.append(Words(round(x, 2), y + 4, flag.text, _LABEL, look.color, anchor))
        return lines + labels

    def row_y(self, row: int) -> float:
        """Return the middle of a row of labels; row 1 is the lowest."""
        return round(self.top + 4.0 - row * _ROW, 2)

    def _title(self) -> list[Shape]:
        room = self.width - 2 * _EDGE
        return [Words(_EDGE + 4, 20, fitted(self.title, 15, room), 14, bold=True)]

    # What it is made of.

    def _legend_entries(self) -> list[Entry]:
        lines, band = self.chart.lines, self.chart.band if self.shows_band else None
        entries: list[Entry] = []
        if len(lines) > 1 or band is not None:
            entries += [
                Entry(plain(line.label) or "(no name)", color, dash)
                for line, (color, dash) in zip(lines, LINE_LOOKS, strict=False)
            ]
        if len(lines) > len(LINE_LOOKS):
            entries.append(Entry(f"and {len(lines) - len(LINE_LOOKS)} more", shapes.MANY_LINES, ()))
        if band is not None:
            entries.append(Entry(plain(band.label), shapes.BAND_FILL, (), wide=True))
        return entries

    def _value_axis(self) -> ValueAxis:
        chart = self.chart
        columns = [(line.instants_ms, line.values) for line in chart.lines]
        if chart.band is not None:
            columns += [(chart.band.instants_ms, side) for side in (chart.band.low, chart.band.high)]
        found = [finite_within(instants, values, chart.start, chart.end)[1] for instants, values in columns]
        edges = [float(edge) for values in found if len(values) for edge in (values.min(), values.max())]
        limit = chart.threshold
        if limit is not None and math.isfinite(limit):
            # A limit far away would press the line flat: then an arrow points to it.
            reach = 5 * max((abs(edge) for edge in edges), default=abs(limit))
            if min(edges, default=0.0) - reach <= limit <= max(edges, default=0.0) + reach:
                edges.append(limit)
        return value_axis(min(edges, default=0.0), max(edges, default=0.0), chart.unit)

    def _points(self, instants_ms: NDArray[np.int64], values: NDArray[np.float64]) -> list[Point]:
        return [
            (self._x_us(at * 1000), self.y(six_digits(value)))
            for at, value in zip(instants_ms.tolist(), values.tolist(), strict=True)
        ]


def _badge(look: shapes.Look, x: float, y: float) -> list[Shape]:
    outline = tuple((round(x + dx, 2), round(y + dy, 2)) for dx, dy in look.badge)
    return [
        Outline([outline], stroke=shapes.PAPER, width=1.0, fill=look.color, closed=True),
        Words(x, y + 3.4, look.letter, 9, shapes.PAPER, "middle", bold=True),
    ]


def _decimal(value: float) -> Decimal:
    return Decimal(repr(six_digits(value)))


def _stripes(left: float, top: float, right: float, bottom: float) -> list[tuple[Point, Point]]:
    """Slanted strokes that fill a box, cut at its edges."""
    height = bottom - top
    found: list[tuple[Point, Point]] = []
    foot = left - height
    while foot < right:
        low, high = max(foot, left), min(foot + height, right)
        if high > low:
            found.append(
                (
                    (round(low, 2), round(bottom - (low - foot), 2)),
                    (round(high, 2), round(bottom - (high - foot), 2)),
                )
            )
        foot += 9
    return found
