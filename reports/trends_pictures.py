"""The pictures of the monthly review: counts with their limits, and how long incidents lasted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from projections.trends.xmr import CountsOverTime
from reports.charts import NARROW, Band, Chart, Line, draw
from tracker.times import to_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS = {"week": 7.0, "month": 31.0, "quarter": 92.0}
MOST_SERVICES = 8


def counts_picture(counted: CountsOverTime) -> tuple[bytes, bytes] | None:
    """Draw the incidents of a service by weeks or months, with the limits of what is ordinary; None of one alone.

    Each picture is drawn twice: wide, and narrow for a phone.
    """
    import numpy as np

    if len(counted.starts) < 2:
        return None
    instants = _ms(counted.starts)
    values = np.array(counted.counts, np.float64)
    band = None
    if counted.limits is not None:
        ones = np.ones(len(instants))
        band = Band(instants, ones * counted.limits.low, ones * counted.limits.high, "ordinary (XmR limits)")
    return _drawn(
        f"Incidents of {counted.service} by {counted.unit}",
        "count",
        [Line(f"incidents a {counted.unit}", instants, values, _STEPS[counted.unit] * 86400)],
        counted.starts,
        band,
    )


def medians_picture(
    medians: Mapping[str, Sequence[tuple[datetime, float | None]]], unit: str
) -> tuple[bytes, bytes] | None:
    """Draw the median time to resolve of each service; None without two periods that have one."""
    import numpy as np

    lines = []
    for service, points in list(medians.items())[:MOST_SERVICES]:
        known = [(at, value) for at, value in points if value is not None]
        if len(known) > 1:
            values = np.array([value for _, value in known], np.float64)
            lines.append(Line(service, _ms([at for at, _ in known]), values, _STEPS[unit] * 86400))
    starts = [at for points in medians.values() for at, value in points if value is not None]
    if not lines:
        return None
    return _drawn(f"Median time to resolve by {unit}", "seconds", lines, sorted(starts), None)


def _drawn(
    title: str, unit: str, lines: Sequence[Line], starts: Sequence[datetime], band: Band | None
) -> tuple[bytes, bytes]:
    room = max((starts[-1] - starts[0]) / 40, timedelta(hours=1))
    chart = Chart(title, unit, starts[0] - room, starts[-1] + room, lines=tuple(lines), band=band, tz=UTC)
    return draw(chart), draw(chart, width=NARROW)


def _ms(instants: Iterable[datetime]) -> NDArray[np.int64]:
    import numpy as np

    return np.array([to_us(at) // 1000 for at in instants], np.int64)
