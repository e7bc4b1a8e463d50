"""The tables of the demo's log, column by column and value by value, as notebooks rely on them."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from projections import frames

GOLDEN = json.loads(Path(__file__).with_name("demo_tables.json").read_text(encoding="utf-8"))
ARGUMENTS = {
    "timeline": ("INC-42",),
    "samples": ("checkout", "error_ratio", "2026-01-22T14:30Z", "2026-01-22T14:40Z"),
}
WORDED = {"title", "detail", "formula", "attributed_why"}
"""Columns whose wording may improve: only whether they say anything is compared."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a demo, which always makes the same log."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "tracker", "demo", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


def plain(value):
    """A cell as JSON has it."""
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, pd.Timestamp) and value is not pd.NaT:
        return value.isoformat()
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


@pytest.mark.parametrize("name", GOLDEN)
def test_a_table_of_the_demo_is_what_notebooks_were_written_for(demo, name):
    """
    Columns, their order, their types and every value.
    """
    method = name.partition(" ")[0]
    with frames.open(demo) as log:
        table = getattr(log, method)(*ARGUMENTS.get(name, ()))

    assert {column: str(kind) for column, kind in table.dtypes.items()} == GOLDEN[name]["columns"]
    assert list(table.columns) == list(GOLDEN[name]["columns"])
    rows = [
        [
            (None if plain(value) is None else "words") if column in WORDED else plain(value)
            for column, value in zip(table.columns, row, strict=True)
        ]
        for row in table.itertuples(index=False, name=None)
    ]
    assert rows == GOLDEN[name]["rows"]
