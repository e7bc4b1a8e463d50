"""Series out of Prometheus' answers, put together again from their chunks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tracker.gc_pause import collector_paused
from tracker.ingest.prometheus.client import PrometheusClient
from tracker.times import to_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FetchedSeries:
    """One series: two columns of equal length, instants ascending and each one once.

    `labels` has `__name__` where the query kept it. `instants_ms` is int64,
    milliseconds since 1970; `values` is float64, NaN and infinities as they came.
    """

    labels: dict[str, str]
    instants_ms: NDArray[np.int64]
    values: NDArray[np.float64]


def ceil_ms(at: datetime) -> int:
    """Return the first whole millisecond that is not before this instant."""
    return -(-to_us(at) // 1000)


class Merge:
    """Puts the chunks of each series together; they must come in the order of time."""

    def __init__(self, client: PrometheusClient) -> None:
        self._client = client
        self._parts: dict[
            tuple[tuple[str, str], ...], list[tuple[NDArray[np.int64], NDArray[np.float64]]]
        ] = {}

    def add(self, result: Iterable[Any], first_ms: int, next_ms: int) -> None:
        """Take one answer, and of it what lies in [first_ms, next_ms).

        Raises:
            SourceUnreachableError: If it is not what Prometheus answers.
        """
        with collector_paused():
            for one in result:
                try:
                    self._add(one, first_ms, next_ms)
                except (AttributeError, KeyError, TypeError, ValueError) as odd:
                    raise self._client.unexpected() from odd

    def _add(self, one: dict[str, Any], first_ms: int, next_ms: int) -> None:
        import numpy as np

        if one.get("histograms"):
            self._client.mark_incomplete(f"native histograms are left out: {one['metric']}")
        if not one.get("values"):
            return
        at, numbers = zip(*one["values"], strict=True)
        instants_ms = np.rint(np.array(at, dtype=np.float64) * 1000).astype(np.int64)
        values = np.fromiter(map(float, numbers), dtype=np.float64, count=len(numbers))
        inside = (instants_ms >= first_ms) & (instants_ms < next_ms)
        if inside.any():
            key = tuple(sorted(one["metric"].items()))
            self._parts.setdefault(key, []).append((instants_ms[inside], values[inside]))

    def series(self) -> list[FetchedSeries]:
        """Return all series, ordered by their labels."""
        import numpy as np

        return [
            FetchedSeries(
                dict(key), np.concatenate([i for i, _ in parts]), np.concatenate([v for _, v in parts])
            )
            for key, parts in sorted(self._parts.items())
        ]
