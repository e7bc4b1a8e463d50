"""Query the tables of a folder that `tracker export` made, in SQL: read-only, by DuckDB or by Spark.

The tables and their columns: docs/lake.md. Spark runs on this machine's cores, or on the cluster that
TRACKER_SPARK_MASTER names (spark://…, yarn, local-cluster[…]), whose machines must see the folder at the same path.
"""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from tracker.application.session import Session
from tracker.cli.common import add_json, say, write_json
from tracker.errors import UsageError
from tracker.lake import duckdb_engine, spark_engine
from tracker.lake.reading import open_lake

EXAMPLE = "example:  tracker sql lake 'SELECT service, count(*) AS deploys FROM changes GROUP BY service'"
ENGINES = {"duckdb": duckdb_engine.query, "spark": spark_engine.query}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of a tracker export")
    parser.add_argument("query", metavar="SELECT", help="one SELECT; - reads it from stdin")
    parser.add_argument(
        "--engine",
        choices=tuple(ENGINES),
        default="duckdb",
        help="duckdb (default), or spark: pip install 'tracker[spark]'",
    )
    parser.add_argument(
        "--each-service",
        action="store_true",
        help="run the query once for the samples of each service, and print all rows: "
        "memory is then that of the largest service",
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    lake = open_lake(arguments.folder)
    query = sys.stdin.read() if arguments.query == "-" else arguments.query
    if not query.strip():
        raise UsageError("sql: there is no query", hint=EXAMPLE.removeprefix("example:  "))
    result = ENGINES[arguments.engine](lake, query, each_service=arguments.each_service)
    names = result.names()
    if arguments.json:
        rows = [dict(zip(names, map(_json, row), strict=True)) for row in result.rows]
        write_json({"engine": arguments.engine, "position": lake.position, "columns": names, "rows": rows})
        return 0
    _print(names, [[_shown(value) for value in row] for row in result.rows])
    say(f"{len(result.rows)} rows; the lake goes up to position {lake.position}")
    return 0


def _print(names: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        at = value.astimezone(UTC) if value.tzinfo else value
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}".rstrip("0").rstrip(".") + (
            "Z" if value.tzinfo else ""
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return repr(value)
    plain = _json(value)
    if isinstance(plain, list):
        return ", ".join(map(str, plain))
    return str(plain)
