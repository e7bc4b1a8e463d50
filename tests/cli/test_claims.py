"""Claims in prose, asked of a log that commands wrote; and garbled text, named where it comes in."""

import json
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, refused
from tests.projections.claims.story import CORRECTED, FAULTS, WITH_FAULTS
from tracker.application.claims import lint_claims, lint_claims_and_waived
from tracker.application.dossier import dossier
from tracker.application.session import Options, Session
from tracker.events.procedure import RuleWaived


def asked(incident, text=None, where="report.md", ask=lint_claims):
    """What `tracker check` asks, in the current folder."""
    session = Session(Options())
    try:
        return ask(session, dossier(session, session.incident(incident)), text=text, where=where)
    finally:
        session.close()


@pytest.fixture
def story(tracker):
    """The story of the reports, typed afterwards as people type it."""
    tracker(
        *(
            "declare",
            "Payments answer 500",
            "--service",
            "checkout",
            "--severity",
            "critical",
            "--lead",
            "John",
        ),
        *(
            "--at",
            f"{DAY}T14:50Z",
            "--started",
            "14:45Z",
            "--detected",
            "14:45Z",
            "--detected-by",
            "customer",
        ),
    )
    Path("chat.txt").write_text(
        "2:45 PM First report from a customer\n2:50 PM Issue confirmed (500 errors)\n"
        "2:55 PM root-cause: Root cause identified (connection pool depleted)\n"
        "3:15 PM Verified working, monitoring normal\n"
    )
    assert tracker("ingest", "notes", 1, "chat.txt", "--date", DAY, "--at-tz", "UTC").code == 0
    tracker("milestone", 1, "confirmed", "--at", "14:50Z")
    tracker("deploy", "start", "checkout", "v1.2.1", "--at", f"{DAY}T15:05Z")
    tracker("deploy", "finish", "checkout", "v1.2.1", "--at", f"{DAY}T15:10Z")
    tracker("milestone", 1, "mitigated", "--at", "15:10Z")
    assert tracker("resolve", 1, "--at", f"{DAY}T15:15Z").code == 0
    return tracker


def test_a_report_is_held_against_what_was_typed(story):
    """
    Every fault with its line, and nothing in the corrected one, nor in the notes.
    """
    assert {(each.line, each.claim) for each in asked("1", WITH_FAULTS)} == FAULTS
    assert asked("1", CORRECTED) == []
    assert asked("1") == []


def test_evidence_names_events_that_can_be_shown(story):
    """
    What a finding stands on is looked up by its id.
    """
    for each in asked("1", WITH_FAULTS):
        for event in each.evidence:
            assert story("show", event).code == 0


def test_a_waived_claim_is_left_out_until_the_waiver_is_taken_back(story):
    """
    With a reason, under its key; the others stay.
    """
    found = asked("1", WITH_FAULTS)
    session = Session(Options())
    recording = session.decide(
        "INC-1",
        lambda held: [
            RuleWaived(
                occurred_at=datetime.now(UTC),
                decided_by="ada",
                incident="INC-1",
                rule=found[0].key,
                why="agreed",
            )
        ],
    )
    session.close()

    assert asked("1", WITH_FAULTS) == found[1:]
    assert asked("1", WITH_FAULTS, ask=lint_claims_and_waived) == (found[1:], found[:1])

    assert story("retract", recording.recorded[0], "--why", "not agreed").code == 0
    assert asked("1", WITH_FAULTS) == found


def test_a_true_report_of_a_late_fix_passes(story, tmp_path):
    """
    What was late is no fault of what is written about it: with --text only the file counts, in what is printed too.
    """
    true, wrong = tmp_path / "true.md", tmp_path / "it is wrong.md"
    true.write_text("Payments were down for 25 minutes.\n")
    wrong.write_text("Payments were down for 15 minutes.\n")
    for number in (1, 2, 3):
        story("message", 1, "update", "--sent", "--text", "looking", "--at", f"{DAY}T14:{40 + number * 6}Z")

    assert story("check", "1").code == 4
    passed = story("check", "1", "--text", true)
    found = story("check", "1", "--text", wrong)

    assert (passed.code, found.code) == (0, 4)
    assert "true.md: no claim in it is contradicted by the log." in passed.out
    assert "of its own, which no report can fix: tracker check INC-1" in passed.err
    assert "it is wrong.md: 1 claim in it is contradicted by the log." in found.out
    typed = found.err.partition("tracker waive ")[2].splitlines()[0].replace("…", "so we say")
    assert story("waive", *shlex.split(typed)).code == 0
    assert story("check", "1", "--text", wrong).code == 0
    assert json.loads(story("check", "1", "--text", wrong, "--json").out)["findings"] == 0


