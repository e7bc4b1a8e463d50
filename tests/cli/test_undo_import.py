"""`import --undo`: what an import brought is struck out, nothing is deleted, and it may come again."""

import pytest

from tests.cli.conftest import refused


@pytest.fixture
def elsewhere(declared, tmp_path):
    """INC-1 was imported into another log: commands typed there."""
    declared("note", 1, "the pool is empty", "--at", "14:10Z")
    declared("deploy", "finish", "checkout", "v1.2.0", "--at", "2026-03-01T13:50:30Z")
    declared("resolve", 1, "--at", "14:40Z")
    assert declared("bundle", 1, "-o", "one.bundle").code == 0

    def run(*words):
        return declared(words[0], "--store", str(tmp_path / "other.db"), *words[1:])

    assert run("import", "one.bundle", "--by", "carol").code == 0
    return run


def test_what_was_imported_is_no_answers_any_more_and_nothing_is_lost(elsewhere):
    before = elsewhere("timeline", 1, "--json").json["entries"]

    undone = elsewhere("import", "--undo", 1, "--why", "the wrong file", "--by", "carol", "--json")

    assert undone.code == 0, undone.err
    assert undone.json["incident"] == "INC-1"
    assert elsewhere("list", "--json").json["incidents"] == []
    assert elsewhere("timeline", 1).code == 12
    assert (
        "v1.2.0" not in elsewhere("changes", "--from", "2026-03-01T13:00Z", "--to", "2026-03-01T15:00Z").out
    )
    told = elsewhere("history", before[0]["event"])
    assert "the wrong file" in told.out
    assert "carol" in told.out
    assert elsewhere("verify").code == 0


def test_an_import_is_undone_once_and_only_an_import(elsewhere):
    event = elsewhere("timeline", 1, "--json").json["entries"][0]["event"]

    refused(elsewhere("import", "--undo", event, "--why", "x"), 11, "is not an import")
    refused(elsewhere("import", "--undo", 1), 12, "why")
    assert elsewhere("import", "--undo", 1, "--why", "x").code == 0
    refused(elsewhere("import", "--undo", 1, "--why", "x"), 12, "struck out already")
    refused(elsewhere("import"), 2, "name a file")


def test_what_is_imported_again_counts_again_and_can_be_undone_again(elsewhere):
    before = elsewhere("show", 1, "--json").json
    for _ in range(2):
        assert elsewhere("import", "--undo", 1, "--why", "x").code == 0
        assert elsewhere("list", "--json").json["incidents"] == []
        assert elsewhere("import", "one.bundle").code == 0
        after = elsewhere("show", 1, "--json").json
        assert {**after, "position": None} == {**before, "position": None}
    assert elsewhere("verify").code == 0


def test_what_was_decided_here_stays_and_is_counted(elsewhere):
    assert elsewhere("note", 1, "ours").code == 0

    undone = elsewhere("import", "--undo", 1, "--why", "x")

    assert "1 decision" in undone.err


def test_decisions_that_came_in_a_bundle_are_marked(declared, elsewhere, tmp_path):
    """
    In the timeline, in JSON, and in a report that is of this log; an incident that is all of another log names that one.
    """
    log = declared("verify", "--json").json["log"]
    rows = elsewhere("timeline", 1, "--json").json["entries"]
    assert {row["from_log"] for row in rows if row["by"] and row["kind"] != "bundle-imported"} == {log}
    assert {row["from_log"] for row in declared("timeline", 1, "--json").json["entries"]} == {None}
    assert any(
        "<" in line and "the pool is empty" in line for line in elsewhere("timeline", 1).out.splitlines()
    )
    assert "imported from log" not in elsewhere("report", 1, "-o", "-").out.partition("\n---\n")[0]

    assert elsewhere("note", 1, "ours: it was the pool").code == 0

    written = elsewhere("report", 1, "-o", "-").out
    [theirs] = [line for line in written.splitlines() if "the pool is empty" in line and line.startswith("|")]
    [ours] = [
        line for line in written.splitlines() if "ours: it was the pool" in line and line.startswith("|")
    ]
    assert f"imported from log {log}" in theirs
    assert "imported from log" not in ours
