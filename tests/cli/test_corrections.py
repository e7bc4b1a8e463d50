"""`amend`, `retract`, `link`, `unlink`, `history`: what was recorded is set right, and stays readable."""

import pytest

from tests.cli.conftest import DAY, refused


@pytest.fixture
def noted(declared):
    """INC-1 with one note at 14:10Z; its handle."""
    return declared("note", 1, "pool is emtpy", "--at", "14:10Z", "--json").json["events"][0][-7:]


def row(tracker, handle, *more):
    found = tracker("timeline", 1, "--json", *more).json["entries"]
    return next((each for each in found if each["event"].endswith(handle)), None)


def test_an_amended_note_reads_right_and_is_marked(declared, noted):
    """
    Text and instant; the old value is in the history.
    """
    answer = declared(
        "amend", noted, "--text", "pool is empty", "--at", "14:12Z", "--why", "typo", "--json"
    ).json

    assert (answer["recorded"], answer["known"], len(answer["events"])) == (1, 0, 1)
    now = row(declared, noted)
    assert (now["title"], now["occurred_at"], now["amended"]) == (
        "pool is empty",
        f"{DAY}T14:12:00.000Z",
        True,
    )
    [old, change] = declared("history", noted, "--json").json["entries"]
    assert (old["title"], old["fields"]["text"]) == ("pool is emtpy", "pool is emtpy")
    assert (change["kind"], change["by"], change["why"]) == ("event-amended", "ada", "typo")


def test_before_the_amendment_the_old_value_holds(declared, noted):
    """
    --at-seq reads the log as it was.
    """
    before = declared("verify", "--json").json["position"]
    declared("amend", noted, "--text", "pool is empty", "--why", "typo")

    then = row(declared, noted, "--at-seq", before)
    assert (then["title"], then["amended"]) == ("pool is emtpy", False)


def test_a_retracted_note_leaves_every_answer_but_the_history(declared, noted):
    """
    It is struck out, not deleted.
    """
    declared("retract", noted, "--why", "wrong incident")

    assert row(declared, noted) is None
    assert declared("show", noted, "--json").json["retracted"] is True
    kinds = [each["kind"] for each in declared("history", noted, "--json").json["entries"]]
    assert kinds == ["note-added", "event-retracted"]


def test_a_retraction_can_be_retracted(declared, noted):
    """
    Then the note is back.
    """
    retraction = declared("retract", noted, "--why", "wrong incident", "--json").json["events"][0]
    declared("retract", retraction, "--why", "it was the right one")

    assert row(declared, noted)["title"] == "pool is emtpy"


def test_a_deploy_is_amended_by_its_field(declared):
    """
    --set takes any field; empty means that it is not known.
    """
    declared("deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T13:50Z", "--sha", "abc")

    declared(
        "amend", "checkout@v1.2.0", "--set", "version=v1.2.1", "--set", "sha=", "--why", "read the wrong line"
    )

    [change] = declared("changes", 1, "--json").json["changes"]
    assert (change["version"], change["sha"]) == ("v1.2.1", None)


def test_a_link_says_what_an_event_did_and_why(declared):
    """
    A judgement is on the row, with its author; an unlink takes the row out.
    """
    declared("deploy", "finish", "checkout", "v1.2.0", "--at", f"{DAY}T13:50Z")

    linked = declared(
        "link", 1, "checkout@1.2.0", "--as", "caused", "--why", "it cut the pool", "--json"
    ).json

    assert set(linked) == {"incident", "event", "recorded", "known", "events"}
    handle = linked["event"][-7:]
    assert row(declared, handle)["attribution"] == {"as": "caused", "by": "ada", "why": "it cut the pool"}
    [change] = declared("changes", 1, "--json").json["changes"]
    assert change["attribution"] == [
        {"incident": "INC-1", "as": "caused", "by": "ada", "why": "it cut the pool"}
    ]
    declared("unlink", 1, handle, "--why", "another cluster")
    assert row(declared, handle) is None


def test_what_was_over_before_it_began_cannot_be_linked_as_its_fix(declared):
    """
    A minute that was typed may be any second of it; whoever knows an earlier start says so first.
    """
    declared("milestone", 1, "started", "--at", f"{DAY}T13:50Z")
    for version, minute in (("v1", 45), ("v2", 49), ("v3", 50)):
        declared("deploy", "finish", "checkout", version, "--at", f"{DAY}T13:{minute}Z")

    for version in ("v1", "v2"):
        words = ("link", 1, f"checkout@{version}", "--as", "fixed", "--why", "x")
        refused(declared(*words), 12, "it cannot have fixed it", "milestone INC-1 started --at")
    assert declared("link", 1, "checkout@v3", "--as", "fixed", "--why", "x").code == 0
    declared("milestone", 1, "started", "--at", f"{DAY}T13:44Z")
    assert declared("link", 1, "checkout@v1", "--as", "fixed", "--why", "x").code == 0


