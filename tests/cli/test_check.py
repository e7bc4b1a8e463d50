"""`tracker check` and `tracker waive`, and what `tracker`, `show` and `watch` say is due next."""

import io
import re
import sys

import pytest

from projections.claims.claim import Claim
from tests.cli.conftest import DAY, refused
from tracker.application.claims import Checked
from tracker.events.procedure import RULE_NAMES

SHA = "4f2d8c1e9b7a6f5d4c3b2a1908f7e6d5c4b3a291"
KEYS = {"rule", "status", "expected", "actual", "late_seconds", "evidence", "says"}


def rules(answer):
    return {each["rule"]: each for each in answer.json["rules"]}


@pytest.fixture
def fixed(declared):
    """INC-1 of the past: told at 14:06, tested, fixed at 14:20 and over at 14:30."""
    for words in (
        ("message", 1, "initial", "--sent", "--at", "14:06Z"),
        ("deploy", "start", "checkout", "v1.2.1", "--sha", SHA, "--at", f"{DAY}T14:18:00Z"),
        ("deploy", "finish", "checkout", "v1.2.1", "--sha", SHA, "--at", f"{DAY}T14:20:00Z"),
        ("link", 1, "checkout@v1.2.1", "--as", "fixed", "--why", "errors are gone"),
        ("resolve", 1, "--at", "14:30Z"),
    ):
        answer = declared(*words)
        assert answer.code == 0, answer.err
    return declared


@pytest.fixture
def late(declared):
    """INC-1 of the past whose fix was out after 45 minutes."""
    declared("deploy", "finish", "checkout", "v1.2.1", "--at", f"{DAY}T14:48:00Z")
    declared("link", 1, "checkout@v1.2.1", "--as", "fixed", "--why", "errors are gone")
    declared("note", 1, "pods hold all connections", "--at", "14:06Z")
    declared("resolve", 1, "--at", "14:50Z")
    return declared


# ── the answer ───────────────────────────────────────────────────────────────


def test_programs_get_every_rule_in_order(fixed):
    """
    The keys that the interface names, for each rule; evidence as full ids, instants with Z.
    """
    answer = fixed("check", 1, "--json")

    assert {"incident", "findings", "rules", "claims"} <= set(answer.json)
    assert answer.json["incident"] == "INC-1"
    assert answer.json["claims"] == []
    assert all(set(each) >= KEYS for each in answer.json["rules"])
    names = [each["rule"] for each in answer.json["rules"]]
    assert names == sorted(names, key=RULE_NAMES.index)
    assert answer.json["detected_at"] == f"{DAY}T14:03:00.000Z"
    deployed = rules(answer)["deployed_in_time"]
    assert deployed["status"] == "met"
    assert all(fixed("show", each).code == 0 for each in deployed["evidence"])


def test_a_finding_is_exit_code_4(late):
    """
    What is late and missed is counted; what is unknown is not.
    """
    answer = late("check", 1, "--json")

    found = [each for each in answer.json["rules"] if each["status"] in ("late", "missed")]
    assert answer.code == 4
    assert answer.json["findings"] == len(found) == 1
    assert found[0]["rule"] == "deployed_in_time"
    assert found[0]["late_seconds"] == 15 * 60


def test_without_a_finding_it_is_0(declared):
    """
    An incident of which nothing is known but its declaration: all is unknown, nothing is held against it.
    """
    answer = declared("check", 1, "--json")

    assert (answer.code, answer.json["findings"]) == (0, 0)
    assert {each["status"] for each in answer.json["rules"]} == {"unknown", "not_applicable"}
    assert rules(answer)["backported"]["status"] == "not_applicable"


def test_people_get_a_table_with_the_handle_of_the_evidence_first(late):
    """
    Then a sum, and what to type about it.
    """
    answer = late("check", 1)

    assert "limits run from detection at 2026-03-01 14:03:00 UTC" in answer.out
    [row] = [line for line in answer.out.splitlines() if "deployed_in_time" in line]
    assert re.match(r"[0-9a-v]{7} \+1 +late +deployed_in_time +\S", row)
    assert "Expected: the fix deployed within 30 min." in " ".join(answer.out.split())
    assert max(map(len, answer.out.splitlines())) <= 100
    assert late("show", row[:7]).code == 0
    assert answer.out.splitlines()[-1].endswith("1 finding.")
    assert "1 late" in answer.out.splitlines()[-1]
    assert 'tracker waive INC-1 deployed_in_time --why "…"' in answer.err


