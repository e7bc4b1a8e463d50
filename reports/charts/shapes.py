"""What a picture is made of: strokes, areas and texts at places, y downwards in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]

INK = "#22262b"
QUIET = "#5b636d"
GRID = "#e4e7eb"
FRAME = "#9aa2ac"
PAPER = "#ffffff"


@dataclass(frozen=True)
class Outline:
    """Points joined by straight lines; several parts share one look. `dash` is in pixels."""

    parts: Sequence[Sequence[Point]]
    stroke: str | None = None
    width: float = 1.0
    dash: tuple[float, ...] = ()
    fill: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Words:
    """One line of text; (x, y) is where its baseline begins, ends or has its middle."""

    x: float
    y: float
    text: str
    size: float = 11.0
    color: str = INK
    anchor: Anchor = "start"
    bold: bool = False


Shape: TypeAlias = Outline | Words


@dataclass(frozen=True)
class Look:
    """How one kind of mark is told from the others: colour, line, badge and letter."""

    word: str
    letter: str
    color: str
    dash: tuple[float, ...]
    badge: tuple[Point, ...]
    importance: int
    width: float = 1.4


_SQUARE = ((-6.0, -6.0), (6.0, -6.0), (6.0, 6.0), (-6.0, 6.0))
_DIAMOND = ((0.0, -7.8), (7.8, 0.0), (0.0, 7.8), (-7.8, 0.0))
_TRIANGLE = ((0.0, -8.0), (8.0, 6.2), (-8.0, 6.2))
_OCTAGON = (
    (-2.8, -6.8),
    (2.8, -6.8),
    (6.8, -2.8),
    (6.8, 2.8),
    (2.8, 6.8),
    (-2.8, 6.8),
    (-6.8, 2.8),
    (-6.8, -2.8),
)
_HOUSE = ((0.0, -7.6), (7.0, -1.5), (7.0, 6.2), (-7.0, 6.2), (-7.0, -1.5))
_HEXAGON = ((0.0, -7.8), (6.8, -3.9), (6.8, 3.9), (0.0, 7.8), (-6.8, 3.9), (-6.8, -3.9))
_SHIELD = ((-6.5, -6.2), (6.5, -6.2), (6.5, 1.5), (0.0, 7.6), (-6.5, 1.5))

# Okabe and Ito's colours, darkened until white letters read on them.
LOOKS: dict[str, Look] = {
    "deploy": Look("deploy", "D", "#0062a3", (), _SQUARE, 1, 1.7),
    "rollback": Look("rollback", "R", "#8e3a80", (7.0, 2.5, 1.5, 2.5), _DIAMOND, 1, 1.7),
    "alert": Look("alert", "A", "#b94700", (1.6, 2.6), _TRIANGLE, 2, 1.7),
    "fix": Look("fix", "F", "#00755a", (8.0, 3.0), _OCTAGON, 0, 1.7),
    "resolved": Look("resolved", "✓", "#22262b", (3.0, 3.0), _SHIELD, 0),
    "declared": Look("declared", "I", "#7a5a00", (5.0, 2.0, 1.5, 2.0, 1.5, 2.0), _HOUSE, 3),
    "reopened": Look("reopened", "!", "#7a5a00", (2.0, 1.2), _HEXAGON, 3),
}

SPAN_LOOKS: dict[str, tuple[str, str, str]] = {
    # kind: word, colour of the bar, colour of the shade behind the lines
    "incident": ("incident", "#f3b894", "#fdf1e9"),
    "alert": ("alert", "#f3d88f", ""),
    "blind": ("no data", "#cfd4da", "#f3f4f6"),
    # The verdict of a window is in its label: no word of the kind's, and no colour alone.
    "good": ("", "#b9e2cf", ""),
    "changed": ("", "#f5e3a8", ""),
    "worse": ("", "#f2b8b8", ""),
    "unknown": ("", "#dfe2e6", ""),
}

# Colour and dash of each named line; black and white copies keep the dashes.
LINE_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("#1f4e79", ()),
    ("#d55e00", ()),
    ("#009e73", ()),
    ("#b0609a", (6.0, 2.0)),
    ("#56b4e9", (6.0, 2.0)),
    ("#b8860b", (6.0, 2.0)),
    ("#000000", (2.0, 1.5)),
    ("#7f7f7f", (2.0, 1.5)),
)
MANY_LINES = "#cdd2d8"
BAND_FILL = "#d3e4f3"
LIMIT = "#a11d33"
