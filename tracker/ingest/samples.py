"""Series of samples → events in columns, leaving out the instants that the log has.

An instant's first value wins, and one of a whole answer over one of a `partial` answer. A source that later reports another value for it gives an event
of its own, which no chart uses: it is kept because it was reported.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from tracker.events.base import Arrival, Incoming
from tracker.events.codec import columns_sha256, encode
from tracker.events.samples import MetricSampled
from tracker.times import from_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES_IN_A_CHUNK = 10_000
DAY_MS = 86_400_000

Labels = tuple[tuple[str, str], ...]


class Columns(Protocol):
    """One series as a source gave it."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What distinguishes it from the query's other series."""

    @property
    def instants_ms(self) -> "NDArray[np.int64]":
        """Milliseconds since 1970, ascending."""

    @property
    def values(self) -> "NDArray[np.float64]":
        """One value for each instant."""


def intake(
    series: Iterable[Columns],
    held: Mapping[Labels, "tuple[NDArray[np.int64], NDArray[np.float64]]"],
    *,
    service: str,
    metric: str,
    query: str,
    unit: str | None,
    step_seconds: float,
    source: str,
    captured_at: datetime,
    partial: bool = False,
) -> list[Incoming]:
    """Return the chunks that the log lacks.

    `held` maps a series' sorted labels to the instants (ms) and values that the log has of
    it, sorted by instant; of a whole answer these are samples of whole answers only. No chunk spans more than a day, so that a reader of a window finds
    every chunk that reaches into it by looking a day back.
    """
    import numpy as np

    arrival = Arrival(via="poll", received_at=captured_at)
    common: dict[str, Any] = {
        "source": source,
        "service": service,
        "metric": metric,
        "query": query,
        "unit": unit,
        "step_seconds": step_seconds,
        "partial": partial,
    }
    found: list[Incoming] = []
    for one in series:
        labels = tuple(sorted(one.labels.items()))
        instants, values = one.instants_ms, one.values
        parts = [(instants, values)]
        if labels in held and len(held[labels][0]):
            had, had_values = held[labels]
            at = np.searchsorted(had, instants)
            inside = at < len(had)
            known = inside.copy()
            known[inside] = had[at[inside]] == instants[inside]
            differs = known.copy()
            differs[known] = had_values[at[known]].view(np.int64) != values[known].view(np.int64)
            parts = [(instants[~known], values[~known]), (instants[differs], values[differs])]
        found += [
            _chunk(part_instants[piece], part_values[piece], {**common, "labels": dict(labels)}, arrival)
            for part_instants, part_values in parts
            for piece in _pieces(part_instants)
        ]
    return found


def _pieces(instants: "NDArray[np.int64]") -> Iterator[slice]:
    import numpy as np

    start = 0
    while start < len(instants):
        end = int(np.searchsorted(instants, instants[start] + DAY_MS))
        end = min(end, start + SAMPLES_IN_A_CHUNK)
        yield slice(start, end)
        start = end


def _chunk(
    instants: "NDArray[np.int64]", values: "NDArray[np.float64]", common: dict[str, Any], arrival: Arrival
) -> Incoming:
    import numpy as np

    instants, values = np.ascontiguousarray(instants), np.ascontiguousarray(values)
    codec, data = encode(instants, values)
    finite = values[np.isfinite(values)]
    event = MetricSampled(
        **common,
        occurred_at=from_ms(int(instants[0])),
        last_at=from_ms(int(instants[-1])),
        count=len(instants),
        codec=codec,
        sha256=columns_sha256(instants, values),
        minimum=float(finite.min()) if len(finite) else None,
        maximum=float(finite.max()) if len(finite) else None,
    )
    return Incoming(event=event, arrival=arrival, payload=data)
