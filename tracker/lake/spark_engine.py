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
from tracker.lake.reading import Lake
from tracker.lake.result import Result

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
        builder.config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    try:
        for name in names:
            _frame(session, lake, name).createOrReplaceTempView(name)
        yield session
    finally:
        session.stop()


def query(lake: Lake, sql: str) -> Result:
    """Answer one SELECT.

    Raises:
        UsageError: If Spark cannot parse it, or it names a table or column that there is not.
    """
    named = [name for name in lake.mark.tables if name in sql]
    if sql.lstrip().split(None, 1)[0].upper() not in ("SELECT", "WITH", "FROM", "VALUES"):
        raise UsageError("only one SELECT is run: a lake is read-only", hint="Begin with SELECT or WITH")
    with connected(lake, named) as session:
        from pyspark.errors import PySparkException

        try:
            return answer(session, sql)
        except PySparkException as wrong:
            lines = [line for line in str(wrong).splitlines() if line.strip()]
            raise UsageError(lines[0], hint=f"Tables: {', '.join(sorted(lake.mark.tables))}") from wrong


def answer(session: SparkSession, sql: str) -> Result:
    found = session.sql(sql)
    return Result(found.columns, [_row(row) for row in found.collect()])


def _row(row: Any) -> list[Any]:
    # Spark hands out instants in the process's own zone, without a zone.
    return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]


def _frame(session: SparkSession, lake: Lake, name: str) -> DataFrame:
    from pyspark.sql import functions

    table = lake.table(name)
    names = [field.name for field in table.schema().fields]
    if not (uris := table.file_uris()):
        types = ", ".join(f"`{field.name}` {_type(field.type)}" for field in table.schema().fields)
        return session.createDataFrame([], types)
    frame = (
        session.read.option("basePath", str(lake.folder / name)).option("mergeSchema", "true").parquet(*uris)
    )
    if table.metadata().partition_columns:
        # Spark takes each %XX of a folder's name for a letter, where it is a byte of UTF-8.
        service = functions.decode(functions.encode("service", "ISO-8859-1"), "UTF-8")
        frame = frame.withColumn("service", service).withColumn("day", functions.col("day").cast("date"))
    return frame.select(*[f"`{column}`" for column in names])


def _type(kind: Any) -> str:
    name = getattr(kind, "type", "string")
    return "array<string>" if name == "array" else {"long": "bigint"}.get(name, str(name))
