"""The monthly review from a lake: what its figures count is a table there, so that any engine gives the same page."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from projections.trends.measures import Occurrence, Series, measures
from projections.trends.over_time import over_time
from projections.trends.periods import Period, compared
from tracker.application.all_incidents import AllIncidents
from tracker.application.trends import (
    Repeat,
    Trends,
    action_series,
    deploy_series,
    duration_series,
    occurrences_of,
    repeated_incidents,
)
from tracker.incident import Status
from tracker.lake.reading import Lake
from tracker.lake.result import Result
from tracker.lake.table import Kind, Table
from tracker.log import Log
from tracker.times import to_us

OCCURRENCES: dict[str, Kind] = {
    "measure": "text",
    "kind": "text",
    "of": "text",
    "compares": "boolean",
    "at": "instant",
    "what": "text",
    "service": "text",
    "severity": "text",
    "seconds": "float",
    "is_open": "boolean",
    "hit": "boolean",
    "key": "text",
    "still_open": "boolean",
    "earlier": "text",
    "reasons": "texts",
    "promised": "texts",
}
_SPAN = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_KEPT = {"met": True, "late": False, "missed": False}
TABLES = ("occurrences", "changes", "procedure", "durations", "events")
"""The tables that a page is made of."""
Query = Callable[[Lake, str], Result]


def occurrences(log: Log, known: AllIncidents) -> Table:
    """Lay out what every measure counts, of all time; rules of the procedure are a table of their own."""
    counted = [each for each in known.incidents if each.merged_into is None]
    assert known.now is not None
    repeats = repeated_incidents(log, known, None)
    series = [
        Series("incidents", "count", [each for one in counted for each in occurrences_of(one)]),
        Series(
            "repeat_incidents",
            "share",
            [each for one in counted for each in occurrences_of(one, hit=one.id in repeats)],
            compares=False,
        ),
        *duration_series(known, counted, known.now, [Period("", *_SPAN)], {}),
        *deploy_series(known, known.now),
        action_series(log, counted, known.now, None),
    ]
    still_open = {one.id for one in counted if one.status is Status.OPEN}
    columns: dict[str, list[Any]] = {name: [] for name in OCCURRENCES}
    for one in series:
        for each in one.occurrences:
            repeat = repeats.get(each.what) if one.measure == "repeat_incidents" else None
            row = {
                **{name: getattr(one, name) for name in ("measure", "kind", "of", "compares")},
                **{
                    name: getattr(each, name)
                    for name in ("what", "service", "severity", "is_open", "hit", "key")
                },
                "at": to_us(each.at),
                "seconds": each.seconds,
                "still_open": one.of == "incidents" and each.what in still_open,
                "earlier": repeat.earlier if repeat else None,
                "reasons": list(repeat.reasons) if repeat else [],
                "promised": list(repeat.open_actions) if repeat else [],
            }
            for name, value in row.items():
                columns[name].append(value)
    return Table("occurrences", OCCURRENCES, columns)


def known_at(lake: Lake, query: Query) -> datetime:
    """Return when the last event of a lake was recorded."""
    [[at]] = query(lake, f"SELECT recorded_at FROM events WHERE position = {lake.position}").rows  # noqa: S608
    assert isinstance(at, datetime)
    return at


def trends(
    lake: Lake,
    query: Query,
    start: datetime,
    end: datetime,
    *,
    services: Sequence[str] = (),
    by: str | None = None,
) -> Trends:
    """Measure a span as `tracker.application.trends.trends` does, from the tables of a lake."""
    rows = _rows(lake, query, "occurrences")
    known: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["measure"] == "incidents":
            known.setdefault(row["what"], []).append(row)
    changed = [row for row in _rows(lake, query, "changes") if row["kind"] != "merge"]
    names = list(services) or sorted(
        {row["service"] for found in known.values() for row in found if row["service"]}
        | {row["service"] for row in changed if row["service"]}
    )
    periods = compared(start, end, by)
    reach = [period for pair in periods for period in pair if period is not None]
    mine = {what: found for what, found in known.items() if any(row["service"] in names for row in found)}
    series = _series(rows)
    at = next(
        (place for place, one in enumerate(series) if one.measure == "action_items_on_time"), len(series)
    )
    series[at:at] = _rules(_rows(lake, query, "procedure"), mine, [period for period, _ in periods])
    if by == "severity":
        severities = sorted({found[0]["severity"] for found in known.values() if found[0]["severity"]})
        groups: list[dict[str, Any]] = [{"services": set(names), "severity": one} for one in severities]
        series = [one for one in series if one.of == "incidents"]
    else:
        groups = [{"name": name, "services": {name}} for name in names]
    first = [*(found[0]["at"] for found in known.values()), *(row["occurred_at"] for row in changed)]
    since = min(first, default=None)
    figures, comparisons = measures(series, periods, groups, since=since)
    inside = {what: found[0] for what, found in mine.items() if start <= found[0]["at"] < end}
    left_out: dict[str, int] = {}
    for row in _rows(lake, query, "durations"):
        known_of = mine.get(row["incident"]) if row["state"] in ("uncertain", "invalid") else None
        if known_of is not None and any(period.has(known_of[0]["at"]) for period in reach):
            left_out[row["duration"]] = left_out.get(row["duration"], 0) + 1
    repeats = {one["what"]: one for one in rows if one["earlier"] is not None}
    return Trends(
        start=start,
        end=end,
        services=names,
        position=lake.position,
        known_at=known_at(lake, query),
        measures=[each for each in figures if each.n or each.n_before],
        comparisons=comparisons,
        repeats=[
            Repeat(what, one["earlier"], list(one["reasons"]), list(one["promised"]))
            for what in inside
            if (one := repeats.get(what)) is not None
        ],
        left_out=left_out,
        incidents=len(inside),
        open_incidents=sum(one["still_open"] for one in inside.values()),
        over_time=over_time(series, names, reach, since, end),
    )


def _rows(lake: Lake, query: Query, table: str) -> list[dict[str, Any]]:
    result = query(lake, f"SELECT * FROM {table}")  # noqa: S608 - our own names
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return sorted(rows, key=itemgetter("row"))


def _series(rows: Sequence[dict[str, Any]]) -> list[Series]:
    found: dict[str, tuple[dict[str, Any], list[Occurrence]]] = {}
    for row in rows:
        names = ("at", "what", "service", "severity", "seconds", "is_open", "hit", "key")
        occurrence = Occurrence(**{name: row[name] for name in names})
        found.setdefault(row["measure"], (row, []))[1].append(occurrence)
    return [
        Series(measure, row["kind"], of, row["of"], row["compares"]) for measure, (row, of) in found.items()
    ]


def _rules(
    rows: Sequence[dict[str, Any]], known: dict[str, list[dict[str, Any]]], periods: Sequence[Period]
) -> list[Series]:
    found: dict[str, list[Occurrence]] = {}
    for row in rows:
        for one in known.get(row["incident"], ()) if row["status"] in _KEPT else ():
            if any(period.has(one["at"]) for period in periods):
                kept = Occurrence(
                    one["at"], one["what"], one["service"], one["severity"], hit=_KEPT[row["status"]]
                )
                found.setdefault(row["rule"], []).append(kept)
    return [Series(f"rule:{rule}", "share", each, compares=False) for rule, each in found.items()]
