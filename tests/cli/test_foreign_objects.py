"""`verify`, `doctor` and every command that opens a store name what is not the tracker's."""

import sqlite3
from contextlib import closing

import pytest

from tracker.inbox.opening import open_inbox


@pytest.mark.parametrize("file", ["tracker.db", "tracker.db.inbox"])
def test_what_was_planted_is_named(declared, tmp_path, file):
    open_inbox(str(tmp_path / "tracker.db")).close()
    table = "stored_events" if file == "tracker.db" else "deliveries"
    with closing(sqlite3.connect(tmp_path / file)) as connection:
        connection.execute(f"CREATE TRIGGER planted BEFORE INSERT ON {table} BEGIN SELECT raise(ignore); END")

    verified, examined = declared("verify", "--json"), declared("doctor")

    assert verified.code == 5
    assert verified.json["first_problem"]["position"] == 0
    assert any(f"trigger planted on {table}" in name for name in verified.json["foreign_objects"])
    assert f"trigger planted on {table}" in declared("verify").out
    assert f"trigger planted on {table}" in examined.out
    if file == "tracker.db":
        assert "trigger planted on stored_events" in declared("list").err
        noted = declared("note", 1, "it was the deploy of noon")
        assert noted.code == 5
        assert "nothing was recorded" in noted.err
        assert "noon" not in declared("timeline", 1).out
