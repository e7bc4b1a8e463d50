"""The rows of the lake that are appended as they were recorded: events and samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from projections.frames.samples_frame import labels_text
from projections.samples import chunk_columns
from tracker.events.base import Decision, Recorded, Window
from tracker.events.samples import MetricSampled
from tracker.lake.table import EVENTS, Samples, Table
from tracker.log import Log
from tracker.times import to_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_JSON = msgspec.json.Encoder(order="deterministic")
DAY = timedelta(days=1)
DAY_MS = 86_400_000


def event_rows(recorded: Iterable[Recorded]) -> Table:
    """Lay out events as they are recorded, corrections not applied; what was redacted is what is left."""
    columns: dict[str, list[Any]] = {name: [] for name in EVENTS}
    for one in recorded:
        event = one.event
        row = {
            "position": one.position,
            "event": one.id,
            "topic": event.TOPIC,
            "occurred_at": to_us(event.occurred_at),
            "recorded_at": one.recorded_us,
            "incident": getattr(event, "incident", None),
            "service": getattr(event, "service", None),
            "source": getattr(event, "source", None),
            "by": event.decided_by if isinstance(event, Decision) else one.arrival.reported_by,
            "via": one.arrival.via or None,
            "body": _JSON.encode(event).decode(),
            "redacted": one.redacted is not None,
            "digest": one.digest.hex(),
        }
        for name, value in row.items():
            columns[name].append(value)
    return Table("events", EVENTS, columns)


def sample_rows(log: Log, recorded: Sequence[Recorded]) -> Samples:
    """Lay out the samples of chunks, sorted as the table keeps them.

    What a source answered only in part is left out, and of an instant of a series the first recorded value counts,
    as in every answer of the tracker.
    """
    import numpy as np

    chunks = [one for one in recorded if _counts(one)]
    payloads = log.payloads([one.position for one in chunks])
    texts: dict[str, list[Any]] = {name: [] for name in ("service", "metric", "unit", "query", "series")}
    positions, lengths, instants, values = [], [], [], []
    earlier = _Earlier(log, chunks)
    for one in chunks:
        event = one.event
        assert isinstance(event, MetricSampled)
        at_ms, value = chunk_columns(one, payloads.get(one.position, b""))
        fresh = earlier.fresh(one, at_ms)
        if fresh is not None:
            at_ms, value = at_ms[fresh], value[fresh]
        positions.append(one.position)
        lengths.append(len(at_ms))
        instants.append(at_ms)
        values.append(value)
        for name, text in (
            ("service", event.service or None),
            ("metric", event.metric),
            ("unit", event.unit),
            ("query", event.query),
            ("series", labels_text(dict(sorted(event.labels.items())))),
        ):
            texts[name].append(text)
    at = np.concatenate([np.empty(0, np.int64), *instants])
    chunk = np.repeat(np.arange(len(chunks), dtype=np.int64), lengths)
    codes = {name: np.unique([text or "" for text in texts[name]], return_inverse=True)[1] for name in texts}
    days = at // DAY_MS
    places = (codes["service"][chunk] * 1_000_000 + days) * len(chunks) + codes["metric"][chunk]
    order = np.lexsort((codes["series"][chunk], at, places))
    return Samples(
        texts,
        np.asarray(positions, np.int64),
        chunk[order],
        at[order],
        np.concatenate([np.empty(0, np.float64), *values])[order],
    )


def _counts(one: Recorded) -> bool:
    return isinstance(one.event, MetricSampled) and not one.event.partial and one.redacted is None


class _Earlier:
    """Which instants of a series an earlier chunk has."""

    def __init__(self, log: Log, chunks: Sequence[Recorded]) -> None:
        self._log = log
        self._columns: dict[str, NDArray[np.int64]] = {}
        self._of: dict[tuple[object, ...], list[Recorded]] = defaultdict(list)
        places: dict[str, list[MetricSampled]] = defaultdict(list)
        for one in chunks:
            assert isinstance(one.event, MetricSampled)
            places[one.event.scopes()[0]].append(one.event)
        last = max((one.position for one in chunks), default=0)
        for scope, events in places.items():
            # No chunk spans more than a day: what reaches into these begins a day before them at most.
            start = min(event.occurred_at for event in events) - DAY
            end = max(event.last_at for event in events)
            window = Window(scope, start, end.replace(microsecond=0) + DAY)
            for one in log.select([window], last):
                if _counts(one):
                    self._of[one.event.subject()].append(one)

    def fresh(self, one: Recorded, at_ms: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Return which samples of a chunk no earlier one has; None where that is all of them."""
        import numpy as np

        event = one.event
        assert isinstance(event, MetricSampled)
        before = [
            other
            for other in self._of[event.subject()]
            if other.position < one.position
            and isinstance(other.event, MetricSampled)
            and other.event.occurred_at <= event.last_at
            and event.occurred_at <= other.event.last_at
        ]
        if not before:
            return None
        return ~np.isin(at_ms, np.concatenate([self._instants(other) for other in before]))

    def _instants(self, one: Recorded) -> NDArray[np.int64]:
        if one.id not in self._columns:
            payload = self._log.payloads([one.position]).get(one.position, b"")
            self._columns[one.id] = chunk_columns(one, payload)[0]
        return self._columns[one.id]
