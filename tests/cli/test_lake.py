"""`tracker export`, `tracker sql` and `tracker trends --lake` as they are typed, on the demo's log."""

import subprocess
import sys

import pytest

from tests.cli.conftest import refused

pytest.importorskip("deltalake")
pytest.importorskip("duckdb")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A folder with the demo's log, and its export in `lake`."""
    folder = tmp_path_factory.mktemp("demo")
    for words in (("demo", "."), ("export", "lake")):
        subprocess.run(
            [sys.executable, "-m", "tracker", *words], cwd=folder, check=True, capture_output=True, text=True
        )
    return folder


@pytest.mark.parametrize("options", [(), ("--by", "month"), ("--by", "severity"), ("--service", "checkout")])
def test_the_page_of_a_lake_is_that_of_its_log(tracker, lake, options):
    """
    Every figure with its interval, and what is not told.
    """
    of_log = tracker(
        "trends", "--json", "--config", lake / "tracker.toml", "--store", lake / "tracker.db", *options
    )
    of_lake = tracker("trends", "--json", "--lake", lake / "lake", *options)

    assert of_lake.json == of_log.json
    assert of_lake.json["measures"]


def test_a_query_is_answered_for_people_and_for_programs(tracker, lake):
    """
    A table, or JSON with instants in RFC 3339 and names that are each there once.
    """
    query = "SELECT incident, services, started_at, NULL AS n, 1 AS n FROM incidents"

    shown = tracker("sql", lake / "lake", query)
    answer = tracker("sql", lake / "lake", query, "--json").json

    assert shown.out.splitlines()[1].split() == ["INC-42", "checkout", "2026-01-22T14:30:00Z", "-", "1"]
    assert answer["columns"] == ["incident", "services", "started_at", "n", "n_2"]
    assert answer["rows"] == [
        {
            "incident": "INC-42",
            "services": ["checkout"],
            "started_at": "2026-01-22T14:30:00Z",
            "n": None,
            "n_2": 1,
        }
    ]
    assert answer["engine"] == "duckdb"


def test_what_is_no_lake_is_refused(tracker, tmp_path, lake):
    """
    One line, and what to type.
    """
    refused(tracker("sql", "nowhere", "SELECT 1"), 11, "there is no folder nowhere")
    refused(tracker("sql", tmp_path, "SELECT 1"), 11, "was not made by an export")
    refused(tracker("sql", lake / "lake", "DROP TABLE events"), 2, "only one SELECT")
    refused(tracker("trends", "--lake", lake / "lake", "--at-seq", 3), 2, "no earlier time")
