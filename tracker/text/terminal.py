"""Text from outside on a terminal: it stays one line, in its columns, and does not drive the terminal."""

import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

from tracker.text.hidden import visible


def table(rows: Sequence[Sequence[str]], *, indent: str = "", gap: str = "  ") -> str:
    """Lay out rows in columns; the last column is not padded, and every row stays one line."""
    if not rows:
        return ""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(width(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=False)]
        lines.append((indent + gap.join([*cells, row[-1]])).rstrip())
    return "\n".join(lines) + "\n"


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def printable(text: str) -> str:
    """Put a text on one line in which control characters, and what turns or hides text, are visible."""
    return visible(text)


class VisibleStream:
    """A text stream on which `printable` is asked of every line; what is coloured goes to `unfiltered`."""

    def __init__(self, stream: TextIO) -> None:
        self.unfiltered = stream

    def write(self, text: str) -> int:
        self.unfiltered.write("\n".join(printable(line) for line in text.split("\n")))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)
