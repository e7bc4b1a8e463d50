"""A lake's tables as the same frames that its log gives: what `tracker export` computed, read back."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from projections.frames import columns
from projections.frames.columns import Columns
from projections.frames.instants import instant
from tracker.errors import UsageError
from tracker.lake.duckdb_engine import connected
from tracker.lake.reading import Lake
from tracker.text.shell import command
from tracker.times import to_us, utc

if TYPE_CHECKING:
    import pandas as pd

_LABEL = re.compile(r'([^={},\s]+)="((?:[^"\\]|\\.)*)"')


class LakeFrames:
    """One lake, opened for reading; each table is as it was when the last export ran."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def __enter__(self) -> LakeFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing stays open between two questions."""

    def incidents(self) -> pd.DataFrame:
        return self._frame("incidents", columns.INCIDENTS)

    def timeline(self, incident: str | int | None = None) -> pd.DataFrame:
        """As `Frames.timeline` without an incident; which facts belong to one is asked of the log."""
        if incident is not None:
            raise UsageError(
                f"a lake has no timeline of {incident} alone",
                hint='Ask the log: frames.open("tracker.toml"), or take timeline() and choose rows',
            )
        return self._frame("timeline", columns.TIMELINE)

    def changes(self) -> pd.DataFrame:
        return self._frame("changes", columns.CHANGES)

    def alerts(self) -> pd.DataFrame:
        return self._frame("alerts", columns.ALERTS)

    def errors(self) -> pd.DataFrame:
        return self._frame("errors", columns.ERRORS)

    def comparisons(self) -> pd.DataFrame:
        return self._frame("comparisons", columns.COMPARISONS)

    def durations(self) -> pd.DataFrame:
        return self._frame("durations", columns.DURATIONS)

    def actions(self) -> pd.DataFrame:
        return self._frame("actions", columns.ACTIONS)

    def procedure(self) -> pd.DataFrame:
        return self._frame("procedure", columns.PROCEDURE)

    def notes(self) -> pd.DataFrame:
        return self._frame("notes", columns.NOTES)

    def commits(self) -> pd.DataFrame:
        return self._frame("commits", columns.COMMITS)

    def rules(self) -> pd.DataFrame:
        return self._frame("rules", columns.RULES)

    def checks(self) -> pd.DataFrame:
        return self._frame("checks", columns.CHECKS)

    def messages(self) -> pd.DataFrame:
        return self._frame("messages", columns.MESSAGES)

    def similar(self) -> pd.DataFrame:
        return self._frame("similar", columns.SIMILAR)

    def samples(self, service: str, metric: str, start: datetime | str, end: datetime | str) -> pd.DataFrame:
        """As `Frames.samples`; a metric that the lake has no samples of is rejected, whatever the settings say.

        Raises:
            UsageError: If start or end name no zone, `end` is not after `start`, or there is no such metric.
        """
        import numpy as np

        first, last = instant(start, "start"), instant(end, "end")
        if last <= first:
            raise UsageError(f"end ({utc(last)}) is not after start ({utc(first)})", hint="Swap them")
        # To the millisecond, rounded up on both sides, as the log's samples are compared.
        low, high = (-(-to_us(at) // 1000) * 1000 for at in (first, last))
        known = self._known_unit(service, metric)
        with connected(self._lake, ["samples"]) as connection:
            found = connection.execute(
                "SELECT query, series, epoch_us(occurred_at) AS at_us, value, unit FROM samples "
                "WHERE coalesce(service, '') = $service AND metric = $metric "
                "AND day BETWEEN $first AND $last "
                "AND occurred_at >= make_timestamptz($low) AND occurred_at < make_timestamptz($high)",
                {
                    "service": service,
                    "metric": metric,
                    "first": first.date(),
                    "last": last.date(),
                    "low": low,
                    "high": high,
                },
            ).fetchnumpy()
        units = {unit for unit in np.ma.asarray(found["unit"]).tolist() if unit} or {known}
        return _samples(found, units.pop() if len(units) == 1 else None)

    def _known_unit(self, service: str, metric: str) -> str | None:
        with connected(self._lake, ["samples"]) as connection:
            found = connection.execute(
                "SELECT coalesce(service, ''), metric, arg_max(unit, position) FROM samples GROUP BY ALL"
            ).fetchall()
        units: dict[tuple[str, str], str | None] = {(of, name): unit for of, name, unit in found}
        if (service, metric) not in units:
            known = [f"{of}/{name}" for of, name in units]
            near = ", ".join(difflib.get_close_matches(f"{service}/{metric}", known, n=3, cutoff=0.0))
            raise UsageError(
                f"there is no metric {metric!r} of {service!r} in the lake",
                hint=f"The nearest are: {near}" if near else "Collect some first: tracker collect INC",
            )
        return units[service, metric]

    def _frame(self, name: str, layout: Columns) -> pd.DataFrame:
        with connected(self._lake, [name]) as connection:
            done = connection.execute(f'SELECT * FROM "{name}" ORDER BY "row"')  # noqa: S608 - our own names
            names = [column[0] for column in done.description]
            rows = done.fetchall()
        missing = [column for column in layout.names if column not in names]
        if missing:
            raise UsageError(
                f"table {name} of the lake has no column {missing[0]}: an earlier tracker wrote it",
                hint=f"Bring it up to date: {command('tracker', 'export', str(self._lake.folder))}",
            )
        return layout.frame(
            {column: _plain(column, value) for column, value in zip(names, row, strict=True)} for row in rows
        )


def _plain(column: str, value: Any) -> Any:
    if column == "labels" and isinstance(value, str):
        return json.loads(value)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _samples(found: Mapping[str, Any], unit: str | None) -> pd.DataFrame:
    """Lay samples out as `samples_frame` does, sorted by query, labels and instant."""
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {
            "occurred_at": pd.DatetimeIndex(found["at_us"].astype("datetime64[us]")).tz_localize("UTC"),
            f"value_{unit}" if unit else "value": found["value"],
            "series": pd.array(np.asarray(found["series"], dtype=object), dtype="string"),
            "query": pd.array(np.asarray(found["query"], dtype=object), dtype="string"),
        }
    )
    places = {one: at for at, one in enumerate(sorted(set(frame["series"]), key=_labels))}
    order = np.lexsort((frame["occurred_at"], frame["series"].map(places), frame["query"].to_numpy()))
    return frame.iloc[order].reset_index(drop=True)


def _labels(series: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, re.sub(r"\\(.)", _unescaped, value)) for name, value in _LABEL.findall(series))


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