@pytest.mark.parametrize(("first", "second"), [("caused", "fixed"), ("fixed", "caused")])
def test_one_change_is_not_both_cause_and_fix(declared, first, second):
    """
    Whichever of its steps and sources is linked, and whoever does it, until that was taken back.
    """
    at = f"{DAY}T15:00Z"
    start = declared("deploy", "start", "checkout", "v2", "--at", f"{DAY}T14:59Z", "--json").json["events"][0]
    end = declared("deploy", "finish", "checkout", "v2", "--at", at, "--json").json["events"][0]
    declared("link", 1, start, "--as", first, "--why", "x")

    for event in (start, end):
        words = ("link", 1, event, "--as", second, "--why", "y", "--by", "eve")
        refused(declared(*words), 12, f"as {first} by ada: one change is not both", "tracker unlink INC-1")
    declared("unlink", 1, start, "--why", "mixed up")
    assert declared("link", 1, end, "--as", second, "--why", "y").code == 0


def test_a_link_brings_in_what_time_alone_would_not(declared):
    """
    A deploy of another service, weeks before.
    """
    declared("deploy", "finish", "database", "v7", "--at", "2026-02-01T10:00Z")
    handle = declared("link", 1, "database@v7", "--json").json["event"][-7:]

    assert row(declared, handle)["service"] == "database"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("amend", "HANDLE", "--why", "x"), 12, "nothing to amend"),
        (("amend", "HANDLE", "--text", "y"), 2, "--why"),
        (("amend", "HANDLE", "--text", "y", "--why", " "), 12, "needs a reason"),
        (("amend", "HANDLE", "--text", "pool is emtpy", "--why", "x"), 12, "has these values already"),
        (("amend", "HANDLE", "--set", "nonsense=1", "--why", "x"), 11, "no field 'nonsense'"),
        (("amend", "HANDLE", "--set", "nonsense", "--why", "x"), 2, "has no ="),
        (("amend", "HANDLE", "--set", "decided_by=eve", "--why", "x"), 12, "cannot be amended"),
        (("amend", "HANDLE", "--set", "precision_seconds=often", "--why", "x"), 11, "is not valid in"),
        (("amend", "HANDLE", "--at", "2099-01-01T00:00Z", "--why", "x"), 2, "in the future"),
        (("amend", "checkout@1", "--at", "now", "--why", "x"), 11, "no deploy"),
        (("retract", "HANDLE"), 2, "--why"),
        (("retract", "HANDLE", "--why", ""), 12, "needs a reason"),
        (("link", 1, "HANDLE"), 12, "only facts are linked"),
        (("link", 1, "HANDLE", "--as", "caused"), 2, "needs a reason"),
        (("link", 1, "HANDLE", "--as", "guilty", "--why", "x"), 2, "'suspect'"),
        (("unlink", 1, "HANDLE", "--why", "x"), 12, "only facts are unlinked"),
    ],
)
def test_a_correction_that_corrects_nothing_is_refused(declared, noted, words, code, said):
    """
    The row stays as it was.
    """
    before = row(declared, noted)

    refused(declared(*(noted if word == "HANDLE" else word for word in words)), code, said)
    assert row(declared, noted) == before


def test_a_declaration_is_not_retracted(declared):
    """
    An incident that was none is resolved as a false alarm.
    """
    handle = declared("timeline", 1, "--json").json["entries"][-1]["event"]

    refused(declared("retract", handle, "--why", "x"), 12, "--as false-alarm")


def test_an_amendment_obeys_the_rules_of_decisions(tracker):
    """
    What cannot be decided cannot be amended into being, and nothing is recorded of the try.
    """
    tracker("declare", "r", "--service", "checkout", "--severity", "minor", "--at", "2026-06-01T12:00Z")
    tracker("resolve", "1", "--at", "2026-06-01T13:00Z")
    ended = tracker("timeline", "1", "--json").json["entries"][-1]["event"]

    refused = tracker("amend", ended, "--at", "2026-06-01T11:00Z", "--why", "typo")

    assert refused.code == 12
    assert "before its start" in refused.err
    assert tracker("timeline", "1", "--json").json["entries"][-1]["event"] == ended


def test_the_same_link_typed_twice_is_recorded_once(declared):
    """
    Running it again is safe; another reason is another link.
    """
    declared("deploy", "finish", "checkout", "v1", "--at", "2026-03-01T14:10Z")
    words = ("link", "1", "checkout@v1", "--as", "fixed", "--why", "errors are gone", "--json")

    first, again, other = declared(*words), declared(*words), declared(*words[:6], "and stay gone", "--json")

    assert [each.json["recorded"] for each in (first, again, other)] == [1, 0, 1]
    assert again.json["events"] == first.json["events"]
