"""The data dictionary has every column of every table of `projections.frames`, and no other."""

import re
from pathlib import Path

from projections import frames
from tests import builders as make
from tracker.log import Log

PAGE = Path(__file__).parents[2] / "docs" / "data_dictionary.md"
TABLES = (
    *("incidents", "timeline", "changes", "alerts", "durations", "comparisons", "actions", "similar"),
    *("notes", "errors", "commits", "rules", "checks", "messages", "procedure"),
)


def test_the_dictionary_is_that_of_the_tables(tmp_path):
    """
    Which table has which column; each with a meaning.
    """
    path = tmp_path / "tracker.db"
    with Log(str(path)) as log:
        log.decide("INC-1", lambda _: [make.declared()])
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    written = {(table, column) for column, tables, _ in rows for table in tables.split(", ")}

    with frames.open(path) as log:
        there = {(name, column) for name in TABLES for column in getattr(log, name)().columns}

    assert written == there
    assert all(len(meaning) >= 3 for *_, meaning in rows)
    assert [column for column, *_ in rows] == sorted({column for column, *_ in rows})
