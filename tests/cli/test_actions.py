"""`action add`, `action done`, `actions`, and what an open item of an earlier incident would have prevented."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import DAY, refused

PROOF = "https://git.example.org/shop/pull/77"
KEYS = {
    *("event", "incident", "text", "owner", "due_on", "due_said", "state", "overdue_days"),
    *("done_at", "proof", "done_by", "would_have_prevented"),
}


def add(tracker, *more, incident=1, text="Alert on the pool", owner="john", due="by tomorrow"):
    return tracker("action", "add", incident, text, "--owner", owner, "--due", due, *more)


def handle_of(answer):
    assert answer.code == 0, answer.err
    return answer.json["event"][-7:]


def listed(tracker, *more):
    return tracker("actions", *more, "--json").json["actions"]


@pytest.fixture
def promised(declared):
    """INC-1, resolved, with an item that was promised on the 2nd of March 2026 for the 3rd; its handle."""
    declared("resolve", 1, "--at", f"{DAY}T14:40Z")
    return handle_of(add(declared, "--at", "2026-03-02T09:00Z", "--json"))


@pytest.fixture
def again(declared, promised):
    """INC-2, of the same service, which began on the 16th."""
    answer = declared(
        *("declare", "Payments answer 500 again", "--service", "checkout", "--severity", "major"),
        *("--at", "2026-03-16T09:05Z", "--started", "09:00Z"),
    )
    assert answer.code == 0, answer.err
    return declared


def test_what_is_promised_becomes_a_date_and_is_echoed_in_full(declared):
    """
    Counted from --at in the zone of --at-tz, which is said.
    """
    answer = add(declared, "--at", "2026-03-02T23:30Z", "--at-tz", "Europe/Berlin")

    assert answer.code == 0
    assert "john, due Wednesday 2026-03-04 (until the end of that day in Europe/Berlin), by ada" in answer.err
    assert "tracker action done " in answer.err
    [item] = listed(declared)
    assert set(item) >= KEYS
    assert (item["due_on"], item["due_said"], item["owner"]) == ("2026-03-04", "by tomorrow", "john")
    assert (item["incident"], item["state"], item["done_at"]) == ("INC-1", "overdue", None)


def test_it_is_counted_from_now(declared, monkeypatch):
    """
    Without --at, in TRACKER_TZ; a day ago it was another one.
    """
    monkeypatch.setenv("TRACKER_TZ", "Pacific/Auckland")
    before = datetime.now(UTC)
    answer = add(declared, "--json").json

    tomorrow = {
        (each + timedelta(days=1, hours=hours)).date()
        for each in (before, datetime.now(UTC))
        for hours in (12, 13)
    }
    assert answer["due_on"] in {each.isoformat() for each in tomorrow}
    assert (answer["due_zone"], answer["recorded"], answer["known"]) == ("Pacific/Auckland", 1, 0)
    assert listed(declared)[0]["state"] == "open"
    assert listed(declared)[0]["overdue_days"] == 0


@pytest.mark.parametrize(
    ("due", "words"),
    [
        ("sprint end", ("'sprint end' is not a day", "Type the date")),
        ("2026-03-01", ("which is past", "--at T")),
        ("3/12", ("is not a day", "Type the date")),
    ],
)
def test_what_is_no_day_to_come_is_refused(declared, due, words):
    """
    With what to type instead.
    """
    refused(add(declared, due=due), 2, *words)


@pytest.mark.parametrize(
    "owner", ["Team", "the team", "everyone", "tbd", "TBD.", "all", "", "?", "backend team", "we"]
)
def test_what_everybody_is_to_do_nobody_does(declared, owner):
    """
    An owner is a person.
    """
    refused(add(declared, owner=owner), 12, "is not a person", "--owner john")
    assert listed(declared) == []


@pytest.mark.parametrize("owner", ["john and sarah", "john, sarah", "john/sarah"])
def test_an_item_has_one_owner(declared, owner):
    """
    Two people each think that the other does it.
    """
    refused(add(declared, owner=owner), 12, "more than one person")


@pytest.mark.parametrize("owner", ["john", "@john-dev", "Na Li", "Mary-Ann O'Neil", "José"])
def test_a_person_may_be_called_anything_else(declared, owner):
    """
    The at of a chat is no part of the name.
    """
    assert add(declared, owner=owner, due="tomorrow").code == 0
    assert listed(declared)[0]["owner"] == owner.lstrip("@")


def test_an_item_says_what_is_to_be_done(declared):
    """
    An owner and a day alone do not.
    """
    refused(add(declared, text="  "), 12, "needs a text")


def test_the_same_promise_is_recorded_once(declared):
    """
    Typed again it is known.
    """
    at = ("--at", "2026-03-02T09:00Z", "--json")
    add(declared, *at)

    assert (add(declared, *at).json["recorded"], len(listed(declared))) == (0, 1)


def test_what_was_merged_takes_no_items(declared):
    """
    They belong where it goes on; those that it had are listed there.
    """
    old = handle_of(add(declared, "--json"))
    declared("declare", "Basket", "--service", "basket", "--severity", "minor", "--at", f"{DAY}T14:06Z")
    declared("merge", 1, "--into", 2, "--why", "the same")

    refused(add(declared), 12, "INC-1 was merged into INC-2", "tracker action add INC-2")
    assert f"action item {old} (of INC-1)" in declared("show", 2).out
    answer = declared("action", "done", old, "--proof", PROOF)
    assert "of INC-1 (merged into INC-2) done at" in answer.err


def test_done_needs_a_proof_and_is_said_once(declared, promised):
    """
    The second is told by whom, and with which proof.
    """
    answer = declared("action", "done", promised, "--proof", PROOF, "--by", "john", "--json").json
    assert (answer["incident"], answer["recorded"]) == ("INC-1", 1)

    [item] = listed(declared)
    assert (item["state"], item["done_by"], item["proof"], item["overdue_days"]) == ("done", "john", PROOF, 0)
    again = declared("action", "done", promised, "--proof", "https://other.example.org")
    refused(again, 12, "was already marked as done", "by john", PROOF, "tracker retract")


@pytest.mark.parametrize("proof", ["", " ", "done", "yes", "Done.", "-", "trust me"])
def test_to_say_it_again_is_no_proof(declared, promised, proof):
    """
    A proof is where one can see it.
    """
    refused(declared("action", "done", promised, f"--proof={proof}"), 12, "tracker action done")
    assert listed(declared)[0]["state"] == "overdue"


@pytest.mark.parametrize("proof", ["4f2d8c1", "runbook page 12", "https://x.example", "PROJ-12"])
def test_a_commit_a_handle_or_a_place_is_a_proof(declared, promised, proof):
    """
    What it is, people judge; that it is there, the tracker asks.
    """
    assert declared("action", "done", promised, "--proof", proof).code == 0


def test_it_is_not_done_before_it_was_promised(declared, promised):
    """
    The instant is mistyped.
    """
    answer = declared("action", "done", promised, "--proof", PROOF, "--at", "2026-03-01T15:00Z")
    refused(answer, 12, "before it was added")


def test_what_is_no_item_is_not_done(declared, promised):
    """
    A note is none, nor is what says that one was done; an unknown handle is named.
    """
    note = declared("note", 1, "x", "--json").json["events"][0][-7:]
    refused(declared("action", "done", note, "--proof", PROOF), 12, "is a note-added", "tracker actions")
    said = declared("action", "done", promised, "--proof", PROOF, "--json").json["events"][0][-7:]
    refused(declared("action", "done", said, "--proof", PROOF), 12, f"marks {promised} as done")
    refused(declared("action", "done", "0000000", "--proof", PROOF), 11, "there is no event")


def test_an_item_is_shown_with_how_it_stands(declared, promised):
    """
    Its event alone does not say that it was done.
    """
    assert "overdue by " in declared("show", promised).out
    declared("action", "done", promised, "--proof", PROOF)

    assert f"by ada; proof: {PROOF}" in declared("show", promised).out
    assert declared("show", promised, "--json").json["action"]["state"] == "done"


def test_a_clock_time_of_done_is_the_latest_since_it_was_promised(declared, promised):
    """
    Not one of the incident's day, which was before.
    """
    before = datetime.now(UTC)
    declared("action", "done", promised, "--proof", PROOF, "--at", "00:00Z")

    done = datetime.fromisoformat(listed(declared)[0]["done_at"])
    assert done.date() in {before.date(), datetime.now(UTC).date()}


def test_to_retract_what_said_done_opens_it_again(declared, promised):
    """
    And it can be done anew; to say the very same again would stay struck out, and is refused.
    """
    at = ("--at", "2026-03-03T10:00Z")
    said = declared("action", "done", promised, "--proof", PROOF, *at, "--json").json["events"][0][-7:]
    assert declared("retract", said, "--why", "it was another pull request").code == 0

    assert listed(declared)[0]["state"] == "overdue"
    refused(
        declared("action", "done", promised, "--proof", PROOF, *at), 12, "was retracted", "tracker retract"
    )
    assert declared("action", "done", promised, "--proof", "https://other.example.org", *at).code == 0
    assert listed(declared)[0]["state"] == "done"


def test_an_item_is_amended(declared, promised):
    """
    Owner, text and day; the day is read like that of --due, in the zone in which it was promised.
    """
    answer = declared(
        *("amend", promised, "--set", "owner=grace", "--set", "due=in 3 weeks", "--text", "Alert on it"),
        *("--why", "john is away", "--json"),
    )
    assert answer.code == 0, answer.err

    [item] = listed(declared)
    assert (item["owner"], item["text"], item["due_said"]) == ("grace", "Alert on it", "in 3 weeks")
    assert item["state"] == "open"
    assert "john" in declared("history", promised).out
    refused(declared("amend", promised, "--set", "owner=Team", "--why", "x"), 12, "is not a person")
    refused(declared("amend", promised, "--set", "due=soon", "--why", "x"), 2, "is not a day")
    moved = declared("amend", promised, "--set", "due_on=2026-03-05", "--why", "x")
    assert "now due Thursday 2026-03-05" in moved.err


def test_a_retracted_item_leaves_the_lists_and_stays_in_the_history(declared, promised):
    """
    It was never to be done.
    """
    declared("retract", promised, "--why", "we buy it instead")

    assert listed(declared) == []
    assert "Action items: none recorded" in declared("report", 1, "-o", "-").out
    assert "Alert on the pool" in declared("history", promised).out
    refused(declared("action", "done", promised, "--proof", PROOF), 12, "retracted by ada: we buy it instead")


def test_the_list_has_what_is_open_and_what_is_overdue(declared, promised):
    """
    The handle first, then the incident, the day, the owner, the state.
    """
    later = handle_of(add(declared, "--json", text="Test it", due="in 2 weeks"))
    kept = handle_of(add(declared, "--json", text="Count it"))
    declared("action", "done", kept, "--proof", PROOF)

    first, *rest = declared("actions").out.splitlines()
    assert first.startswith(f"{promised}  INC-1  due 2026-03-03  john  overdue by ")
    assert [line[:7] for line in rest[:2]] == [later, kept]
    assert PROOF in rest[2]
    assert [each["text"] for each in listed(declared, "--open")] == ["Alert on the pool", "Test it"]
    assert [each["text"] for each in listed(declared, "--overdue")] == ["Alert on the pool"]
    assert [each["text"] for each in listed(declared, "--owner", "grace")] == []
    assert len(listed(declared, 1)) == 3
    assert "1 action item is overdue: tracker actions --overdue" in declared().out


def test_the_empty_list_says_what_to_type(tracker):
    """
    A new log, and one where all is done.
    """
    answer = tracker("actions")
    assert answer.out.splitlines()[0] == "No action item is recorded yet."
    assert "tracker action add INC" in answer.out
    assert tracker("actions", "--json").json == {"actions": []}


def test_nothing_overdue_is_said(declared):
    """
    And how to see the rest.
    """
    add(declared)

    assert "No action item is overdue." in declared("actions", "--overdue").out
    assert "See all: tracker actions" in declared("actions", "--overdue").out


def test_the_report_has_a_checklist(declared, promised):
    """
    With owner, date, state at the report's position and proof; what is overdue is said as such.
    """
    kept = handle_of(add(declared, "--json", text="Count it", owner="sarah", due="tomorrow"))
    declared("action", "done", kept, "--proof", PROOF)

    written = declared("report", 1, "-o", "-").out
    section = written.split("## Action Items")[1].split("##")[0]
    assert "- [ ] Alert on the pool (john, by 2026-03-03) — **overdue by " in section
    assert ") — done on " in section
    assert PROOF in section
    assert "States are as of " in section
    declared("report", 1)
    assert "is reproduced" in declared("verify", "--report", "INC-1.md").out


def test_a_report_of_an_earlier_position_knows_the_items_of_then(declared, promised):
    """
    What is done later was open then.
    """
    before = declared("verify", "--json").json["position"]
    declared("action", "done", promised, "--proof", PROOF)

    assert "- [ ] Alert" in declared("report", 1, "-o", "-", "--at-seq", before).out
    assert "- [x] Alert" in declared("report", 1, "-o", "-").out


def test_a_proposal_says_what_to_type(declared):
    """
    A note of kind prevention stays one until somebody owns it.
    """
    declared("note", 1, "Alert on the pool", "--kind", "prevention")
    command = "tracker action add INC-1 'Alert on the pool' --owner NAME --due DATE"
    assert command in declared("report", 1, "-o", "-").out
    add(declared)

    assert command not in declared("report", 1, "-o", "-").out


# ── what it would have prevented ─────────────────────────────────────────────


def test_an_open_item_of_an_earlier_incident_is_named_when_it_is_linked(again, promised):
    """
    At once, with its owner, its day and how long it was overdue when the later one began.
    """
    answer = again("link", 2, promised, "--why", "the pool was full an hour before")

    assert answer.err.startswith(
        f"INC-1's open item {promised} (john, due 2026-03-03, 13 days overdue) would have prevented INC-2"
    )
    told = again("link", 2, promised, "--why", "the pool was full an hour before", "--json").json
    assert (told["known"], told["recorded"]) == (1, 0)
    assert told["would_have_prevented"]["state_then"] == "overdue"
    assert told["would_have_prevented"]["overdue_days_then"] == 13


def test_the_ledger_is_in_both_reports_and_in_the_list(again, promised):
    """
    Under Prevention of the later one, with the item of the earlier one.
    """
    again("link", 2, promised, "--why", "the pool was full an hour before")

    later = again("report", 2, "-o", "-").out
    prevention = later.split("## Prevention")[1].split("##")[0]
    assert (
        "INC-1: Alert on the pool (john; open when that began, due 2026-03-03, 13 days overdue" in prevention
    )
    assert "Alert on the pool" not in later.split("Whole timeline")[1].split("##")[0]
    earlier = again("report", 1, "-o", "-").out
    assert "Would have prevented INC-2, says ada: the pool was full an hour before" in earlier
    assert "would have prevented INC-2" in again("actions").out
    assert [each["incident"] for each in listed(again)[0]["would_have_prevented"]] == ["INC-2"]
    for incident in (1, 2):
        assert f"INC-1's open item {promised}" in again("show", incident).out
        again("report", incident)
        assert "is reproduced" in again("verify", "--report", f"INC-{incident}.md").out


def test_closing_the_item_later_keeps_what_was_true(again, promised):
    """
    It was open, and overdue, when INC-2 began.
    """
    again("link", 2, promised, "--why", "the pool was full")
    before = listed(again)[0]["would_have_prevented"]
    again("amend", promised, "--set", "due=in 4 weeks", "--why", "moved")
    again("action", "done", promised, "--proof", PROOF)

    assert listed(again)[0]["would_have_prevented"] == before
    written = again("report", 2, "-o", "-").out
    assert "open when that began, due 2026-03-03, 13 days overdue; done since, on " in written


def test_both_reports_come_out_the_same_whatever_was_said_since(again, promised):
    """
    Their position covers all that they stand on: the link, the other's beginning, the day, the proof, and what took them back.
    """

    def said(*words):
        answer = again(*words, "--json")
        assert answer.code == 0, answer.err
        for incident in (1, 2):
            again("report", incident, "--pictures", "none")
            assert "is reproduced" in again("verify", "--report", f"INC-{incident}.md").out, words
        return answer.json["events"][0]

    said("link", 2, promised, "--why", "the pool was full")
    said("milestone", 2, "started", "--at", "2026-03-15T20:00Z")
    moved = said("milestone", 2, "started", "--at", "2026-03-02T21:00Z")
    said("amend", moved, "--at", "2026-03-15T22:00Z", "--why", "mistyped")
    said("amend", promised, "--set", "due=in 4 weeks", "--why", "moved")
    done = said("action", "done", promised, "--proof", PROOF)
    back = said("retract", done, "--why", "it was not")
    said("retract", back, "--why", "it was")
    said("unlink", 2, promised, "--why", "it was the disk")
    said("link", 2, promised, "--why", "it was the pool")
    said("retract", promised, "--why", "never promised")


def test_unlink_takes_it_back(again, promised):
    """
    From every answer; a second time there is nothing to take back.
    """
    again("link", 2, promised, "--why", "the pool was full")
    assert again("unlink", 2, promised, "--why", "it was the disk").code == 0

    assert listed(again)[0]["would_have_prevented"] == []
    assert "Action items of earlier incidents" not in again("report", 2, "-o", "-").out
    refused(again("unlink", 2, promised, "--why", "x"), 12, "is not linked to INC-2", "ada unlinked it")


def test_an_item_takes_no_other_part_and_nothing_else_takes_that_part(again, promised):
    """
    Only action items prevent; and they cause and fix nothing.
    """
    deploy = again("deploy", "finish", "checkout", "v2", "--at", f"{DAY}T14:01Z", "--json").json["events"][0]
    for role in ("caused", "fixed", "suspect", "dismissed"):
        refused(again("link", 2, promised, "--as", role, "--why", "x"), 12, "is an action item")
    refused(again("link", 2, deploy, "--as", "would-have-prevented", "--why", "x"), 12, "only an action item")
    assert again("link", 2, promised, "--as", "would-have-prevented", "--why", "x").code == 0


def test_what_could_not_have_prevented_it_is_refused(again, promised):
    """
    Its own item, one that was promised after it began, one that was done by then; and it takes a reason.
    """
    refused(again("link", 2, promised), 12, "needs a reason", f"tracker link INC-2 {promised} --why")
    own = handle_of(add(again, "--json", incident=2))
    refused(again("link", 2, own, "--why", "x"), 12, "INC-2's own action item")
    after = handle_of(add(again, "--json", text="Later"))
    refused(again("link", 2, after, "--why", "x"), 12, "after INC-2 began")
    again("action", "done", promised, "--proof", PROOF, "--at", "2026-03-05T10:00Z")
    refused(again("link", 2, promised, "--why", "x"), 12, "before INC-2 began", "it did not prevent it")


def test_open_items_of_earlier_incidents_are_candidates(again, promised):
    """
    Named as such when the later one is shown; once linked they are more than that.
    """
    shown = again("show", 2)
    assert "open items of earlier incidents of checkout when this one began:" in shown.out
    assert (
        f"These are candidates. If one would have prevented this incident: tracker link INC-2 {promised}"
        in shown.out
    )
    assert [each["event"][-7:] for each in again("show", 2, "--json").json["earlier_open_actions"]] == [
        promised
    ]

    again("link", 2, promised, "--why", "x")
    assert "candidates" not in again("show", 2).out
    assert "candidates" not in again("show", 1).out
