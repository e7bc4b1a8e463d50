"""What a picture says in words: its labels, and all of it for those who hear it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from reports.charts.chart import Chart, Mark
from reports.charts.curves import finite_within
from reports.charts.labels import plain
from reports.charts.shapes import LOOKS, SPAN_LOOKS
from reports.numbers import with_unit
from tracker.times import from_ms

EMPTY = "no samples were recorded in this span"


def clock(chart: Chart, at: datetime) -> str:
    """Write an instant as short as the picture's span allows."""
    local = at.astimezone(chart.tz)
    if chart.end - chart.start > timedelta(hours=36):
        return f"{local:%m-%d %H:%M}"
    if chart.end - chart.start < timedelta(minutes=10):
        return f"{local:%H:%M:%S}"
    return f"{local:%H:%M}"


def mark_text(chart: Chart, mark: Mark) -> str:
    """Say when, what and which: 14:05 deploy v1.2.0."""
    word, label = LOOKS[mark.kind].word, plain(mark.label)
    kind = "" if re.search(rf"\b{word}", label.lower()) else word
    return " ".join(part for part in (clock(chart, mark.at), kind, label) if part)


def description(chart: Chart, marks: Iterable[Mark]) -> str:
    """Say the picture in sentences: its span, each line's extremes, its limit, its marks."""
    first, last = (at.astimezone(chart.tz) for at in (chart.start, chart.end))
    words = [f"From {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} {plain(chart.zone)}."]
    for line in chart.lines:
        name = plain(line.label) or "(no name)"
        instants, values = finite_within(line.instants_ms, line.values, chart.start, chart.end)
        if not len(values):
            words.append(f"{name}: {EMPTY}.")
            continue
        peak = clock(chart, from_ms(int(instants[int(values.argmax())])))
        lowest, highest = (with_unit(float(value), chart.unit) for value in (values.min(), values.max()))
        words.append(f"{name}: lowest {lowest}, highest {highest} at {peak}.")
    if not chart.lines:
        words.append(f"{EMPTY.capitalize()}.")
    if chart.threshold is not None:
        words.append(f"Limit {with_unit(chart.threshold, chart.unit)}.")
    words += [f"{mark_text(chart, mark)}." for mark in marks]
    words += [f"{plain(span.label)}." for span in chart.spans if not SPAN_LOOKS[span.kind][0]]
    return " ".join(words)