def test_instants_are_shown_in_the_zone_that_was_asked_for(late):
    """
    The limits do not move with it.
    """
    answer = late("check", 1, "--tz", "Asia/Tokyo")

    assert "detection at 2026-03-01 23:03:00 JST" in answer.out
    assert (
        late("check", 1, "--tz", "Asia/Tokyo", "--json").json["rules"]
        == late("check", 1, "--json").json["rules"]
    )


def test_what_was_typed_with_an_offset_is_held_against_the_same_limit(tracker):
    """
    15:34 in Berlin is one minute late for a detection at 14:03 in UTC; a limit knows no zone.
    """
    tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", f"{DAY}T15:05:00+01:00", "--detected", f"{DAY}T09:03:00-05:00"),
    )
    tracker("deploy", "finish", "checkout", "v2", "--at", f"{DAY}T15:34:00+01:00")
    tracker("resolve", 1, "--at", "20:25+05:45")

    found = rules(tracker("check", 1, "--json"))["deployed_in_time"]

    assert (found["status"], found["late_seconds"]) == ("late", 60)


def test_retracting_the_evidence_makes_it_unknown(fixed):
    """
    The message alone alerted the team.
    """
    [event] = rules(fixed("check", 1, "--json"))["team_alerted"]["evidence"]

    fixed("retract", event, "--why", "it went to another channel")

    assert rules(fixed("check", 1, "--json"))["team_alerted"]["status"] == "unknown"


def test_the_procedure_is_checked_as_the_log_was(late):
    """
    Looking back nothing ticks: the same position gives the same answer.
    """
    position = late("verify", "--json").json["position"]
    before = late("check", 1, "--json", "--at-seq", position).json
    late("reopen", 1, "--why", "it came back", "--at", "15:00Z")
    assert "the limit of the fix runs from 2026-03-01 15:00:00 UTC" in late("check", 1).out
    late("waive", 1, "deployed_in_time", "--why", "no")

    assert late("check", 1, "--json", "--at-seq", position).json == before
    assert late("check", 1, "--json").json != before
    assert late("check", 1, "--json", "--known-at", "2026-01-01T00:00:00Z").code == 12


def test_the_limits_are_those_of_the_log_and_another_file_is_said_to_be_one(late, tmp_path):
    """
    What tracker.toml says counts once something is recorded under it.
    """
    (tmp_path / "tracker.toml").write_text('[procedure]\nfix_deployed_within = "45m"\n')

    before = late("check", 1)
    late("note", 1, "the limit is 45 minutes here", "--at", "14:49Z")
    after = late("check", 1)

    assert before.code == 4
    assert "[procedure] in tracker.toml differs from the log" in before.err
    assert after.code == 0
    assert "another [procedure]" not in after.err


def test_a_run_of_the_tests_counts_for_the_commit_that_it_ran_for(tracker):
    """
    The last one by hand: a red one, then a green one; for another commit it is unknown.
    """
    tracker("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
    tracker("run", "test", "checkout", "--sha", SHA, "--", "false")
    tracker("run", "test", "checkout", "--sha", SHA, "--", "true")
    tracker("run", "deploy", "checkout", "v1.2.1", "--sha", SHA, "--", "true")
    green = rules(tracker("check", ".", "--json"))["tested_before_deploy"]
    tracker("run", "deploy", "checkout", "v1.2.2", "--sha", "9" * 40, "--", "true")
    other = rules(tracker("check", ".", "--json"))["tested_before_deploy"]

    assert green["status"] == "met"
    assert other["status"] == "unknown"
    assert SHA[:7] in other["says"]


# ── waivers ──────────────────────────────────────────────────────────────────


def test_a_waived_rule_is_no_finding_until_the_waiver_is_retracted(late):
    """
    Who and why stand in its place.
    """
    answer = late("waive", 1, "deployed-in-time", "--why", "the vendor had to be woken", "--json").json
    waived = late("check", 1, "--json")
    [event] = answer["events"]

    assert (answer["incident"], answer["recorded"]) == ("INC-1", 1)
    found = rules(waived)["deployed_in_time"]
    assert (waived.code, found["status"]) == (0, "waived")
    assert (found["waived_by"], found["waived_why"]) == ("ada", "the vendor had to be woken")
    assert found["evidence"][0] == event
    assert "Waived by ada: the vendor had to be woken" in late("check", 1).out

    late("retract", event, "--why", "it is to count")

    assert late("check", 1).code == 4
    assert late("waive", 1, "deployed_in_time", "--why", "again").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("merged_bak", "--why", "x"), 11, "Did you mean merged_back?"),
        (("everything", "--why", "x"), 11, "tracker check INC-1"),
        (("verified", "--why", " "), 12, "that needs a reason"),
        (("verified",), 2, "--why"),
    ],
)
def test_a_waiver_that_cannot_be_is_refused(declared, words, code, said):
    """
    With the nearest rule, or what is missing.
    """
    answer = declared("waive", 1, *words)

    assert answer.code == code
    assert said in answer.err
    assert rules(declared("check", 1, "--json"))["verified"]["status"] == "unknown"


