"""How people name instants, incidents and events."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import DAY, refused


def at_of(answer) -> str:
    """The instant of the note that was just recorded."""
    return answer("timeline", 1, "--json").json["entries"][-1]["occurred_at"]


# ── times ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (f"{DAY}T14:45:00Z", "14:45:00.000"),
        (f"{DAY}T14:45Z", "14:45:00.000"),
        (f"{DAY}T15:45:30.25+01:00", "14:45:30.250"),
        (f"{DAY} 14:45Z", "14:45:00.000"),
        ("14:45Z", "14:45:00.000"),
        ("15:45+01:00", "14:45:00.000"),
        ("20:30+05:45", "14:45:00.000"),
        ("9:45-05:00", "14:45:00.000"),
    ],
)
def test_a_time_of_an_incident_told_afterwards_is_of_its_day(declared, typed, meant):
    """
    The incident of March is open until its story is told; 14:45Z is of that day, not of today.
    """
    declared("note", 1, "x", "--at", typed)

    assert at_of(declared) == f"{DAY}T{meant}Z"


def test_a_clock_time_lies_between_start_and_end(declared):
    """
    After the resolution, too.
    """
    declared("resolve", 1, "--at", "14:50Z")
    answer = declared("note", 1, "x", "--at", "14:20Z")

    assert f"--at 14:20Z is {DAY}T14:20:00.000Z" in answer.err


def test_a_clock_time_of_a_running_incident_is_the_latest_past(tracker):
    """
    Declared just now: what was a minute ago is today's, or yesterday's just after midnight.
    """
    tracker("declare", "x", "--service", "s", "--severity", "minor", "--at", "10m-ago")
    minute = datetime.now(UTC) - timedelta(minutes=2)

    tracker("note", 1, "x", "--at", f"{minute:%H:%M}Z")

    assert at_of(tracker) == f"{minute:%Y-%m-%dT%H:%M}:00.000Z"


def test_now_and_ago(tracker):
    """
    Relative to the moment of typing.
    """
    tracker("declare", "x", "--service", "s", "--severity", "minor", "--at", "1h-ago")
    before = datetime.now(UTC).replace(microsecond=0)

    tracker("note", 1, "x", "--at", "5m-ago")

    meant = datetime.fromisoformat(at_of(tracker))
    assert before <= meant + timedelta(minutes=5) <= datetime.now(UTC)


def test_a_bare_clock_time_needs_a_zone(declared, monkeypatch):
    """
    A wrong hour is worse than one more keystroke; --at-tz or TRACKER_TZ gives it once.
    """
    refused(declared("note", 1, "x", "--at", "14:45"), 2, "has no time zone", "14:45Z", "--at-tz")

    declared("note", 1, "x", "--at", "15:45", "--at-tz", "Europe/Berlin")
    assert at_of(declared) == f"{DAY}T14:45:00.000Z"
    monkeypatch.setenv("TRACKER_TZ", "Asia/Kathmandu")
    declared("note", 1, "y", "--at", "20:31")
    assert at_of(declared) == f"{DAY}T14:46:00.000Z"


def test_tz_is_only_for_display(declared):
    """
    It moves what is shown, never what is typed.
    """
    assert "19:50:00" in declared("timeline", 1, "--tz", "Asia/Kathmandu").out
    refused(declared("timeline", 1, "--tz", "Mars/Olympus"), 2, "'Mars/Olympus' is not a time zone")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2099-01-01T00:00Z", "in the future"),
        ("tomorrow", "is not a time"),
        ("0001-01-01T00:00Z", "before 1970"),
        ("0001-01-01T00:00+14:00", "outside the calendar"),
        ("99999d-ago", "before 1970"),
        ("99999999999999999d-ago", "before the year 1"),
        ("25:00Z", "is not a time of day"),
        ("2026-02-30T10:00Z", "is not a time"),
        ("14:45 Mars", "is not a time"),
        ("", "is not a time"),
        ("٣:٤٥Z", "is not a time"),
    ],
)
def test_what_is_no_past_instant_is_refused(declared, typed, said):
    """
    The second line shows how to write one.
    """
    refused(declared("note", 1, "x", "--at", typed), 2, said)


@pytest.mark.parametrize(
    ("day", "clock", "said", "offsets"),
    [
        ("2025-10-26", "02:30", "comes twice", ("+01:00", "+02:00")),
        ("2025-03-30", "02:30", "does not exist", ("+01:00", "+02:00")),
    ],
)
def test_an_hour_of_a_clock_change_is_refused_with_both_offsets(declared, day, clock, said, offsets):
    """
    Guessing would be wrong by an hour, half of the time.
    """
    answer = declared("note", 1, "x", "--at", f"{day}T{clock}", "--at-tz", "Europe/Berlin")

    refused(answer, 2, said, *offsets)


def test_from_and_to_of_an_old_incident_lie_around_it(declared):
    """
    An hour before it began is of its day, not of today.
    """
    declared("note", 1, "x", "--at", "14:20Z")

    answer = declared("timeline", 1, "--from", "13:00Z", "--to", "14:10Z", "--json")

    assert [row["kind"] for row in answer.json["entries"]] == [
        "milestone-set",
        "milestone-set",
        "incident-declared",
    ]


# ── which incident ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["INC-1", "inc-1", "1", "01", "."])
def test_an_incident_is_named_in_short(declared, typed):
    """
    Its number is enough, and a dot for the only open one.
    """
    assert declared("note", typed, "x", "--json").json["incident"] == "INC-1"


def test_a_dot_is_refused_where_several_are_open(declared):
    """
    The list names them.
    """
    declared("declare", "Search is slow", "--service", "search", "--severity", "minor")

    refused(declared("note", ".", "x"), 2, "INC-1 Payments answer 500", "INC-2 Search is slow")


def test_a_dot_is_refused_where_none_is_open(declared):
    """
    A note into nothing would be lost; of a false alarm nothing is due.
    """
    declared("resolve", 1, "--as", "false-alarm")

    refused(declared("note", ".", "x"), 2, "no open incident", "tracker list")


def test_tracker_incident_says_what_a_dot_means(declared, monkeypatch):
    """
    For a shell in which one incident is worked on.
    """
    declared("declare", "Search is slow", "--service", "search", "--severity", "minor")
    monkeypatch.setenv("TRACKER_INCIDENT", "2")

    assert declared("note", ".", "x", "--json").json["incident"] == "INC-2"


@pytest.mark.parametrize("typed", ["INC-", "INC-x", "OPS-1", "1.5", "-", "\u0661"])
def test_what_is_no_incident_is_refused(declared, typed):
    """
    It says how one is written.
    """
    refused(declared("note", typed, "x"), 2, "is not an incident", "INC-42, 42, or .")


def test_the_prefix_is_a_setting(tracker, tmp_path):
    """
    OPS-1 where the team says so.
    """
    (tmp_path / "tracker.toml").write_text('[tracker]\nprefix = "OPS"\n')
    tracker("declare", "x", "--service", "s", "--severity", "minor")

    assert tracker("show", "ops-1", "--json").json["incident"] == "OPS-1"


# ── which event ──────────────────────────────────────────────────────────────


def test_every_row_begins_with_a_handle_that_names_it(declared):
    """
    What `timeline` prints first is what `show` takes.
    """
    rows = [line for line in declared("timeline", 1).out.splitlines() if not line.startswith("──")]
    entries = declared("timeline", 1, "--json").json["entries"]

    for row, entry in zip(rows, entries, strict=True):
        handle = row.split()[0]
        assert handle == entry["event"][-7:]
        assert declared("show", handle, "--json").json["event"] == entry["event"]
        assert declared("show", entry["event"].upper(), "--json").json["event"] == entry["event"]


def test_a_handle_never_shifts(declared):
    """
    Rows recorded before it in time do not rename it.
    """
    handle = declared("note", 1, "x", "--at", "14:30Z", "--json").json["events"][0][-7:]
    declared("note", 1, "earlier", "--at", "14:10Z")
    declared("amend", handle, "--text", "y", "--why", "typo")

    assert declared("show", handle, "--json").json["title"] == "y"


def test_a_deploy_is_named_by_its_version(declared):
    """
    The latest of that version, with or without the v.
    """
    first = declared("deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T13:00Z", "--json").json
    second = declared("deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T14:20Z", "--json").json

    for typed in ("checkout@v1.2.0", "checkout@1.2.0"):
        assert declared("show", typed, "--json").json["event"] == second["events"][0] != first["events"][0]
    refused(declared("show", "checkout@9.9"), 11, "no deploy of checkout 9.9")


def test_an_ambiguous_handle_is_refused_with_its_candidates(declared, tmp_path, monkeypatch):
    """
    Two ids may end alike; the full id is asked for.
    """
    import sqlite3

    first, second = (declared("note", 1, text, "--json").json["events"][0] for text in ("a", "b"))
    twin = second[:-7] + first[-7:]
    with sqlite3.connect(tmp_path / "tracker.db") as store:
        store.execute("UPDATE stored_events SET decision_id=? WHERE decision_id=?", (twin, second))
    store.close()

    refused(declared("show", first[-7:]), 11, first, twin, "Type the full id")


@pytest.mark.parametrize(
    ("typed", "said"), [("abc", "too short"), ("zzzzzzz", "no event"), ("0" * 24, "no event")]
)
def test_what_is_no_event_is_refused(declared, typed, said):
    """
    It says where handles are found.
    """
    refused(declared("history", typed), 11, said)
