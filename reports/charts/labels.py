"""Where labels go, so that none covers another. Widths are estimated, never measured.

Measuring would need a font, and fonts differ between machines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

BADGE = 7.0
"""Half the width of a badge."""

_GAP = 6.0
_TEXT_FROM_LINE = BADGE + 4
_NARROW = frozenset("ijlI'|.,:;!")
_SLIM = frozenset('frt()[]{}/ -"')
_BROAD = frozenset("mwMW@%…—−")


def text_width(text: str, size: float) -> float:
    """Estimate, on the wide side, how many pixels a text takes in DejaVu Sans."""
    return round(size * sum(_em(character) for character in text), 2)


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _SLIM:
        return 0.44
    if character in _BROAD:
        return 1.02
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.1
    return 0.78 if character.isupper() else 0.66


def fitted(text: str, size: float, width: float) -> str:
    """Cut a text to a width, with an ellipsis where something is gone; empty if nothing fits."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…" if len(text) > 2 else ""


def plain(text: str) -> str:
    """Make a text fit for one line of XML: no control characters, no lone surrogates."""
    clean = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else "�" if _unfit(c) else c for c in text
    )
    return " ".join(clean.split())


def _unfit(character: str) -> bool:
    return "\ud800" <= character <= "\udfff" or character in "￾￿"


@dataclass(frozen=True)
class Flag:
    """A mark's label: it hangs on its line at `x`, `row` rows above the picture.

    `left` to `right` is all that it covers, with its badge.
    """

    x: float
    row: int
    text: str
    left: float
    right: float
    leftward: bool = False


def flags(
    marks: Sequence[tuple[float, str]], *, size: float, left: float, right: float, widest: float
) -> list[Flag]:
    """Give each mark, (x, text), a row in which it meets no label and no line; the marks must be by x.

    Of marks close together the earliest stands highest, so that they read downwards in time.
    """
    texts = [fitted(text, size, widest) for _, text in marks]
    xs = [x for x, _ in marks]
    reach = [(_TEXT_FROM_LINE + text_width(text, size)) if text else BADGE for text in texts]
    turned = len(xs)  # from this one on, labels stand left of their lines
    for i in range(len(xs)):
        if xs[i] + reach[i] > right:
            turned = i
            break
    # A label turned left must not reach over the line of one that stands to the right.
    i = turned
    while i < len(xs):
        over = [k for k in range(turned) if xs[k] + BADGE + _GAP > xs[i] - reach[i]]
        turned, i = (over[0], over[0]) if over else (turned, i + 1)
    for i in range(turned, len(xs)):
        room = xs[i] - left
        if reach[i] > room:
            texts[i] = fitted(texts[i], size, room - _TEXT_FROM_LINE)
            reach[i] = (_TEXT_FROM_LINE + text_width(texts[i], size)) if texts[i] else BADGE

    row = [0] * len(xs)
    for i in range(turned, len(xs)):
        below = [row[k] for k in range(turned, i) if xs[k] + BADGE + _GAP > xs[i] - reach[i]]
        row[i] = 1 + max(below, default=0)
    for i in reversed(range(turned)):
        end = xs[i] + reach[i] + _GAP
        below = [
            row[j] for j in range(i + 1, len(xs)) if (xs[j] - BADGE if j < turned else xs[j] - reach[j]) < end
        ]
        row[i] = 1 + max(below, default=0)
    return [
        Flag(
            x=xs[i],
            row=row[i],
            text=texts[i],
            left=xs[i] - (reach[i] if i >= turned else BADGE),
            right=xs[i] + (BADGE if i >= turned else reach[i]),
            leftward=i >= turned,
        )
        for i in range(len(xs))
    ]
