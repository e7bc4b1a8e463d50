"""Spark over a lake's list of files: it needs no JAR, for it reads Parquet and not Delta."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from shutil import which
from typing import TYPE_CHECKING, Any

from tracker.errors import SettingsError, UsageError
from tracker.lake.reading import Lake, files_by_service
from tracker.lake.result import Result, joined, require_samples

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MASTER = "TRACKER_SPARK_MASTER"
"""Names the cluster, as spark-submit's --master does; without it all runs in this machine's cores."""


@contextmanager
def connected(lake: Lake, names: Sequence[str]) -> Iterator[SparkSession]:
    """Start Spark with a view of each of these tables.

    Raises:
        SettingsError: If pyspark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as missing:
        raise SettingsError(
            f"--engine spark needs the package {missing.name}",
            hint="pip install 'tracker[spark]', or leave out --engine: DuckDB answers the same",
        ) from missing
    if not os.environ.get("JAVA_HOME") and which("java") is None:
        raise SettingsError("--engine spark needs Java", hint="sudo apt-get install default-jre-headless")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    master = os.environ.get(MASTER, "local[*]")
    builder = SparkSession.builder.appName("tracker").master(master)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.config("spark.driver.host", "127.0.0.1")
    session = (
        builder.config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    # Two for each core of the cluster: 200, which is the default, costs more than a small lake's whole answer.
    session.conf.set("spark.sql.shuffle.partitions", str(2 * session.sparkContext.defaultParallelism))
    try:
        for name in names:
            _frame(session, lake, name, lake.table(name).file_uris()).createOrReplaceTempView(name)
        yield session
    finally:
        session.stop()


def query(lake: Lake, sql: str, *, each_service: bool = False) -> Result:
    """Answer one SELECT; with `each_service` once for the samples of each, and return all rows together.

    Raises:
        UsageError: If Spark cannot parse it, or it names a table or column that there is not.
    """
    named = [name for name in lake.mark.tables if name in sql]
    if sql.lstrip().split(None, 1)[0].upper() not in ("SELECT", "WITH", "FROM", "VALUES"):
        raise UsageError("only one SELECT is run: a lake is read-only", hint="Begin with SELECT or WITH")
    if each_service:
        require_samples(named)
    with connected(lake, named) as session:
        from pyspark.errors import PySparkException

        try:
            if each_service:
                return joined(answer_each_service(session, lake, sql))
            return answer(session, sql)
        except PySparkException as wrong:
            lines = [line for line in str(wrong).splitlines() if line.strip()]
            raise UsageError(lines[0], hint=f"Tables: {', '.join(sorted(lake.mark.tables))}") from wrong


def answer_each_service(session: SparkSession, lake: Lake, sql: str) -> Iterator[Result]:
    for uris in files_by_service(lake.table("samples")) or [[]]:
        _frame(session, lake, "samples", uris).createOrReplaceTempView("samples")
        yield answer(session, sql)


def answer(session: SparkSession, sql: str) -> Result:
    found = session.sql(sql)
    return Result(found.columns, [_row(row) for row in found.collect()])


def _row(row: Any) -> list[Any]:
    # Spark hands out instants in the process's own zone, without a zone.
    return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]


def _frame(session: SparkSession, lake: Lake, name: str, uris: Sequence[str]) -> DataFrame:
    from pyspark.sql import functions

    table = lake.table(name)
    # Named, not inferred: Spark would read the end of every file for it, and older files lack newer columns.
    schema = ", ".join(f"`{field.name}` {_type(field.type)}" for field in table.schema().fields)
    if not uris:
        return session.createDataFrame([], schema)
    frame = session.read.schema(schema).option("basePath", str(lake.folder / name)).parquet(*uris)
    if "service" in table.metadata().partition_columns:
        # Spark takes each %XX of a folder's name for a letter, where it is a byte of UTF-8.
        service = functions.decode(functions.encode("service", "ISO-8859-1"), "UTF-8")
        frame = frame.withColumn("service", service)
    return frame.select(*[f"`{field.name}`" for field in table.schema().fields])


def _type(kind: Any) -> str:
    name = getattr(kind, "type", "string")
    return "array<string>" if name == "array" else {"long": "bigint"}.get(name, str(name))