def test_what_is_waived_is_not_waived_twice(declared):
    """
    The refusal names who did, why, and how to take it back.
    """
    declared("waive", 1, "merged_back", "--why", "develop is frozen")

    refused(declared("waive", 1, "merged-back", "--why", "again"), 12, "by ada", "frozen", "tracker retract")


def test_a_waiver_of_what_is_no_incident_is_refused(tracker):
    """
    As every decision is.
    """
    refused(tracker("waive", 7, "verified", "--why", "x"), 12, "INC-7")


# ── claims in prose ──────────────────────────────────────────────────────────


@pytest.fixture
def wrong(monkeypatch):
    """A linter that finds one thing wrong wherever somebody writes of 15 minutes."""

    def claimed(session, known, *, text=None, where=""):
        given = text if text is not None else "note: down for 15 minutes"
        found = Claim("k3f9a1c", "15 minutes", where or "note", "25 minutes", ("a" * 24,), line=3)
        return [found] if "15 minutes" in given else []

    def checked(session, known, *, text=None, where=""):
        return Checked(claimed(session, known, text=text, where=where), [], [])

    monkeypatch.setattr("tracker.cli.check.check_claims", checked)
    monkeypatch.setattr("tracker.application.recording.waivers.lint_claims", claimed)


def test_a_claim_that_the_log_contradicts_is_a_finding(declared, wrong):
    """
    With what the log says instead; it can be waived by its key.
    """
    answer = declared("check", 1, "--json")

    assert (answer.code, answer.json["findings"]) == (4, 1)
    [claim] = answer.json["claims"]
    assert {"claim", "where", "log_says", "evidence"} <= set(claim)
    assert (claim["claim"], claim["log_says"]) == ("15 minutes", "25 minutes")
    assert "1 claim contradicted by the log: 1 finding." in declared("check", 1).out
    assert "k3f9a1c" in declared("check", 1).out
    assert declared("waive", 1, "k3f9a1c", "--why", "the customer's own clock").code == 0


def test_only_the_prose_of_a_file_is_asked_about_and_its_title_names_the_incident(declared, wrong, tmp_path):
    """
    As CI does with a report in a pull request; - is stdin.
    """
    (tmp_path / "right.md").write_text("# INC-1: Payments answer 500\n\nDown for 25 minutes.\n")
    (tmp_path / "wrong.md").write_text("\ufeff# INC-1: Payments answer 500\n\nDown for 15 minutes.\n")

    assert declared("check", "--text", "right.md").code == 0
    answer = declared("check", "--text", "wrong.md", "--json")
    assert (answer.code, answer.json["claims"][0]["where"]) == (4, "wrong.md")
    assert len(answer.json["rules"]) > 5


def test_the_prose_may_come_through_a_pipe(declared, wrong, monkeypatch):
    """
    - is stdin; the incident is named beside it.
    """
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"down for 15 minutes")))

    answer = declared("check", 1, "--text", "-", "--json")

    assert answer.json["claims"][0]["where"] == "stdin"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("no.md", None, "no.md: cannot be read: No such file"),
        ("folder", "", "folder: cannot be read: Is a directory"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00", "picture.png: is not UTF-8 text: byte 0 is 0x89"),
        ("nul.md", b"# INC-1\n\0", "nul.md: is not a text file: it contains NUL bytes"),
    ],
)
def test_a_file_that_is_no_text_is_refused(declared, tmp_path, name, data, said):
    """
    With the file and what to do about it.
    """
    if data == "":
        (tmp_path / name).mkdir()
    elif data is not None:
        (tmp_path / name).write_bytes(data)

    refused(declared("check", "--text", name), 11, said)


def test_without_an_incident_and_a_text_there_is_nothing_to_check(declared):
    """
    And of an incident that there is not, nothing is said.
    """
    refused(declared("check"), 2, "which incident?")
    refused(declared("check", 7), 12, "there is no INC-7")


# ── what is due next ─────────────────────────────────────────────────────────


@pytest.fixture
def burning(tracker):
    """INC-1, declared three minutes ago."""
    tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", "3m-ago"),
    )
    return tracker


