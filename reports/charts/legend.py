"""Which line is which: swatches and names below the picture, wrapped by estimate."""

from __future__ import annotations

from dataclasses import dataclass

from reports.charts.labels import fitted, text_width
from reports.charts.shapes import Outline, Shape, Words

_SIZE = 11.0
_LINE = 17.0
_SWATCH = 20.0
_WIDEST = 190.0


@dataclass(frozen=True)
class Entry:
    """A name, and how what it names is drawn: a stroke, or an area when wide."""

    name: str
    color: str
    dash: tuple[float, ...]
    wide: bool = False


def legend(entries: list[Entry], left: float, right: float, bottom: float) -> tuple[list[Shape], float]:
    """Set entries in lines that end at `bottom`, and return the height that they take."""
    places: list[tuple[float, int, str]] = []
    x, line = left, 0
    for entry in entries:
        name = fitted(entry.name, _SIZE, _WIDEST)
        width = _SWATCH + 5 + text_width(name, _SIZE) + 14
        if x > left and x + width > right:
            x, line = left, line + 1
        places.append((x, line, name))
        x += width
    height = (line + 1) * _LINE + 2 if entries else 0.0
    found: list[Shape] = []
    for entry, (at, number, name) in zip(entries, places, strict=True):
        y = round(bottom - (line - number) * _LINE, 2)
        at = round(at, 2)
        found.append(
            Outline(
                [((at, y - 4), (round(at + _SWATCH, 2), y - 4))],
                stroke=entry.color,
                width=9.0 if entry.wide else 2.2,
                dash=entry.dash,
            )
        )
        found.append(Words(round(at + _SWATCH + 5, 2), y, name, _SIZE))
    return found, height
