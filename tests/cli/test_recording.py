"""The commands that record what people decide: their answers, their authors, their refusals."""

import pytest

from tests.cli.conftest import DAY, refused

COMMANDS = {
    "note": ("note", 1, "pool is at 10 of 10", "--kind", "hypothesis"),
    "milestone": ("milestone", 1, "mitigated"),
    "severity": ("severity", 1, "major", "--why", "only retries fail"),
    "lead": ("lead", 1, "grace"),
    "stage": ("stage", 1, "fixing"),
    "service": ("service", 1, "add", "basket"),
    "resolve": ("resolve", 1),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_recording_command_answers_what_it_recorded(declared, name):
    """
    The same keys everywhere, and the author on the row, with the instant that was typed.
    """
    answer = declared(*COMMANDS[name], "--at", "14:30Z", "--by", "eve", "--json")

    assert answer.code == 0, answer.err
    assert set(answer.json) == {"incident", "recorded", "known", "events"}
    assert (answer.json["incident"], answer.json["recorded"], answer.json["known"]) == ("INC-1", 1, 0)
    [event] = answer.json["events"]
    rows = {row["event"]: row for row in declared("timeline", 1, "--json").json["entries"]}
    assert rows[event]["source"] == "eve"
    assert rows[event]["occurred_at"] == f"{DAY}T14:30:00.000Z"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_person_is_told_in_a_sentence_on_stderr(declared, name):
    """
    Stdout is for answers; this is talk.
    """
    answer = declared(*COMMANDS[name])

    assert (answer.code, answer.out) == (0, "")
    assert "INC-1" in answer.err


def test_the_author_is_by_then_tracker_user_then_git(declared, monkeypatch):
    """
    Who says so is asked in this order.
    """
    declared("note", 1, "first", "--by", "eve")
    declared("note", 1, "second")
    monkeypatch.delenv("TRACKER_USER")
    declared("note", 1, "third")

    rows = {row["title"]: row["source"] for row in declared("timeline", 1, "--json").json["entries"]}
    assert (rows["first"], rows["second"], rows["third"]) == ("eve", "ada", "Ada Example")


def test_nobody_records_nothing(declared, monkeypatch):
    """
    Without a name there is no row.
    """
    monkeypatch.delenv("TRACKER_USER")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    refused(declared("note", 1, "x"), 2, "who says so?", "export TRACKER_USER=NAME")


def test_the_same_note_at_the_same_instant_is_one(declared):
    """
    Typing it again is safe.
    """
    declared("note", 1, "x", "--at", "14:10Z")

    again = declared("note", 1, "x", "--at", "14:10Z", "--json").json

    assert (again["recorded"], again["known"]) == (0, 1)


def test_a_closed_incident_takes_notes(declared):
    """
    The lessons come afterwards.
    """
    declared("resolve", 1, "--at", "14:40Z")

    assert declared("note", 1, "look at the pool", "--kind", "lesson").code == 0


def test_a_milestone_may_lie_between_two_instants(declared):
    """
    Nobody saw it begin: the durations that start there are uncertain, with both bounds; 14:03 is any instant of its minute.
    """
    declared("milestone", 1, "started", "--at", "13:50Z", "--until", "14:00Z")

    shown = declared("show", 1, "--json").json
    assert shown["milestones"]["started"]["until"] == f"{DAY}T14:00:00.000Z"
    found = shown["durations"]["time_to_detect"]
    assert (found["state"], found["seconds"], found["at_least"], found["at_most"]) == (
        "uncertain",
        None,
        180,
        840,
    )


def test_a_resolution_says_how(declared):
    """
    A false alarm is not an outage.
    """
    declared("resolve", 1, "--as", "false-alarm", "--at", "14:40Z")

    shown = declared("show", 1, "--json").json
    assert (shown["status"], shown["resolution"], shown["resolved_by"]) == ("resolved", "false-alarm", "ada")
    assert shown["durations"]["downtime"]["state"] == "not_applicable"


def test_an_incident_is_not_resolved_before_it_was_reopened(declared):
    """
    A clock time of the reopening is of the day of the resolution, in a story that is told afterwards.
    """
    declared("resolve", 1, "--at", "14:40Z")
    answer = declared("reopen", 1, "--why", "it came back", "--at", "14:50Z")

    assert f"INC-1 reopened at {DAY}T14:50:00.000Z" in answer.err
    refused(declared("resolve", 1, "--at", "14:45Z"), 12, "before it was reopened", "14:50")
    assert declared("resolve", 1, "--at", "14:55Z").code == 0


def test_what_came_back_is_open_again(declared):
    """
    Reopening takes a reason, which is on the row.
    """
    declared("resolve", 1, "--at", "14:40Z")
    declared("reopen", 1, "--why", "errors are back", "--at", f"{DAY}T14:50Z")

    assert declared("show", 1, "--json").json["status"] == "open"
    rows = declared("timeline", 1, "--json").json["entries"]
    assert ("Reopened", "errors are back") in [(row["title"], row["detail"]) for row in rows]


def test_a_merged_incident_goes_on_in_the_other(declared):
    """
    Its rows are rows of the other; it is no longer open, and takes no more notes.
    """
    declared("declare", "Basket is empty", "--service", "basket", "--severity", "minor")
    declared("note", 2, "baskets answer 502")

    answer = declared("merge", 2, "--into", 1, "--why", "same pool", "--json").json

    assert (answer["incident"], answer["merged"]) == ("INC-1", "INC-2")
    titles = [row["title"] for row in declared("timeline", 1, "--json").json["entries"]]
    assert "baskets answer 502" in titles
    assert [each["incident"] for each in declared("list", "--open", "--json").json["incidents"]] == ["INC-1"]
    refused(declared("note", 2, "more"), 12, "merged into INC-1")


def test_a_merge_the_other_way_round_is_not_suggested(declared):
    """
    What is one already cannot be merged into itself.
    """
    declared("declare", "Basket is empty", "--service", "basket", "--severity", "minor")
    declared("merge", 2, "--into", 1, "--why", "same pool")

    answer = declared("merge", 1, "--into", 2, "--why", "same pool")

    refused(answer, 12, "INC-2 was itself merged into INC-1", "They are merged already: tracker show INC-1")


def test_an_attached_file_comes_back_byte_for_byte(declared, tmp_path):
    """
    To a file, and to stdout.
    """
    data = bytes(range(256)) * 3
    (tmp_path / "pool.png").write_bytes(data)
    handle = declared("attach", 1, "pool.png", "--json").json["events"][0][-7:]

    assert declared("show", handle, "--raw", "-o", "back.png").out == "back.png\n"
    assert (tmp_path / "back.png").read_bytes() == data


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("note", 1, " "), 12, "a note needs a text"),
        (("note", 1), 2, "TEXT"),
        (("note", 7, "x"), 12, "there is no INC-7"),
        (("note", 1, "x", "--kind", "joke"), 2, "'lesson'"),
        (("milestone", 1, "mitigated", "--at", f"{DAY}T13:00Z"), 12, "mitigated before it is"),
        (("milestone", 1, "started", "--until", "14:00Z"), 2, "--until needs --at"),
        (("milestone", 1, "started", "--at", "14:00Z", "--until", "13:00Z"), 12, "is before --at"),
        (("severity", 1, "critical", "--why", "x"), 12, "is critical already"),
        (("severity", 1, "major"), 2, "--why"),
        (("severity", 1, "major", "--why", " "), 12, "needs a reason"),
        (("service", 1, "remove", "checkout"), 12, "the only service"),
        (("service", 1, "remove", "search"), 12, "not part of INC-1"),
        (("service", 1, "add", "checkout"), 12, "already"),
        (("resolve", 1, "--at", f"{DAY}T13:00Z"), 12, "before its start"),
        (("resolve", 1, "--as", "tired"), 2, "'went-away'"),
        (("reopen", 1, "--why", "x"), 12, "is open"),
        (("merge", 1, "--into", 1, "--why", "x"), 12, "into itself"),
        (("merge", 1, "--into", 2, "--why", "x"), 12, "there is no INC-2"),
        (("attach", 1, "nothing.png"), 11, "nothing.png: cannot be read: No such file"),
        (("attach", 1, "."), 11, "Is a directory"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(declared, words, code, said):
    """
    The rule in one line, what to type in the second, and nothing recorded.
    """
    before = declared("verify", "--json").json["position"]

    refused(declared(*words), code, said)
    assert declared("verify", "--json").json["position"] == before


def test_an_empty_file_is_not_kept(declared, tmp_path):
    """
    An upload that failed half way would be taken for evidence.
    """
    (tmp_path / "empty.log").touch()

    refused(declared("attach", 1, "empty.log"), 11, "empty.log is empty")