def test_what_is_due_is_said_with_the_time_left_and_the_command(burning):
    """
    The most urgent first; the same in show and in the list, and for programs with its instant.
    """
    shown, listed = burning("show", 1), burning()

    [alert, deploy] = burning("show", 1, "--json").json["next"]
    assert (alert["rule"], deploy["rule"]) == ("team_alerted", "deployed_in_time")
    assert re.search(r"Next: alert the team: (1\d\d|\d\d) s left; tracker message INC-1 initial\n", shown.out)
    assert re.search(r"Next: deploy the fix: 2[67] min left; tracker run deploy checkout ", shown.out)
    assert re.search(r"^INC-1: alert the team: (1\d\d|\d\d) s left", listed.out, re.MULTILINE)
    assert alert["due_at"].endswith("Z")
    assert burning("--json").json["incidents"][0]["next"] == [alert, deploy]
    assert "next" not in burning("list", "--json").json["incidents"][0]


def test_what_is_overdue_is_said_so_and_comes_first(tracker):
    """
    Five minutes were given, ten have passed.
    """
    tracker(
        *("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical"),
        *("--at", "10m-ago"),
    )

    assert "Next: alert the team: overdue by 5 min" in tracker("show", 1).out
    assert tracker("show", 1).out.index("alert the team") < tracker("show", 1).out.index("deploy the fix")


def test_what_was_done_is_not_due_any_more(burning):
    """
    After the message an update is; after the fix its watching.
    """
    burning("message", 1, "initial", "--sent")
    burning("deploy", "finish", "checkout", "v1.2.1")

    said = burning("show", 1).out

    assert "alert the team" not in said
    assert "deploy the fix" not in said
    assert "Next: update the team: " in said
    # Verdict and look of the ten minutes are one command, and are said once.
    assert said.count("tracker watch INC-1") == 1


def test_what_is_waived_is_not_due(burning):
    """
    Nobody is reminded of what does not count.
    """
    burning("waive", 1, "team_alerted", "--why", "everybody sits in one room")

    assert "alert the team" not in burning("show", 1).out


def test_a_watch_says_what_else_is_due(burning, monkeypatch):
    """
    While it waits for its next look, the most urgent thing beside watching.
    """
    from tracker.cli import watch

    class LeftError(Exception):
        """Nobody waits here."""

    def sleep(_):
        raise LeftError

    monkeypatch.setattr(watch.time, "sleep", sleep)
    monkeypatch.setattr(watch, "_metrics_of", lambda *_: [None])
    monkeypatch.setattr(watch, "_looks", lambda *_: [])
    burning("deploy", "finish", "checkout", "v1.2.1")
    said = []
    monkeypatch.setattr(watch, "say", said.append)

    with pytest.raises(LeftError):
        burning("watch", 1)

    assert any(line.startswith("  alert the team: ") for line in said)


def test_of_an_incident_told_of_afterwards_nothing_is_due_but_its_report(declared):
    """
    Its messages and its fix lie in the past.
    """
    assert declared("show", 1, "--json").json["next"] == []
    declared("resolve", 1, "--at", "14:30Z")
    assert [each["rule"] for each in declared("show", 1, "--json").json["next"]] == ["report_written"]
    assert (
        "Next: write and publish the report: 4 d 23 h left; tracker review INC-1" in declared("show", 1).out
    )


def test_a_file_of_no_incident_is_checked_against_itself_without_a_log(tracker, tmp_path):
    """
    Durations beside the times that do not bear them out; exit 4, and nothing is opened or made.
    """
    rows = (
        "# Outage\n\n- 10:00 UTC incident started\n- 10:20 UTC detected by an alert\n- 11:05 UTC resolved\n\n"
    )
    (tmp_path / "wrong.md").write_text(rows + "Time to detect: 20 minutes\nTime to resolve: 2 hours\n")
    (tmp_path / "right.md").write_text(rows + "Time to detect: 20 minutes\nTime to resolve: 65 minutes\n")

    wrong = tracker("check", "--text", tmp_path / "wrong.md", "--json")
    right = tracker("check", "--text", tmp_path / "right.md")

    assert (wrong.code, wrong.json["incident"], wrong.json["findings"]) == (4, None, 1)
    assert [claim["line"] for claim in wrong.json["claims"]] == [8]
    assert wrong.json["claims"][0]["log_says"].startswith("It was 1 h 05 min: it started at 10:00 UTC")
    assert (right.code, right.out) == (
        0,
        f"{tmp_path}/right.md: nothing in it contradicts the rest of it; no incident was compared.\n",
    )
