"""Samples to strokes: gaps stay gaps, and thinning leaves every spike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reports.charts.chart import Line
from tracker.times import to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MOST_POINTS = 2000
_GAP_STEPS = 1.5


def finite_within(
    instants_ms: NDArray[np.int64], values: NDArray[np.float64], start: datetime, end: datetime
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the samples from start to end, both included, that are finite numbers."""
    import numpy as np

    keep = (instants_ms >= to_ms(start)) & (instants_ms <= to_ms(end)) & np.isfinite(values)
    return instants_ms[keep], values[keep]


def strokes(
    line: Line, start: datetime, end: datetime, columns: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Cut a line into the pieces that are drawn without lifting the pen.

    Beyond 2,000 points only the lowest and the highest of each of `columns` pixels are
    kept: what is left out would fall on the same pixels.
    """
    import numpy as np

    inside = (line.instants_ms >= to_ms(start)) & (line.instants_ms <= to_ms(end))
    instants, values = line.instants_ms[inside], line.values[inside]
    if not len(instants):
        return []
    finite = np.isfinite(values)
    limit = line.step_seconds * 1000 * _GAP_STEPS
    far = np.diff(instants) > limit if limit > 0 else np.zeros(len(instants) - 1, bool)
    # A number that is not finite ends the piece before it, even where no instant is missing.
    breaks = np.concatenate([[False], far | ~finite[1:] | ~finite[:-1]])
    piece = np.cumsum(breaks)[finite]
    instants, values = instants[finite], values[finite]
    if len(instants) > MOST_POINTS:
        kept = _extremes(piece, instants, values, to_ms(start), to_ms(end), columns)
        piece, instants, values = piece[kept], instants[kept], values[kept]
    cuts = np.flatnonzero(np.diff(piece)) + 1
    return [(a, b) for a, b in zip(np.split(instants, cuts), np.split(values, cuts), strict=True) if len(a)]


def _extremes(
    piece: NDArray[np.int64],
    instants: NDArray[np.int64],
    values: NDArray[np.float64],
    start_ms: int,
    end_ms: int,
    columns: int,
) -> NDArray[np.int64]:
    """Return which points to keep: of each pixel of each piece, the lowest and the highest.

    Pieces shorter than a pixel are many only where a series is full of holes; of those
    that begin in one pixel the lowest and the highest point are kept as well.
    """
    import numpy as np

    pixel = (instants - start_ms) * columns // max(end_ms - start_ms, 1)
    if piece[-1] - piece[0] > columns:
        # Holes everywhere: what begins in one pixel shares its extremes.
        _, index = np.unique(piece, return_index=True)
        first_pixel = np.repeat(pixel[index], np.diff(np.append(index, len(piece))))
        group = first_pixel * (columns + 1) + pixel
    else:
        group = piece * (columns + 1) + pixel
    order = np.lexsort((values, group))
    new = np.flatnonzero(np.concatenate([[True], np.diff(group[order]) != 0]))
    lowest = order[new]
    highest = order[np.append(new[1:], len(order)) - 1]
    return np.unique(np.concatenate([lowest, highest]))
