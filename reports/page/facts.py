"""What the page shows, as the application read it."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from projections.changes import ChangeRow
from projections.procedure.advice import Advice
from projections.silence import Silence
from projections.similarity import Match
from projections.since import News
from projections.timeline_rows import Entry
from reports.context import Context
from tracker.incident import Incident

GROUPS = ("people", "alerts", "changes", "verdicts")
"""By what the timeline can be filtered."""


@dataclass(frozen=True)
class IncidentFacts:
    """One incident as of a position of the log.

    `running` are the changes whose versions run, by service; None where that is unknown. `similar` is None where
    nothing was looked up. `log` is the id of the log.
    """

    context: Context
    entries: Sequence[Entry]
    position: int
    now: datetime
    due: Sequence[Advice]
    running: Mapping[str, ChangeRow | None]
    last_change: ChangeRow | None
    related: Sequence[Incident]
    similar: Sequence[Match] = ()
    log: str = ""

    @property
    def incident(self) -> Incident:
        return self.context.incident

    @property
    def pictured(self) -> str:
        """Name what the pictures show: a verdict may come by time alone, with nothing recorded."""
        shown = [
            (one.change, one.metric, one.window, one.baseline, one.verdict, one.provisional)
            for one in self.context.verdicts
        ]
        return f"{self.position}-{zlib.crc32(repr(shown).encode()):08x}"


@dataclass(frozen=True)
class ParkedDelivery:
    """A delivery that could not be parsed."""

    number: int
    route: str
    source: str
    received_at: datetime
    reason: str


@dataclass(frozen=True)
class Heard:
    """When a source was heard last; `up` is whether it answered the last poll, None for one that only sends."""

    source: str
    at: datetime | None
    up: bool | None = None


@dataclass(frozen=True)
class Overview:
    """All incidents that need a look, and what `serve` hears."""

    now: datetime
    zone: tzinfo
    position: int
    open: Sequence[tuple[Incident, Sequence[Advice]]]
    resolved: Sequence[tuple[Incident, Sequence[Advice]]]
    silences: Sequence[Silence]
    parked: Sequence[ParkedDelivery]
    heard: Sequence[Heard]


@dataclass(frozen=True)
class Since:
    """What is new since a reader looked last: what they typed, as what that was read, and what came since."""

    typed: str
    read_as: str
    news: News
