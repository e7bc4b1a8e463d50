"""A table in memory: named columns of Python values, each of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["text", "texts", "labels", "integer", "float", "boolean", "instant", "date"]
"""`instant` is µs since 1970 in UTC, `date` days since 1970; `labels` are a JSON object in a text."""

SCHEMA = 1
"""Grows with every change of a table; a lake of a later one is refused, one of an earlier one gets the new columns."""


@dataclass(frozen=True)
class Table:
    """One table's rows, column by column."""

    name: str
    kinds: Mapping[str, Kind]
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rows(self) -> list[tuple[Any, ...]]:
        return list(zip(*self.columns.values(), strict=True))


EVENTS: dict[str, Kind] = {
    "position": "integer",
    "event": "text",
    "topic": "text",
    "occurred_at": "instant",
    "recorded_at": "instant",
    "incident": "text",
    "service": "text",
    "source": "text",
    "by": "text",
    "via": "text",
    "body": "text",
    "redacted": "boolean",
    "digest": "text",
}
SAMPLES: dict[str, Kind] = {
    "position": "integer",
    "service": "text",
    "day": "date",
    "metric": "text",
    "unit": "text",
    "query": "text",
    "series": "text",
    "occurred_at": "instant",
    "value": "float",
}
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Samples:
    """Samples as they are sorted in their table; `chunk` says for each which row of `texts` and `positions` is its own."""

    texts: Mapping[str, Sequence[str | None]]
    positions: NDArray[np.int64]
    chunk: NDArray[np.int64]
    instants_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def days(self) -> NDArray[np.int64]:
        """The day of each, counted from 1970."""
        return self.instants_ms // 86_400_000

    def partitions(self) -> set[tuple[str | None, date]]:
        """Return the services and days that these are of."""
        import numpy as np

        # They are sorted by service and day: where neither changes, there is nothing new.
        days = self.days
        services = np.asarray(self.texts["service"], dtype=object)
        codes = np.unique([text or "" for text in services], return_inverse=True)[1][self.chunk]
        changes = (codes[1:] != codes[:-1]) | (days[1:] != days[:-1])
        firsts = [0, *(np.flatnonzero(changes) + 1).tolist()] if len(self) else []
        return {(services[self.chunk[at]], _EPOCH + timedelta(days=int(days[at]))) for at in firsts}

    def table(self) -> Table:
        """Return them as plain values."""
        columns: dict[str, list[Any]] = {
            name: [texts[at] for at in self.chunk.tolist()] for name, texts in self.texts.items()
        }
        columns |= {
            "position": self.positions[self.chunk].tolist(),
            "day": self.days.tolist(),
            "occurred_at": (self.instants_ms * 1000).tolist(),
            "value": self.values.tolist(),
        }
        return Table("samples", SAMPLES, {name: columns[name] for name in SAMPLES})
