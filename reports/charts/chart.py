"""What a picture shows, as plain values: lines over time, and what happened meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MarkKind = Literal["deploy", "rollback", "alert", "fix", "resolved", "declared", "reopened"]
SpanKind = Literal["incident", "blind", "alert", "good", "changed", "worse", "unknown"]
"""The last four are windows of verdicts."""


@dataclass(frozen=True, eq=False)
class Line:
    """One series: instants in ascending order, values in the chart's unit.

    Where two samples lie more than one and a half steps apart, and where a value is
    no finite number, nothing is drawn.
    """

    label: str
    instants_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    step_seconds: float


@dataclass(frozen=True)
class Mark:
    """Something that happened at an instant; the label may leave out the kind and the time."""

    at: datetime
    kind: MarkKind
    label: str = ""


@dataclass(frozen=True)
class ChartInterval:
    """Something that lasted: the incident, an alert, a time for which no source has data, or a window of a verdict."""

    start: datetime
    end: datetime
    kind: SpanKind
    label: str = ""


@dataclass(frozen=True, eq=False)
class Band:
    """What was expected: between `low` and `high`, in the chart's unit, at each instant."""

    instants_ms: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    label: str = "expected"


@dataclass(frozen=True, eq=False)
class Chart:
    """One picture. What lies outside `start` to `end` is left out of it.

    `unit` is ratio, seconds, bytes, count, per_second, percent or None. `zone` names, and
    `tz` is, the zone of the clock times. The order of lines is the order of the legend;
    that of marks and spans does not matter.
    """

    title: str
    unit: str | None
    start: datetime
    end: datetime
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    spans: tuple[ChartInterval, ...] = ()
    threshold: float | None = None
    band: Band | None = None
    zone: str = "UTC"
    tz: tzinfo = UTC

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a chart from {self.start} to {self.end} has no width")
