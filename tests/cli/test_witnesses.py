"""A report or a bundle that names a head which this log does not have is never written over."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Typed, refused

WRITTEN = {
    "report": "INC-1.md",
    "publish": "INC-1.md",
    "report --force": "INC-1.md",
    "report --template google": "INC-1.md",
    "report --format html": "INC-1.html",
    "report --format html --force": "INC-1.html",
    "bundle": "INC-1.bundle",
}


@pytest.fixture
def log(declared: Typed) -> Typed:
    """INC-1, resolved, with a note."""
    declared("note", 1, "before the backup", "--at", "14:30Z")
    declared("resolve", 1, "--at", "15:00Z")
    return declared


def restored(log: Typed, before: Path, words: list[str]) -> None:
    """Write a file after the third note, then restore the log from before the notes and continue."""
    shutil.copy("tracker.db", before)
    for number in range(3):
        log("note", 1, f"acknowledged {number}", "--at", "14:31Z")
    assert log(*words).code == 0
    for file in Path.cwd().glob("tracker.db*"):
        file.unlink()
    shutil.copy(before, "tracker.db")


@pytest.mark.parametrize(
    ("command", "notes_since"), [("report", 0), ("report", 9), *((command, 3) for command in WRITTEN)]
)
def test_a_restored_log_does_not_overwrite_what_shows_its_loss(log, tmp_path, command, notes_since):
    """
    The file may be the only witness of what was recorded after the backup, however far the log went on since.
    """
    words, target = [*command.split(), "1"], Path(WRITTEN[command])
    restored(log, tmp_path / "before.db", [words[0], *words[1:-1], "1"])
    for number in range(notes_since):
        log("note", 1, f"fork {number}", "--at", "14:32Z")
    witness = {path: path.read_bytes() for path in Path.cwd().rglob("INC-1*") if path.is_file()}

    answer = log(*words)

    refused(answer, 5, str(target), "which this log does not have", "restored from an earlier copy")
    assert {path: path.read_bytes() for path in Path.cwd().rglob("INC-1*") if path.is_file()} == witness
    elsewhere = re.search(r"tracker (\w+) INC-1 -o (INC-1\.new\.\w+)", answer.err)
    assert elsewhere is not None
    assert log(*words, "-o", elsewhere[2]).code == 0
    assert target.read_bytes() == witness[target.absolute()]


@pytest.mark.parametrize("command", ["report", "report --format html", "bundle"])
def test_what_another_log_wrote_is_not_overwritten(log, tmp_path, command):
    """
    Another log's INC-1 in this folder is another incident.
    """
    words, target = [*command.split(), "1"], Path(WRITTEN[command])
    assert log(*words).code == 0
    theirs = target.read_bytes()
    other = ("--store", str(tmp_path / "other.db"))
    log("declare", "another", "--service", "search", "--severity", "minor", *other)

    refused(log(words[0], *other, *words[1:]), 5, "another log")
    assert target.read_bytes() == theirs


@pytest.mark.parametrize("command", ["report", "report --format html", "bundle"])
def test_an_earlier_file_of_this_log_is_written_anew(log, command):
    """
    Whatever was recorded since, also a redaction: the head at that position is in the log.
    """
    words = [*command.split(), "1"]
    assert log(*words).code == 0
    handle = log("note", 1, "the key is hunter2", "--at", "14:31Z", "--json").json["events"][0]
    assert log(*words).code == 0
    log("redact", handle, "--why", "a key was typed into it")

    assert log(*words).code == 0


def test_the_report_of_an_imported_incident_is_written_anew(log, tmp_path):
    """
    Its footer quotes the log that it came from, and that head came with the bundle.
    """
    log("bundle", 1)
    other = ("--store", str(tmp_path / "other.db"))
    assert log("import", *other, "INC-1.bundle").code == 0
    for _ in range(2):
        assert log("report", *other, 1, "-o", "theirs.md").code == 0
    log("note", *other, 1, "seen here", "--at", "14:50Z")

    assert log("report", *other, 1, "-o", "theirs.md").code == 0
