"""`tracker import FOLDER --from markdown`: dry, for real, and again."""

from tests.cli.conftest import refused

RECORDS = {
    "2024-03-05-search.md": (
        "# Search is slow\n\nAll times in UTC.\n\n- Incident declared 2024-03-05 09:40\n- Resolved 2024-03-05 11:00\n\n"
        "## Root cause\nThe index was rebuilt at noon.\n\n## Timeline\n| Time | Event |\n|--|--|\n"
        "| 2024-03-05 09:12 | Searches time out |\n| 2024-03-05 10:?? | Somebody stops the rebuild |\n| 20240-03-05 12:00 | x |\n\n"
        "## Action Items\n- Rebuild at night\n"
    ),
    "queue/2024-02-01.md": "# Mails are late\n- 2024-02-01 08:00 UTC the queue grows\n",
    "template.md": "# Title\n| Time | Event |\n|--|--|\n| YYYY-MM-DD HH:mm | Description |\n",
    ".git/notes.md": "# no record\n- 2024-02-01 08:00 UTC x\n",
    "photo.md": "\0\udcff",
}
IMPORT = ("import", "old", "--from", "markdown", "--time-zone", "UTC", "--service", "search")


def written(tmp_path):
    for name, text in RECORDS.items():
        file = tmp_path / "old" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode(errors="surrogateescape"))


def test_a_dry_run_needs_no_log_and_lists_what_it_could_not_read(tracker, tmp_path, monkeypatch):
    """
    By file and line, and which files are no records.
    """
    monkeypatch.delenv("TRACKER_STORE")
    written(tmp_path)
    answer = tracker(*IMPORT, "--dry-run", "--json")

    first, second = answer.json["incidents"]
    assert (first["title"], first["resolved_at"], first["started_at"]) == ("Mails are late", None, None)
    assert second["file"] == "2024-03-05-search.md"
    assert second["resolved_at"] == "2024-03-05T11:00:00.000Z"
    assert [event.get("until") for event in second["events"]] == [
        None,
        None,
        None,
        "2024-03-05T10:59:00.000Z",
    ]
    assert second["actions"] == [{"text": "Rebuild at night", "line": 19}]
    assert [one["line"] for one in second["unread"]] == [16]
    assert [one["file"] for one in answer.json["skipped"]] == ["photo.md", "template.md"]
    assert not (tmp_path / "tracker.db").exists()


def test_an_import_records_incidents_of_the_past_once(tracker, tmp_path):
    """
    The second time adds nothing; a new line in a record adds just that.
    """
    written(tmp_path)
    first = tracker(*IMPORT, "--json").json
    again = tracker(*IMPORT, "--json").json
    file = tmp_path / "old/queue/2024-02-01.md"
    file.write_text(file.read_text() + "- 2024-02-01 09:00 UTC mails go out\n")
    more = tracker(*IMPORT, "--json").json

    assert [one["incident"] for one in first["incidents"]] == ["INC-1", "INC-2"]
    assert (again["recorded"], again["known"] > 0) == (0, True)
    assert more["recorded"] == 1
    assert "mails go out" in tracker("timeline", 1).out


def test_an_imported_incident_says_that_it_was_imported_and_is_over(tracker, tmp_path):
    """
    Nothing is due of it, nobody is named as its author, and what its record does not say is unknown.
    """
    written(tmp_path)
    tracker(*IMPORT)
    known = tracker("show", 2, "--json").json
    unknown_end = tracker("show", 1, "--json").json["durations"]["time_to_resolve"]

    assert (known["status"], known["severity"], known["next"]) == ("resolved", "unknown", [])
    assert "imported  from markdown:old/2024-03-05-search.md" in tracker("show", 2).out
    assert "post-mortem" in tracker("timeline", 2).out
    assert "late" not in tracker("timeline", 2).out
    assert "There is no open incident" in tracker("due").out
    # Its record has one line: it was over some time after that.
    assert (unknown_end["state"], unknown_end["seconds"]) == ("uncertain", None)


def test_a_folder_without_a_format_or_zone_is_refused(tracker, tmp_path):
    """
    The second line is what to type.
    """
    written(tmp_path)

    refused(tracker("import", "old"), 2, "old is a folder", "tracker import old --from markdown --dry-run")
    refused(
        tracker("import", "old", "--from", "markdown"), 2, "in which time zone", "--time-zone Europe/London"
    )
    refused(tracker("import", "gone", "--from", "markdown", "--time-zone", "UTC"), 11, "gone: no such folder")


def test_an_export_of_several_incidents_is_imported_once(tracker, tmp_path):
    """
    They are known by the tool's own numbers, whatever the file is called.
    """
    rows = "id,title,started,resolved\n7,Search is slow,2024-03-05 09:12,2024-03-05 11:00\n8,Mails,2024-03-06 09:00,\n"
    (tmp_path / "old.csv").write_text(rows)
    first = tracker("import", "old.csv", "--from", "csv", "--time-zone", "UTC", "--json").json
    again = tracker("import", "old.csv", "--from", "csv", "--time-zone", "UTC", "--json").json

    assert [one["incident"] for one in first["incidents"]] == ["INC-1", "INC-2"]
    assert again["recorded"] == 0
    assert "imported table" in tracker("timeline", 1).out


def test_an_import_that_was_undone_can_be_made_again(tracker, tmp_path):
    """
    Under a new number: the old one keeps what was struck out.
    """
    written(tmp_path)
    tracker(*IMPORT)
    tracker("import", "--undo", "INC-2", "--why", "the wrong folder")
    left = [one["incident"] for one in tracker("list", "--json").json["incidents"]]
    again = tracker(*IMPORT, "--json").json

    assert left == ["INC-1"]
    assert [one["incident"] for one in again["incidents"]] == ["INC-1", "INC-3"]
    assert "Rebuild at night" in tracker("timeline", 3).out
