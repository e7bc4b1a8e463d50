"""The tables of the lake that are answers: the frames of notebooks, kept as they are computed from the log.

All are computed again when the log has grown, but for the procedure: each incident costs as much there as
`tracker check`, so only those are evaluated of which something was recorded or came due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from projections.frames.log_frames import Frames
from tracker.application.all_incidents import AllIncidents
from tracker.events.base import Decision, Observation, Recorded
from tracker.events.changes import (
    BranchSeen,
    CommitMade,
    RepositoryRead,
    TestsFinished,
    TestsInterrupted,
    VersionTagged,
)
from tracker.events.corrections import EventAmended, EventRedacted, EventRetracted
from tracker.events.housekeeping import SettingsChanged
from tracker.incident import Incident
from tracker.lake.table import Kind, Table
from tracker.log import Log
from tracker.times import to_us

if TYPE_CHECKING:
    import pandas as pd

DERIVED = (
    *("incidents", "changes", "alerts", "errors", "comparisons", "durations", "actions"),
    *("notes", "commits", "rules", "checks", "messages", "similar", "timeline"),
)
"""Frames that are computed whole."""
NEAR = timedelta(days=31)
"""How far before an incident, and after it, a fact may count for its procedure; git facts count whenever they come."""
GIT_FACTS = (CommitMade, VersionTagged, BranchSeen, RepositoryRead, TestsFinished, TestsInterrupted)

_JSON = msgspec.json.Encoder(order="deterministic")
_KINDS: dict[str, Kind] = {
    "string": "text",
    "Int64": "integer",
    "Float64": "float",
    "boolean": "boolean",
    "datetime64[us, UTC]": "instant",
    "datetime64[s]": "date",
}
HeldRows = Callable[[str, dict[str, Kind]], list[tuple[Any, ...]]]


def derived_tables(frames: Frames) -> Iterator[Table]:
    for name in DERIVED:
        yield table_of(name, getattr(frames, name)())


def procedure_table(frames: Frames, known: AllIncidents, held: HeldRows | None, new: Changed | None) -> Table:
    """Evaluate the procedure of the incidents that `new` may have changed; the rows of the others are `held`."""
    if held is None or new is None:
        return table_of("procedure", frames.procedure())
    empty = table_of("procedure", frames.procedure_of([]))
    rows = held("procedure", dict(empty.kinds))
    names = list(empty.kinds)
    incident_at, due_at = names.index("incident"), names.index("due_at")
    of: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        of.setdefault(row[incident_at], []).append(row)
    since = to_us(new.since)
    stale = [
        one
        for one in known.incidents
        if one.id not in of
        or new.touches(one, known.incidents)
        or any(row[due_at] is not None and row[due_at] >= since for row in of[one.id])
    ]
    fresh = table_of("procedure", frames.procedure_of(stale))
    for one in stale:
        of[one.id] = []
    for row in fresh.rows():
        of[row[incident_at]].append(row)
    together = [row for one in known.incidents for row in of[one.id]]
    columns = zip(*together, strict=True) if together else ([] for _ in names)
    return Table("procedure", empty.kinds, dict(zip(names, map(list, columns), strict=True)))


class Changed:
    """What was recorded since the last export, as far as it can change what is known of an incident."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._everything = False
        self._named: set[str] = set()
        self._spans: dict[str | None, tuple[datetime, datetime]] = {}

    def add(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, SettingsChanged | EventAmended | EventRetracted | EventRedacted):
            self._everything = True
        elif isinstance(event, Decision):
            if event.incident is not None:
                self._named.add(event.incident)
        elif isinstance(event, Observation):
            first = last = event.occurred_at
            if isinstance(event, GIT_FACTS):
                first = datetime.min.replace(tzinfo=first.tzinfo)
            low, high = self._spans.get(event.service, (first, last))
            self._spans[event.service] = min(low, first), max(high, getattr(event, "last_at", last))

    def touches(self, incident: Incident, incidents: list[Incident]) -> bool:
        if self._everything or incident.id in self._named or incident.resolved_at is None:
            return True
        begins, ends = incident.begins_at - NEAR, incident.resolved_at + NEAR
        for service in (*incident.services, None):
            first, last = self._spans.get(service, (ends, begins))
            if first <= ends and last >= begins:
                return True
        return any(
            other.id in self._named
            and not set(other.services).isdisjoint(incident.services)
            and begins <= other.begins_at <= ends
            for other in incidents
        )


def table_of(name: str, frame: pd.DataFrame) -> Table:
    """Lay out a frame's columns as plain values; what is NA or NaT is None."""
    kinds: dict[str, Kind] = {}
    columns: dict[str, list[Any]] = {}
    for column in frame:
        series = frame[column]
        kind = _KINDS.get(str(series.dtype)) or ("labels" if column == "labels" else "texts")
        kinds[str(column)] = kind
        columns[str(column)] = _plain(kind, series)
    return Table(name, kinds, columns)


def _plain(kind: Kind, series: pd.Series[Any]) -> list[Any]:
    if kind == "texts":
        return [list(value) if value is not None else [] for value in series]
    if kind == "labels":
        return [_JSON.encode(value or {}).decode() for value in series]
    missing = series.isna()
    if kind in ("instant", "date"):
        unit = "datetime64[us]" if kind == "instant" else "datetime64[D]"
        values = series.to_numpy(dtype=unit).astype("int64").tolist()
    else:
        values = series.tolist()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


def frames_of(log: Log, store: str) -> Frames:
    return Frames(store, log=log)
