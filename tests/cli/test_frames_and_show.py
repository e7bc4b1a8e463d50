"""The tables of notebooks and the commands give one answer to one question."""

import os
import subprocess

import pandas as pd
import pytest

from projections import frames
from tests.cli.conftest import DAY
from tracker.times import utc


def git(path, at, *words):
    """Let git do something at a minute of that day."""
    stamp = f"{DAY}T{at}:00Z"
    subprocess.run(
        ["git", "-c", "user.name=dev", "-c", "user.email=dev@example.org", *words],
        cwd=path,
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_COMMITTER_DATE": stamp, "GIT_AUTHOR_DATE": stamp},
    )


def of_table(table, incident):
    """The rows of an incident as `show --json` has them."""

    def plain(value):
        return None if pd.isna(value) else utc(value) if isinstance(value, pd.Timestamp) else value

    return {
        row.duration: {
            "state": row.state,
            "seconds": plain(row.duration_seconds),
            "at_least": plain(row.at_least_seconds),
            "at_most": plain(row.at_most_seconds),
            "from": plain(row.from_at),
            "to": plain(row.to_at),
            "formula": row.formula,
        }
        for row in table[table["incident"] == incident].itertuples()
    }


@pytest.fixture
def busy(tracker, tmp_path):
    """A hotfix that was merged back, a second incident of the service, a relapse of a third of another."""
    (tmp_path / "tracker.toml").write_text('[services.orders]\nrepositories = ["repo"]\n[services.stock]\n')
    repository = tmp_path / "repo"
    repository.mkdir()
    git(repository, "08:00", "init", "-q", "-b", "main")
    (repository / "a").write_text("1")
    git(repository, "08:00", "add", "a")
    git(repository, "08:00", "commit", "-q", "-m", "start")
    git(repository, "08:00", "branch", "develop")
    git(repository, "14:09", "checkout", "-q", "-b", "hotfix/v2.0.1")
    (repository / "a").write_text("2")
    git(repository, "14:10", "commit", "-q", "-am", "fix: two")
    git(repository, "14:12", "checkout", "-q", "main")
    git(repository, "14:12", "merge", "-q", "--no-ff", "hotfix/v2.0.1", "-m", "merge hotfix")
    git(repository, "14:12", "tag", "v2.0.1")
    git(repository, "14:45", "checkout", "-q", "develop")
    git(repository, "14:45", "merge", "-q", "--no-ff", "main", "-m", "merge main")
    head = subprocess.run(
        ["git", "rev-parse", "main"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    for words in (
        ("declare", "Orders fail", "--service", "orders", "--severity", "critical", "--at", f"{DAY}T14:01Z"),
        ("deploy", "finish", "orders", "v2.0.1", "--sha", head, "--at", f"{DAY}T14:15Z"),
        ("resolve", 1, "--at", f"{DAY}T14:30Z"),
        ("ingest", "git", "repo", "--service", "orders"),
        ("declare", "Orders are slow", "--service", "orders", "--severity", "major", "--at", f"{DAY}T14:55Z"),
        ("rollback", "finish", "orders", "v2.0.0", "--at", f"{DAY}T15:05Z"),
        ("milestone", 2, "mitigated", "--at", f"{DAY}T15:07Z"),
        ("resolve", 2, "--at", f"{DAY}T15:20Z"),
        ("declare", "Stock fails", "--service", "stock", "--severity", "minor", "--at", f"{DAY}T16:00Z"),
        ("resolve", 3, "--at", f"{DAY}T16:20Z"),
        ("reopen", 3, "--why", "it is back", "--at", f"{DAY}T17:00Z"),
        ("declare", "Twice", "--service", "stock", "--severity", "minor", "--at", f"{DAY}T17:05Z", "--new"),
        ("merge", 4, "--into", 3, "--why", "the same", "--at", f"{DAY}T17:06Z"),
        ("deploy", "finish", "stock", "v1", "--at", f"{DAY}T16:50Z"),
    ):
        answer = tracker(*words)
        assert answer.code == 0, answer.err
    return tracker


def test_the_table_of_durations_is_what_show_says(busy):
    """
    The same state, seconds, ends and words for each of the seven, of every incident.
    """
    with frames.open("tracker.toml") as log:
        table = log.durations()

    for number in (1, 2, 3, 4):
        assert of_table(table, f"INC-{number}") == busy("show", number, "--json").json["durations"]
    assert of_table(table, "INC-1")["merged_back_after"]["seconds"] == 1_800


def test_the_tables_of_incidents_and_changes_are_what_the_commands_say(busy):
    """
    Stage, status and milestones; which change may have caused which incident.
    """
    listed = {each["incident"]: each for each in busy("list", "--json").json["incidents"]}
    told = busy("changes", "--from", f"{DAY}T00:00Z", "--to", f"{DAY}T23:59Z", "--json").json["changes"]

    with frames.open("tracker.toml") as log:
        incidents, changes = log.incidents(), log.changes()

    for row in incidents.itertuples():
        shown = listed[row.incident]
        assert (row.status, row.title) == (shown["status"], shown["title"])
        assert (None if pd.isna(row.stage) else row.stage) == shown["stage"]
        assert (None if pd.isna(row.resolved_at) else utc(row.resolved_at)) == shown["resolved_at"]
    candidates = {row.event: set(row.candidate_for) for row in changes.itertuples()}
    for each in told:
        assert candidates[each["event"]] == {one["incident"] for one in each["candidate_for"]}


def test_what_is_new_since_an_event_or_an_instant(tracker):
    """
    Each line with its handle, the corrections among them, and the command that goes on from there.
    """
    tracker("declare", "Down", "--service", "checkout", "--severity", "major", "--by", "ada")
    first = tracker("note", 1, "odd", "--by", "ada", "--json").json["events"][0]
    assert "Nothing is new" in tracker("show", 1, "--since", first[-7:]).out
    tracker("amend", first, "--text", "odder", "--why", "a typing error", "--by", "ada")
    tracker("note", 1, "late", "--at", "30m-ago", "--by", "ada")

    shown = tracker("show", 1, "--since", first[-7:])
    answer = tracker("show", 1, "--since", "1h-ago", "--json").json

    lines = shown.out.splitlines()
    assert "2 lines are new since " + first[-7:] in lines[0]
    assert "Amended" in lines[2]
    assert "late" in lines[3]
    handles = [line.split()[0] for line in lines[2:4]]
    assert "tracker show INC-1 --since 4" in shown.err
    assert "Nothing is new since position 4." in tracker("show", 1, "--since", 4).out
    assert [entry["event"][-7:] for entry in answer["entries"]][-2:] == handles
    assert len(answer["entries"]) == 4
    assert all(entry["new"] for entry in answer["entries"])
    refused = tracker("show", first[-7:], "--since", "now")
    assert (refused.code, "--since is for an incident" in refused.err) == (2, True)
    assert tracker("show", 1, "--since", "0000000").code == 11
