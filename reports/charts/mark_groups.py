"""Which marks share a label: as few as possible, and as many as it takes for all labels to fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.charts.chart import Chart, Mark
from reports.charts.chart_labels import clock, mark_text
from reports.charts.labels import BADGE, Flag, flags, plain
from reports.charts.shapes import LOOKS
from reports.wording.text import listed

_SIZE = 11.0
_NAMED = 2
_PLURALS = {
    "fix": "fixes",
    "declared": "times declared",
    "resolved": "times resolved",
    "reopened": "times reopened",
}
ROWS = len(LOOKS)
"""Marks of one kind may share one label, so this many rows hold every picture."""


@dataclass(frozen=True)
class LabelledMarks:
    """Marks of one kind that share a label; where labels stand below the picture, the flag has the badge alone."""

    marks: list[Mark]
    text: str
    flag: Flag


def label_marks(
    chart: Chart,
    marks: Sequence[Mark],
    x: Callable[[datetime], float],
    *,
    left: float,
    right: float,
    rows: int,
    widest: float,
    below: bool,
) -> list[LabelledMarks]:
    """Place a label for each mark; marks of a kind that are too close for that share one, at the first of them.

    Labels stand beside the badges above the picture, or all of them `below` it.
    """
    reach = 0.0
    while True:
        groups = _grouped(marks, x, reach)
        texts = [_text(chart, group) for group in groups]
        beside = [
            (x(group[0].at), "" if below else label) for group, label in zip(groups, texts, strict=True)
        ]
        placed = flags(beside, size=_SIZE, left=left, right=right, widest=widest)
        needed = len(groups) if below else max((flag.row for flag in placed), default=0)
        if needed <= max(rows, ROWS) or reach > right:
            return [LabelledMarks(*one) for one in zip(groups, texts, placed, strict=True)]
        reach = reach * 2 or BADGE


def _grouped(marks: Sequence[Mark], x: Callable[[datetime], float], reach: float) -> list[list[Mark]]:
    """Gather the marks of one kind that are within some pixels of the first of them, in the order of the first."""
    groups: list[list[Mark]] = []
    latest: dict[str, list[Mark]] = {}
    for mark in marks:
        group = latest.get(mark.kind)
        if group is not None and x(mark.at) - x(group[0].at) <= reach:
            group.append(mark)
        else:
            latest[mark.kind] = [mark]
            groups.append(latest[mark.kind])
    return groups


def _text(chart: Chart, marks: list[Mark]) -> str:
    """Say when, how many of what, and which: 14:18–14:20 3 deploys v1, v2 and 1 more."""
    if len(marks) == 1:
        return mark_text(chart, marks[0])
    word = LOOKS[marks[0].kind].word
    times = "–".join(dict.fromkeys((clock(chart, marks[0].at), clock(chart, marks[-1].at))))
    names = dict.fromkeys(name for mark in marks if (name := plain(mark.label)))
    return f"{times} {len(marks)} {_PLURALS.get(word, word + 's')} {listed(names, _NAMED)}".rstrip()
