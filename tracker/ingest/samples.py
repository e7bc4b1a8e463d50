"""Series of samples → events in columns, leaving out the instants that the log has.

An instant's first value wins. A source that later tells another value for it gives an event
of its own, which no picture uses: it is kept because it was said.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

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
        """What tells it from the query's other series."""

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
    via: str = "poll",
) -> list[Incoming]:
    """Return the chunks that the log lacks.

    `held` maps a series' sorted labels to the instants (ms) and values that the log has of
    it, sorted by instant. No chunk spans more than a day, so that a reader of a window finds
    every chunk that reaches into it by looking a day back.
    """
    import numpy as np

    found: list[Incoming] = []
    for each in series:
        labels = tuple(sorted(each.labels.items()))
        instants, values = each.instants_ms, each.values
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
        chunk = partial(
            _chunk,
            labels=dict(labels),
            service=service,
            metric=metric,
            query=query,
            unit=unit,
            step_seconds=step_seconds,
            source=source,
            arrival=Arrival(via=via, received_at=captured_at),
        )
        found += [
            chunk(np.ascontiguousarray(part_instants[piece]), np.ascontiguousarray(part_values[piece]))
            for part_instants, part_values in parts
            for piece in _pieces(part_instants)
        ]
    return found


def _pieces(instants: "NDArray[np.int64]") -> Sequence[slice]:
    import numpy as np

    pieces = []
    start = 0
    while start < len(instants):
        end = int(np.searchsorted(instants, instants[start] + DAY_MS))
        end = min(end, start + SAMPLES_IN_A_CHUNK)
        pieces.append(slice(start, end))
        start = end
    return pieces


def _chunk(
    instants: "NDArray[np.int64]",
    values: "NDArray[np.float64]",
    *,
    labels: dict[str, str],
    service: str,
    metric: str,
    query: str,
    unit: str | None,
    step_seconds: float,
    source: str,
    arrival: Arrival,
) -> Incoming:
    import numpy as np

    codec, data = encode(instants, values)
    finite = values[np.isfinite(values)]
    event = MetricSampled(
        occurred_at=from_ms(int(instants[0])),
        source=source,
        service=service,
        metric=metric,
        query=query,
        unit=unit,
        step_seconds=step_seconds,
        last_at=from_ms(int(instants[-1])),
        count=len(instants),
        codec=codec,
        sha256=columns_sha256(instants, values),
        labels=labels,
        minimum=float(finite.min()) if len(finite) else None,
        maximum=float(finite.max()) if len(finite) else None,
    )
    return Incoming(event=event, arrival=arrival, payload=data)
