"""`bundle`, `import` and `verify --bundle`: an incident goes from one machine to another in one file."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, refused

QUESTIONS = [
    ("timeline", 1, "--json"),
    ("compare", 1, "--json"),
    ("changes", 1, "--json"),
    ("timeline", 1),
    ("compare", 1),
    ("history", "checkout@v1.2.0", "--json"),
]


@pytest.fixture
def bundled(declared, tmp_path):
    """INC-1 with a deploy, notes, a file, an action of the log on each; and its bundle."""
    (tmp_path / "pool.txt").write_text("10 of 10 connections\n")
    declared(
        "deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T13:50:30.5Z", "--sha", "abcdef0123456789"
    )
    declared("note", 1, "the pool is empty", "--kind", "hypothesis", "--at", "14:10Z")
    declared("link", 1, "checkout@v1.2.0", "--as", "caused", "--why", "it cut the pool")
    declared("attach", 1, "pool.txt", "--at", "14:12Z")
    declared("resolve", 1, "--at", "14:40Z")
    answer = declared("bundle", 1, "-o", "one.bundle")
    assert answer.code == 0, answer.err
    assert answer.out == "one.bundle\n"
    return declared


@pytest.fixture
def elsewhere(bundled, tmp_path):
    """The same commands on another machine: its own folder and log."""

    def run(*words):
        return bundled(words[0], "--store", str(tmp_path / "other.db"), *words[1:])

    return run


def without_marks(answer):
    """The rows of a timeline but for where decisions were made."""
    if not answer.out.startswith("{"):
        return [line.replace("<", "").split() for line in answer.out.splitlines()]
    return [{**row, "from_log": None} for row in answer.json["entries"]]


def test_what_is_imported_answers_as_it_did_where_it_was_recorded(bundled, elsewhere):
    """
    Every question, in the same bytes.
    """
    brought = elsewhere("import", "one.bundle", "--by", "carol")
    assert (brought.code, brought.out) == (0, "INC-1\n"), brought.err
    assert "new, 0 already known" in brought.err

    for words in QUESTIONS:
        here, there = bundled(*words), elsewhere(*words)
        if words[0] == "history":
            for each in (*(mine := here.json["entries"]), *(its := there.json["entries"])):
                del each["position"]
            # There each says which log it came from.
            assert all(each.pop("origin") for each in its)
            assert not any(each.pop("origin") for each in mine)
            assert mine == its
        elif words[0] == "timeline":
            # What was decided there is marked here.
            assert without_marks(there) == without_marks(here)
        else:
            assert (there.code, there.out) == (here.code, here.out), words
    mine, its = bundled("show", 1, "--json").json, elsewhere("show", 1, "--json").json
    # That one names a position of the log that is asked; and what is due is others' to do.
    del mine["next"]
    assert its.pop("next") == []
    assert (mine.pop("position"), its.pop("position")) != (None, None)
    assert its == mine


def test_reports_and_pictures_are_the_same_and_verify_says_so(bundled, elsewhere, tmp_path):
    """
    The footer is theirs; `verify --report` finds here what it quotes.
    """
    elsewhere("import", "one.bundle", "--by", "carol")
    for name, tracker in (("here", bundled), ("there", elsewhere)):
        (tmp_path / name).mkdir()
        assert tracker("report", 1, "-o", f"{name}/INC-1.md").code == 0

    assert (tmp_path / "here/INC-1.md").read_bytes() == (tmp_path / "there/INC-1.md").read_bytes()
    checked = elsewhere("verify", "--report", "there/INC-1.md")
    assert checked.code == 0, checked.out + checked.err
    assert "is reproduced byte for byte" in checked.out
    assert "The report quotes log" in checked.out
    (tmp_path / "there/INC-1.md").write_text(
        (tmp_path / "there/INC-1.md").read_text().replace("pool", "disk")
    )
    assert elsewhere("verify", "--report", "there/INC-1.md").code == 5


@pytest.mark.parametrize("number_in_use", [False, True])
def test_a_published_report_verifies_where_it_was_imported(bundled, elsewhere, tmp_path, number_in_use):
    """
    Compared with the text that came in the bundle, under whatever number the incident has here.
    """
    published = bundled("publish", 1, "--json").json["events"][0]
    bundled("note", 1, "one more thing", "--at", "14:39Z")
    bundled("bundle", 1, "-o", "two.bundle")
    if number_in_use:
        elsewhere("declare", "Ours", "--service", "search", "--severity", "minor")
    elsewhere("import", "two.bundle", "--by", "carol")
    text = (tmp_path / "INC-1.md").read_text(encoding="utf-8")

    checked = elsewhere("verify", "--report", "INC-1.md", "--json")
    assert (checked.code, checked.json["report_same"]) == (0, True)
    assert (checked.json["report_published"] == published) is not number_in_use
    assert "generated parts is as it was published" in elsewhere("verify", "--report", "INC-1.md").out
    (tmp_path / "INC-1.md").write_text(text + "\nby hand\n", encoding="utf-8")
    by_hand = elsewhere("verify", "--report", "INC-1.md")
    assert by_hand.code == 0
    assert "1 line" in by_hand.out
    (tmp_path / "INC-1.md").write_text(text.replace("pool", "disk"), encoding="utf-8")
    changed = elsewhere("verify", "--report", "INC-1.md")
    assert changed.code == 5
    assert "differs: " in changed.out
    assert "--raw" in changed.err


def test_a_report_of_another_log_says_of_which(bundled, elsewhere):
    """
    Before the bundle was imported, its head is nowhere here.
    """
    bundled("report", 1)
    log = bundled("verify", "--json").json["log"]
    elsewhere("declare", "Ours", "--service", "checkout", "--severity", "minor")

    answer = elsewhere("verify", "--report", "INC-1.md")

    assert answer.code == 5
    assert f"was written from log {log}" in answer.err


def test_a_dry_run_says_what_would_happen_and_does_nothing(bundled, elsewhere):
    """
    Under which number, how many.
    """
    elsewhere("declare", "Ours", "--service", "search", "--severity", "minor")

    answer = elsewhere("import", "one.bundle", "--dry-run")

    assert (answer.code, answer.out) == (0, "INC-2\n")
    assert "INC-1 of log" in answer.err
    assert "would become INC-2: INC-1 is another incident here" in answer.err
    assert "Would record: " in answer.err
    assert len(elsewhere("list", "--json").json["incidents"]) == 1


def test_an_import_answers_as_every_recording_command_does(bundled, elsewhere):
    """
    What is new, what was known, under which number, from where.
    """
    first = elsewhere("import", "one.bundle", "--json").json
    again = elsewhere("import", "one.bundle", "--json").json

    assert (first["incident"], first["was"], first["dry_run"]) == ("INC-1", "INC-1", False)
    assert first["log"] == bundled("verify", "--json").json["log"]
    assert (first["known"], again["recorded"], again["known"]) == (0, 0, first["recorded"] - 1)
    assert set(again["events"]) < set(first["events"])


def test_where_it_came_from_is_shown(elsewhere):
    """
    On the incident, in the list, on each event, and in the order of recording; the story itself stays as it was.
    """
    elsewhere("import", "one.bundle", "--by", "carol")

    assert "imported" in elsewhere("show", 1).out
    assert "by carol" in elsewhere("show", 1).out
    assert "Payments answer 500 (imported)" in elsewhere("list").out
    assert "origin" in elsewhere("show", "checkout@v1.2.0").out
    assert "INC-1 imported from log" in elsewhere("timeline", 1, "--order", "recorded").out
    assert "imported" not in elsewhere("timeline", 1).out


def test_what_was_imported_is_marked_in_an_events_history(elsewhere):
    """
    A decision of over there, beside a correction of it that was made here.
    """
    elsewhere("import", "one.bundle", "--by", "carol")
    rows = elsewhere("timeline", 1, "--json").json["entries"]
    note = next(row["event"] for row in rows if row["kind"] == "note-added")
    elsewhere("amend", note, "--text", "as it was", "--why", "a typo", "--by", "carol")

    entries = elsewhere("history", note, "--json").json["entries"]
    assert [entry["origin"] is None for entry in entries][-1]
    assert entries[0]["origin"]["position"] >= 1
    assert elsewhere("history", note).out.count("imported from log") == len(entries) - 1


def test_an_attached_file_comes_along(elsewhere):
    """
    Its bytes, as they were.
    """
    elsewhere("import", "one.bundle")
    rows = elsewhere("timeline", 1, "--json").json["entries"]
    [attached] = [row["event"] for row in rows if row["kind"] == "file-attached"]

    assert elsewhere("show", attached, "--raw").out == "10 of 10 connections\n"


def test_declaring_does_not_add_to_an_imported_incident(bundled, elsewhere):
    """
    It is open over there; here it is a file that somebody brought.
    """
    bundled("reopen", 1, "--why", "again")
    bundled("bundle", 1, "-o", "open.bundle")
    elsewhere("import", "open.bundle")

    answer = elsewhere("declare", "Ours", "--service", "checkout", "--severity", "minor")

    assert (answer.code, answer.out) == (0, "INC-2\n")
    assert elsewhere("note", ".", "of ours").code == 0
    assert "INC-1:" not in elsewhere("due").out


# ── the file ─────────────────────────────────────────────────────────────────


def test_a_bundle_is_checked_without_a_log(bundled, tmp_path, monkeypatch):
    """
    Whoever gets one need not have a tracker of his own; the head is held against one kept elsewhere.
    """
    there = tmp_path / "elsewhere"
    there.mkdir()
    monkeypatch.chdir(there)

    answer = bundled("verify", "--bundle", "../one.bundle", "--json")

    assert answer.code == 0
    assert (answer.json["whole"], answer.json["incident"], answer.json["first_problem"]) == (
        True,
        "INC-1",
        None,
    )
    assert list(there.iterdir()) == []
    assert bundled("verify", "--bundle", "../one.bundle", "--head", answer.json["head"]).code == 0
    assert bundled("verify", "--bundle", "../one.bundle", "--head", "0" * 64).code == 5
    refused(bundled("verify", "--bundle", "../one.bundle", "--head", "zz"), 2, "64 hexadecimal digits")


def test_a_damaged_bundle_is_refused_with_its_place_and_nothing_is_recorded(bundled, elsewhere, tmp_path):
    """
    Exit code 5, by import and by verify.
    """
    data = bytearray((tmp_path / "one.bundle").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.bundle").write_bytes(data)

    refused(elsewhere("import", "bad.bundle"), 5, "bad.bundle is not whole: ")
    refused(bundled("verify", "--bundle", "bad.bundle"), 5, "bad.bundle is not whole: ")
    said = bundled("verify", "--bundle", "bad.bundle", "--json")
    assert (said.code, said.json["whole"]) == (5, False)
    assert set(said.json["first_problem"]) == {"part", "position", "event", "what"}
    assert not (tmp_path / "other.db").exists()


def test_a_file_that_was_cut_off_says_after_which_event(bundled, tmp_path):
    """
    A download that broke off.
    """
    data = (tmp_path / "one.bundle").read_bytes()
    (tmp_path / "bad.bundle").write_bytes(data[:-200])

    refused(bundled("import", "bad.bundle"), 5, "the file ends", "bytes before the end of this part")


@pytest.mark.parametrize("name", ["tracker.db", "pool.txt", "nosuch.bundle"])
def test_what_is_no_bundle_is_refused(bundled, name):
    """
    Exit code 11, and nothing was looked at but its first line.
    """
    refused(bundled("import", name), 11, name)


def test_a_bundle_is_never_written_over_something_else(bundled, tmp_path):
    """
    A log is easily named by mistake. Another bundle is written anew, in one piece.
    """
    before = (tmp_path / "tracker.db").read_bytes()
    refused(bundled("bundle", 1, "-o", "tracker.db"), 11, "is not a bundle; it was not overwritten")
    assert (tmp_path / "tracker.db").read_bytes() == before
    refused(bundled("bundle", 1, "-o", "nowhere/x"), 11, "there is no folder nowhere")

    (tmp_path / "one.bundle").write_bytes(b"tracker bundle 1\nhalf of it")
    assert bundled("bundle", 1, "-o", "one.bundle").code == 0
    assert bundled("verify", "--bundle", "one.bundle").code == 0
    assert not list(tmp_path.glob(".one.bundle*"))


def test_a_bundle_goes_through_a_pipe(bundled, tmp_path, monkeypatch):
    """
    The same bytes to stdout, and in from stdin.
    """
    import subprocess
    import sys

    def typed(*words, data=b""):
        return subprocess.run(
            [sys.executable, "-m", "tracker", *words],
            cwd=tmp_path,
            input=data,
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).stdout

    data = typed("bundle", "1", "-o", "-")
    answer = typed("import", "-", "--store", "third.db", "--json", data=data)

    assert data == (tmp_path / "one.bundle").read_bytes()
    assert json.loads(answer)["incident"] == "INC-1"


def test_writing_a_bundle_records_nothing(bundled):
    """
    The position stays, and the second bundle is the first.
    """
    before = bundled("verify", "--json").json

    first = bundled("bundle", 1, "--json").json

    assert bundled("verify", "--json").json == before
    assert bundled("bundle", 1, "--json").json == first
    assert (first["file"], first["log"]) == ("INC-1.bundle", before["log"])


def test_a_bundle_of_a_position_is_of_what_was_known_there(bundled, elsewhere):
    """
    What came later stays here.
    """
    bundled("bundle", 1, "-o", "early.bundle", "--at-seq", 4)

    elsewhere("import", "early.bundle")

    assert elsewhere("show", 1, "--json").json["status"] == "open"
    assert elsewhere("show", 1).code == 0


def test_a_log_that_does_not_prove_the_incident_gives_no_bundle(bundled, tmp_path):
    """
    Nobody could import it; the place is named, and how to see more.
    """
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(tmp_path / "tracker.db")) as log, log:
        log.execute("UPDATE stored_events SET recorded_us=recorded_us+1 WHERE topic='note-added'")

    refused(bundled("bundle", 1, "-o", "broken.bundle"), 5, "does not prove INC-1", "tracker verify")
    assert not (tmp_path / "broken.bundle").exists()


def test_another_prefix_is_typed_in_full(bundled, elsewhere, tmp_path, monkeypatch):
    """
    What is OPS-1 over there is OPS-1 here.
    """
    monkeypatch.delenv("TRACKER_STORE")
    (tmp_path / "tracker.toml").write_text('[tracker]\nprefix = "OPS"\nstore = "ops.db"\n')
    bundled("declare", "Theirs", "--service", "search", "--severity", "minor")
    bundled("bundle", 1, "-o", "ops.bundle")
    (tmp_path / "tracker.toml").unlink()

    assert elsewhere("import", "ops.bundle").out == "OPS-1\n"
    for words in (("show", "OPS-1"), ("timeline", "ops-1"), ("report", "OPS-1", "-o", "-")):
        assert elsewhere(*words).code == 0, words
    refused(elsewhere("show", "OPS-2"), 2, "is not an incident")
