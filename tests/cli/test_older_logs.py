"""Logs that earlier trackers wrote are brought up to date, and every command reads them rightly."""

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

STORES = sorted((Path(__file__).parents[1] / "log" / "stores").glob("*.db.xz"))
EVENTS = {"2026-11-23.db.xz": 89, "2026-11-27.db.xz": 145}


@pytest.fixture(params=STORES, ids=lambda path: path.name.partition(".")[0])
def older(request, tracker, tmp_path):
    """Commands typed beside such a log; its services are configured."""
    (tmp_path / "tracker.db").write_bytes(lzma.decompress(request.param.read_bytes()))
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n[services.search]\n")
    tracker.events = EVENTS[request.param.name]
    return tracker


def test_it_is_whole_and_holds_the_same_incidents(older):
    verified = older("verify")

    assert (verified.code, verified.err) == (0, "")
    assert f"{older.events} events" in verified.out
    listed = older("list", "--json").json["incidents"]
    assert [(one["incident"], one["status"]) for one in listed] == [
        ("INC-44", "open"),
        ("INC-43", "resolved"),
        ("INC-42", "resolved"),
    ]


def test_what_is_declared_anew_does_not_go_into_a_resolved_incident(older):
    assert older("declare", "fails", "--service", "checkout", "--severity", "minor").out.startswith("INC-45")
    assert older("verify").code == 0


def test_an_open_incident_is_still_found(older):
    answer = older("declare", "fails", "--service", "search", "--severity", "minor")

    assert "INC-44 is already open" in answer.out + answer.err


@pytest.mark.parametrize(
    "words",
    [
        *(
            "list",
            "due",
            "changes",
            "actions",
            "show 42",
            "show 43",
            "timeline 42",
            "timeline 43 --order recorded",
        ),
        *(
            "compare 42",
            "check 42",
            "check 44",
            "report 42 -o r.md",
            "report 43 -o -",
            "bundle 42 -o b.bundle",
        ),
        *(
            "note 42 hello",
            "message 44 update",
            "resolve 44",
            "reopen 43 --why again",
            "history {note}",
            "verify",
        ),
    ],
)
def test_every_command_reads_it(older, words):
    rows = older("timeline", 42, "--json").json["entries"]
    note = next(row["event"] for row in rows if row["kind"] == "note-added")

    answer = older(*words.format(note=note).split())

    assert answer.code in (0, 4), answer.err
    assert "Traceback" not in answer.err


def test_an_older_tracker_refuses_it_afterwards(older, tmp_path):
    """
    It would append without the newer index rows. It refuses tables of another version than its own.
    """
    older("list")

    with closing(sqlite3.connect(tmp_path / "tracker.db")) as store:
        [version] = store.execute("SELECT value FROM log_settings WHERE name='schema_version'").fetchone()
    assert version != "1"
