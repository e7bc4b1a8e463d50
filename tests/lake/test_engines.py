"""The same question gives the same digits from DuckDB, from pandas and from a real Spark with two executors."""

import re
import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from projections import frames
from tests import builders as make
from tests.lake.conftest import START, chunks
from tracker.application import lake_trends
from tracker.application.trends import trends
from tracker.errors import UsageError
from tracker.lake import duckdb_engine, spark_engine
from tracker.lake.reading import open_lake
from tracker.lake.result import joined

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text(encoding="utf-8")
[WINDOWS] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def deployed(world):
    """Two days of samples of two services, and changes in the middle of them and around midnight."""
    world.samples(days=2)
    world.now = START + timedelta(days=3)
    world.append(
        make.deploy(11, version="1.0"),
        make.deploy(590, version="1.1"),
        make.rollback(630, version="1.0"),
        make.deploy(700, version="9", service="odd name/ü=%20"),
    )
    world.append(*chunks("checkout", "latency", START + timedelta(days=2), 60))
    world.export()


def by_pandas(world):
    """The answer of docs/lake.md's query, from the log, by pandas."""
    rows = {}
    with frames.open(world.store) as log:
        for change in log.changes().itertuples():
            for name, length in (("10m", "10min"), ("1h", "1h"), ("1d", "1D")):
                for metric in ("latency", "errors"):
                    at, wide = change.occurred_at, pd.Timedelta(length)
                    table = log.samples(change.service, metric, at - wide, at + wide)
                    for side, part in (
                        ("before", table[table.occurred_at < at]),
                        ("after", table[table.occurred_at >= at]),
                    ):
                        if len(part):
                            values = part["value_seconds"].to_numpy()
                            rows[change.event, name, metric, side] = (
                                len(values),
                                float(np.percentile(values, 50)),
                                float(np.percentile(values, 95)),
                            )
    return rows


def as_rows(result):
    assert list(result.columns) == ["change", "window_name", "metric", "side", "n", "p50", "p95"]
    return {tuple(row[:4]): tuple(row[4:]) for row in result.rows}


def assert_same(found, expected):
    """Counts are equal, and percentiles to the last digits of a double."""
    assert found.keys() == expected.keys()
    for key, (count, *quantiles) in expected.items():
        assert found[key][0] == count
        np.testing.assert_allclose(found[key][1:], quantiles, rtol=1e-13, atol=0)


def test_duckdb_and_pandas_agree_on_each_window_of_each_change(world):
    """
    Before and after each change, exact median and 95th percentile, three windows.
    """
    deployed(world)

    found = as_rows(duckdb_engine.query(open_lake(world.lake), WINDOWS))
    by_service = as_rows(duckdb_engine.query(open_lake(world.lake), WINDOWS, each_service=True))

    assert len(found) == 4 * 3 * 2 * 2
    assert_same(found, by_pandas(world))
    assert by_service == found


def test_only_the_files_that_a_query_needs_are_opened(world):
    """
    Neither the end of another day's file, nor that of another service's.
    """
    world.samples(days=2)
    world.export()
    lake = open_lake(world.lake)
    [first, *others] = lake.table("samples").file_uris()
    for other in others:
        Path(other).write_bytes(b"unreadable")
    [service, day] = (part.partition("=")[2] for part in Path(first).parts[-3:-1])

    sql = f"SELECT count(*) > 0 FROM samples WHERE service = '{unquote(service)}' AND day = DATE '{day}'"  # noqa: S608

    assert duckdb_engine.query(lake, sql).rows == [(True,)]


@pytest.mark.slow
def test_a_spark_cluster_of_two_executors_gives_the_same(world, monkeypatch, tmp_path):
    """
    Two JVMs of their own, without any JAR: an empty table, a table with lists, days, the windows, and the monthly review.
    """
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    world.incident()
    world.log.decide("INC-1", lambda _: [make.resolved()])
    deployed(world)
    lake = open_lake(world.lake)
    monkeypatch.setenv(spark_engine.MASTER, "local-cluster[2,1,1024]")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    # A small answer is not worth compiling for: half of the CPU.
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    (tmp_path / "spark-defaults.conf").write_text("spark.sql.codegen.wholeStage false\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))

    names = ("checks", "samples", *lake_trends.TABLES)
    tables = (
        "SELECT (SELECT count(*) FROM checks), event, candidate_for, occurred_at FROM changes ORDER BY event"
    )
    days = "SELECT service, day, count(*) AS n, max(occurred_at) AS last FROM samples GROUP BY service, day ORDER BY service, day"
    span = (START, START + timedelta(days=3))
    with spark_engine.connected(lake, names) as session:
        executors = session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
        spark = [spark_engine.answer(session, sql) for sql in (WINDOWS, tables)]
        spark.append(joined(spark_engine.answer_each_service(session, lake, days)))
        review = lake_trends.trends(lake, lambda _, sql: spark_engine.answer(session, sql), *span)
    duck = [duckdb_engine.query(lake, sql) for sql in (WINDOWS, tables, days)]

    assert executors == 2
    assert_same(as_rows(spark[0]), as_rows(duck[0]))
    for answer, expected in zip(spark[1:], duck[1:], strict=True):
        assert [tuple(row) for row in answer.rows] == [tuple(row) for row in expected.rows]
    assert {one.measure for one in review.measures} > {"incidents", "time_to_resolve"}
    assert review == lake_trends.trends(lake, duckdb_engine.query, *span)
    assert review == trends(world.log, *span)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY incidents TO 'stolen.csv'",
        "SELECT 1; DROP VIEW incidents",
        "INSTALL httpfs",
        "ATTACH 'other.db'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('tracker.db')",
        "PRAGMA database_list",
    ],
)
def test_a_query_reads_the_lake_and_nothing_else(world, sql):
    """
    One SELECT over its tables: no other file, no second statement.
    """
    world.incident()
    world.export()

    with pytest.raises(UsageError):
        duckdb_engine.query(open_lake(world.lake), sql)
    assert not (world.folder / "stolen.csv").exists()


def test_a_query_that_names_no_column_says_which_there_are(world):
    """
    One line, and what to type next.
    """
    world.incident()
    world.export()

    with pytest.raises(UsageError, match="severitty") as refused:
        duckdb_engine.query(open_lake(world.lake), "SELECT severitty FROM incidents")
    assert "severity" in refused.value.hint
    with pytest.raises(UsageError) as refused:
        duckdb_engine.query(open_lake(world.lake), "SELECT * FROM incident")
    assert "incidents" in refused.value.hint
    with pytest.raises(UsageError, match="--each-service"):
        duckdb_engine.query(open_lake(world.lake), "SELECT * FROM incidents", each_service=True)