@pytest.mark.parametrize("template", ["guide", "google", "pagerduty"])
def test_what_a_report_says_by_itself_holds_without_its_marks_too(story, template):
    """
    Who types one word into a part has all of it read: the rest must not be held against anybody.
    """
    story("note", 1, "Alert on the pool", "--kind", "prevention")
    story("message", 1, "update", "--sent", "--text", "looking", "--at", f"{DAY}T14:56Z")
    written = story("report", 1, "--template", template, "-o", "-").out
    typed = "".join(line for line in written.splitlines(True) if not line.startswith("<!-- tracker:"))

    assert "tracker:begin" in written
    assert asked("1", typed) == []
    assert asked("1", written.replace("| Downtime | ", "| Downtime | 3 h ")) != []


def test_a_zone_from_the_environment_is_that_of_times_without_one(story, monkeypatch):
    """
    Where TRACKER_TZ says it, the report need not; and there the times are of that zone.
    """
    rows = "- 15:45: First report from a customer\n- 15:50: Issue confirmed\n- 16:10: Fix deployed\n"
    monkeypatch.setenv("TRACKER_TZ", "Europe/Berlin")
    assert asked("1", rows) == []

    monkeypatch.setenv("TRACKER_TZ", "UTC")
    assert len(asked("1", rows)) == 3


def test_the_samples_are_read_for_a_peak(story):
    """
    Without any there is nothing to hold it against.
    """
    assert asked("1", "The error rate peaked at 99 %.") == []


def test_the_demos_own_notes_and_report_hold(tmp_path, monkeypatch):
    """
    What is true is let pass in a whole report, and one number that is changed is found.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tracker", "demo", "here"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path / "here")
    report = Path("INC-42.md").read_text(encoding="utf-8")

    assert asked("42") == []
    assert asked("42", report) == []
    for right, wrong in [
        ("The deploy of v1.2.1 at 15:10.", "The deploy of v1.2.1 at 15:12."),
        ("It lasted 43 to 45 min", "It lasted 33 to 35 min"),
        ("resolved at 15:40", "resolved at 15:20"),
        ("The deploy of v1.2.1 at", "The deploy of v1.2.3 at"),
        ("| 14:55:12 | Root cause", "| 14:51:12 | Root cause"),
        ("312 of them never", "about 400 customers were affected"),
    ]:
        assert right in report
        assert len(asked("42", report.replace(right, wrong))) >= 1, wrong


GARBLED = "ğŸš¨ Ã¼ber"


@pytest.mark.parametrize(
    "command",
    [("note", 1, GARBLED), ("message", 1, "initial", "--sent", "--text", GARBLED)],
    ids=["note", "message"],
)
def test_garbled_text_is_named_and_recorded_as_it_is(declared, command):
    """
    It is somebody's words: nobody changes them unasked, and in a fire nobody refuses them.
    """
    answer = declared(*command, "--at", "14:30Z")

    assert answer.code == 0
    assert "is UTF-8 that was read as cp125" in answer.err
    assert "tracker amend" in answer.err
    assert GARBLED in declared("timeline", 1, "--json").out


def test_a_note_that_is_not_garbled_is_not_warned_of(declared):
    """
    Umlauts and signs are words like others.
    """
    assert "UTF-8" not in declared("note", 1, "Größe 🚨 ✅ naïve kâğıt").err


def test_a_chat_with_garbled_lines_names_them(declared):
    """
    A file can be saved again: it is refused whole, with each line and what it should be.
    """
    Path("chat.txt").write_text(f"14:30 fine\n14:31 {GARBLED}\n", encoding="utf-8")

    refused(
        declared("ingest", "notes", 1, "chat.txt", "--at-tz", "UTC"),
        11,
        "line 2",
        "should be '14:31 🚨 über'",
    )
