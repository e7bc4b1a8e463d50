"""docs/lake.md has every table and column of an export, and its query gives what it says."""

import re
from pathlib import Path

import pytest

pytest.importorskip("deltalake")
pytest.importorskip("duckdb")

from tests.docs.test_data_dictionary import TABLES
from tracker.application.lake_tables import DERIVED
from tracker.application.lake_trends import OCCURRENCES
from tracker.lake.table import EVENTS, SAMPLES, SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text(encoding="utf-8")


def test_the_page_has_the_columns_of_tables_of_its_own():
    """
    Name, type and meaning of each, in their order.
    """
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (\w+) \| (.{3,}) \|$", PAGE, re.MULTILINE)

    for table, columns in (("events", EVENTS), ("samples", SAMPLES), ("occurrences", OCCURRENCES)):
        assert [(name, kind) for of, name, kind, _ in rows if of == table] == list(columns.items())


def test_the_other_tables_are_those_of_the_data_dictionary():
    """
    An answer has one name and one description, in a notebook and in the lake.
    """
    assert {*DERIVED, "procedure"} == set(TABLES)
    assert all(f"`{name}`" in PAGE for name in TABLES)
    assert f"Schema version: {SCHEMA}," in PAGE
