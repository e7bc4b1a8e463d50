"""The same tables as text: one CSV or JSON-lines file each, written anew and put in place in one step."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from tracker.lake.folder import fsync, unreadable
from tracker.lake.table import Kind, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = date(1970, 1, 1)


def write(folder: Path, form: str, name: str, kinds: Mapping[str, Kind], tables: Iterable[Table]) -> int:
    """Write one table's file; return how many rows it has.

    Raises:
        BadInputError: If the disk is full, or the file cannot be written.
    """
    target, temporary = folder / f"{name}.{form}", folder / f".{name}.{form}.new"
    put = _put_csv if form == "csv" else _put_jsonl
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            count = put(file, kinds, tables)
        fsync(temporary)
        temporary.replace(target)
    except OSError as wrong:
        temporary.unlink(missing_ok=True)
        raise unreadable(target, wrong) from wrong
    return count


def _put_csv(file: TextIO, kinds: Mapping[str, Kind], tables: Iterable[Table]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(kinds)
    count = 0
    for row in _rows(kinds, tables):
        writer.writerow(
            [
                json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
                for value in row
            ]
        )
        count += 1
    return count


def _put_jsonl(file: TextIO, kinds: Mapping[str, Kind], tables: Iterable[Table]) -> int:
    count = 0
    for row in _rows(kinds, tables):
        file.write(json.dumps(dict(zip(kinds, row, strict=True)), ensure_ascii=False) + "\n")
        count += 1
    return count


def _rows(kinds: Mapping[str, Kind], tables: Iterable[Table]) -> Iterator[list[Any]]:
    ways = list(kinds.values())
    for table in tables:
        for row in table.rows():
            yield [_shown(kind, value) for kind, value in zip(ways, row, strict=True)]


def _shown(kind: Kind, value: Any) -> Any:
    """Write an instant as RFC 3339, a number that is none as a text: JSON has no NaN."""
    if value is None:
        return None
    if kind == "instant":
        at = _EPOCH + timedelta(microseconds=value)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z"
    if kind == "date":
        return (_DAY + timedelta(days=value)).isoformat()
    if kind == "labels":
        return json.loads(value)
    if kind == "float" and not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    return value
