"""Instants of the log and the spans between them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Stamp:
    """An instant at which something happened, and the event that says so; it may lie as late as `until`.

    `names` are the version, service, alert or kind that it is of, in small letters, `by` who did it. `origin` is "log"
    where the event is of that kind, "note" where a person wrote it down in words, "text" where the checked text does.
    """

    point: str
    at: datetime
    event: str | None
    until: datetime | None = None
    names: frozenset[str] = frozenset()
    by: str | None = None
    origin: str = "log"

    @property
    def latest(self) -> datetime:
        return self.until or self.at

    def fits(self, at: datetime, grain: float) -> bool:
        """Whether a time as written, exact to `grain` seconds, can mean it: cut off, or rounded."""
        if self.until is not None:
            return at - timedelta(seconds=grain) < self.latest and self.at < at + timedelta(seconds=grain)
        return -grain / 2 <= (self.at - at).total_seconds() < grain


@dataclass(frozen=True)
class Span:
    """How long it was from one stamp to another, in seconds."""

    start: Stamp
    end: Stamp
    low: float
    high: float

    @classmethod
    def of(cls, start: Stamp, end: Stamp) -> "Span":
        low = (end.at - start.latest).total_seconds()
        return cls(start, end, max(low, 0.0), (end.latest - start.at).total_seconds())


RECOVERED = ("recovered", "alert ended")
LAST_STEPS = ("deployed", "rolled back", "resolved", "verified")


@dataclass(frozen=True)
class OutageStamps:
    """What may be taken for the beginning and the end of an outage; `last_steps` where no end is known."""

    since: datetime
    until: datetime | None
    starts: tuple[Stamp, ...]
    ends: tuple[Stamp, ...] = ()
    last_steps: tuple[Stamp, ...] = ()

    def with_ends(self, stamps: Iterable[Stamp]) -> "OutageStamps":
        """Add those of the stamps that lie in it."""
        inside = [s for s in stamps if s.at >= self.since and (self.until is None or s.at < self.until)]
        return replace(
            self,
            ends=(*self.ends, *(s for s in inside if s.point in RECOVERED)),
            last_steps=(*self.last_steps, *(s for s in inside if s.point in LAST_STEPS)),
        )
