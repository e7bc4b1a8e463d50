"""`tracker declare`: one number for one incident, whoever else declares it too."""

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import DAY, refused

WORDS = ("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")


def test_a_declaration_answers_its_number_and_its_event(tracker):
    """
    A script reads both from one JSON document.
    """
    answer = tracker(*WORDS, "--json")

    assert answer.code == 0
    assert answer.json["incident"] == "INC-1"
    assert answer.json["event"] == answer.json["events"][0]
    assert (answer.json["recorded"], answer.json["known"]) == (1, 0)


def test_only_the_number_is_on_stdout(tracker):
    """
    INC=$(tracker declare …) works; the talk is on stderr.
    """
    answer = tracker(*WORDS)

    assert answer.out == "INC-1\n"
    assert "Next: tracker note INC-1" in answer.err


def test_a_clock_time_counts_from_the_declaration(tracker):
    """
    Whoever declares afterwards gives one full instant, and clock times for the rest.
    """
    tracker(*WORDS, "--at", f"{DAY}T14:05Z", "--started", "13:55Z", "--detected", "14:03Z")

    shown = tracker("show", 1, "--json").json

    assert shown["milestones"]["started"]["at"] == f"{DAY}T13:55:00.000Z"
    assert shown["milestones"]["detected"]["at"] == f"{DAY}T14:03:00.000Z"


def test_a_declaration_after_midnight_may_have_started_before_it(tracker):
    """
    23:55 is yesterday's when it is declared at 00:10.
    """
    answer = tracker(*WORDS, "--at", f"{DAY}T00:10Z", "--started", "23:55Z")

    assert "--started 23:55Z is 2026-02-28T23:55:00.000Z" in answer.err


def test_all_that_is_said_on_declaring_is_kept(tracker):
    """
    What was known at once is in the answer to `show`.
    """
    more = ("--impact", "8 % of payments", "--lead", "grace", "--detected-by", "customer")
    tracker(*WORDS, *more, "--service", "basket", "search")

    shown = tracker("show", 1, "--json").json

    assert shown["services"] == ["checkout", "basket", "search"]
    assert (shown["impact"], shown["lead"], shown["detected_by"]) == ("8 % of payments", "grace", "customer")
    assert (shown["status"], shown["severity"], shown["declared_by"]) == ("open", "critical", "ada")


def test_declaring_again_adds_to_the_open_incident(tracker):
    """
    Two people see the same outage: the second gets the first one's number, and what they said is kept.
    """
    tracker(*WORDS)

    second = tracker(
        *("declare", "Nobody can pay", "--service", "checkout", "basket", "--severity", "major"),
        *("--by", "grace", "--impact", "all shops", "--json"),
    )

    assert second.json["incident"] == "INC-1"
    assert second.json["recorded"] == 3
    assert second.json["event"] == second.json["events"][0]
    titles = [row["title"] for row in tracker("timeline", 1, "--json").json["entries"]]
    assert "Declared again as major: Nobody can pay" in titles
    assert tracker("show", 1, "--json").json["services"] == ["checkout", "basket"]


def test_declaring_again_keeps_what_the_second_knows(tracker):
    """
    When it began, who leads and that it is worse are not lost because somebody was faster.
    """
    tracker("declare", "Slow", "--service", "search", "--severity", "minor", "--at", "20m-ago")

    tracker(
        *("declare", "Down", "--service", "search", "--severity", "critical", "--lead", "carl"),
        *("--started", "30m-ago", "--detected", "25m-ago"),
    )

    shown = tracker("show", 1, "--json").json
    assert (shown["severity"], shown["lead"]) == ("critical", "carl")
    assert sorted(shown["milestones"]) == ["detected", "started"]


def test_new_opens_another(tracker):
    """
    --new is for two troubles of one service.
    """
    tracker(*WORDS)

    assert (
        tracker("declare", "Slow", "--service", "checkout", "--severity", "minor", "--new").out == "INC-2\n"
    )


def test_a_closed_incident_takes_no_declaration(tracker):
    """
    What is over is over: the next one has its own number.
    """
    tracker(*WORDS)
    tracker("resolve", 1)

    assert tracker(*WORDS).out == "INC-2\n"


def test_the_same_declaration_typed_twice_is_one(tracker):
    """
    Same words, same author, same instant: the log has it already.
    """
    first = tracker(*WORDS, "--at", f"{DAY}T14:05Z", "--json").json

    again = tracker(*WORDS, "--at", f"{DAY}T14:05Z", "--json").json

    assert (again["incident"], again["event"]) == (first["incident"], first["event"])
    assert (again["recorded"], again["known"]) == (0, 1)


@pytest.mark.parametrize("more", [(), ("--new",)])
def test_of_declarations_at_the_same_moment_none_is_lost(tracker, tmp_path, store_url, more):
    """
    Six processes at once: one number for all of them, or with --new six; every title is in the log.
    """
    environment = {**os.environ, "TRACKER_STORE": store_url}
    tracker("--store", store_url, "list")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tracker", "declare", f"trouble {n}", *WORDS[2:], *more],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for n in range(6)
    ]  # fmt: skip
    answers = [each.communicate() for each in running]

    assert [each.returncode for each in running] == [0] * 6, answers
    numbers = sorted(out.strip() for out, _ in answers)
    found = tracker("--store", store_url, "list", "--json").json["incidents"]
    assert sorted({*numbers}) == sorted(each["incident"] for each in found)
    assert len(found) == 6 if more else len(found) >= 1
    titles = " ".join(
        row["title"]
        for each in found
        for row in tracker("--store", store_url, "timeline", each["incident"], "--json").json["entries"]
    )
    assert all(f"trouble {n}" in titles for n in range(6))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("declare",), 2, "TITLE"),
        (("declare", "x"), 2, "--service, --severity"),
        (("declare", "--severity", "minor", "--service", "c", "Nobody can pay"), 2, "The title comes first"),
        (("declare", "x", "--service", "checkout", "--severity", "bad"), 2, "'critical', 'major', 'minor'"),
        (("declare", "two", "words", "--service", "c", "--severity", "minor"), 2, "several words in quotes"),
        (("declare", " ", "--service", "c", "--severity", "minor"), 12, "needs a title"),
        ((*WORDS, "--at", f"{DAY}T14:05Z", "--started", f"{DAY}T15:00Z"), 12, "cannot start"),
        ((*WORDS, "--started", "10m-ago", "--detected", "20m-ago"), 12, "cannot be detected"),
        ((*WORDS, "--lead"), 2, "--lead"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(tracker, words, code, said):
    """
    Nothing is recorded, and the second line says what to type.
    """
    refused(tracker(*words), code, said)
    assert tracker("list", "--json").json == {"incidents": []}


def test_a_mistyped_service_is_refused_with_its_neighbour(tracker, tmp_path):
    """
    Where services are configured, an incident of none of them would collect nothing.
    """
    (tmp_path / "tracker.toml").write_text("[services.checkout]\n[services.search]\n")

    refused(
        tracker("declare", "x", "--service", "chekout", "--severity", "minor"), 11, "Did you mean checkout?"
    )
