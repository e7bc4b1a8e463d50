"""`tracker inbox`: what was received and not understood is listed with its reason, and can be tried again."""

import contextlib

import pytest

from tests.cli.conftest import refused
from tests.inbox.test_inbox import delivery
from tracker.application import read_delivery
from tracker.application.session import Options, Session
from tracker.events.base import Incoming
from tracker.inbox.opening import open_inbox
from tracker.server.inbox_worker import InboxWorker
from tracker.server.telemetry import Telemetry


@pytest.fixture
def parked(tracker, store_url, monkeypatch):
    """A tracker whose inbox has two parked deliveries, and one that waits; gives their numbers."""
    monkeypatch.setenv("TRACKER_STORE", store_url)
    with contextlib.closing(open_inbox(store_url)) as inbox:
        inbox.put([delivery(1, body=b"x" * 300), delivery(2, route="pigeon", source="loft"), delivery(3)])
        numbers = [each.number for each in inbox.waiting(10)]
        inbox.park(numbers[0], "delivery 1: no JSON")
        inbox.park(numbers[1], "this version has no reader for \x1b[31m'pigeon'")
    return numbers


def waiting(store):
    with contextlib.closing(open_inbox(store)) as inbox:
        return [each.number for each in inbox.waiting(10)]


def test_the_list_says_what_came_and_why_it_was_not_understood(tracker, parked):
    """
    One row each with number, instant, route, source, size and reason; control characters are shown, not obeyed.
    """
    answer = tracker("inbox", "list")

    first, second = answer.out.splitlines()
    assert first.split() == [
        str(parked[0]),
        *["2023-11-14T22:13:20.000Z", "alertmanager", "prod", "300", "B", "delivery", "1:", "no", "JSON"],
    ]
    assert "pigeon" in second
    assert "loft" in second
    assert "\x1b" not in answer.out
    assert "waiting for tracker serve: 1" in answer.err
    assert "tracker inbox retry" in answer.err


def test_the_list_for_programs(tracker, parked):
    """
    One JSON document with every field; numbers choose.
    """
    answer = tracker("inbox", "list", parked[1], "--json")

    assert answer.json["waiting"] == 1
    [each] = answer.json["parked"]
    assert each == {
        "number": parked[1],
        "received_at": "2023-11-14T22:13:20.000Z",
        "route": "pigeon",
        "source": "loft",
        "key": "key-2",
        "attempts": 1,
        "size_bytes": 13,
        "reason": "this version has no reader for \x1b[31m'pigeon'",
    }


def test_retry_lets_all_of_it_wait_again(tracker, parked, store_url):
    """
    It says how many; a second time there is nothing to try.
    """
    first = tracker("inbox", "retry")
    second = tracker("inbox", "retry")

    assert "2 will be retried" in first.err
    assert "Nothing is parked" in second.err
    assert (first.code, second.code) == (0, 0)
    assert waiting(store_url) == parked


def test_retry_of_one_leaves_the_others_parked(tracker, parked, store_url):
    """
    Only the numbers that were typed.
    """
    answer = tracker("inbox", "retry", parked[1], "--json")

    assert answer.json == {"retried": 1}
    assert waiting(store_url) == parked[1:]


def test_an_unknown_number_is_refused_and_nothing_is_retried(tracker, parked, store_url):
    """
    One that waits is not parked either: it is named, and no other one is touched.
    """
    refused(
        tracker("inbox", "retry", parked[0], 999), 11, "nothing is parked under 999", "tracker inbox list"
    )
    refused(tracker("inbox", "list", parked[2]), 11, f"nothing is parked under {parked[2]}")

    assert waiting(store_url) == parked[2:]


def test_a_dropped_delivery_is_gone_and_who_dropped_it_is_recorded(tracker, parked, store_url):
    """
    Nothing of its body is kept; the others stay.
    """
    answer = tracker("inbox", "drop", parked[0], "--why", "a load test", "--by", "grace", "--json")

    assert (answer.code, answer.json["dropped"], answer.json["recorded"]) == (0, 1, 1)
    assert [row["number"] for row in tracker("inbox", "list", "--json").json["parked"]] == parked[1:2]
    assert waiting(store_url) == parked[2:]
    fields = tracker("show", answer.json["events"][0], "--json").json["fields"]
    assert (fields["route"], fields["why"], fields["size_bytes"]) == ("alertmanager", "a load test", 300)
    assert fields["decided_by"] == "grace"


@pytest.mark.parametrize("words", [("--why", "x"), ("1",), ("1", "--why", " ")])
def test_a_drop_needs_a_number_and_a_reason(tracker, parked, words):
    """
    Nothing is dropped by mistake.
    """
    refused(tracker("inbox", "drop", *words), 2, "needs the numbers", "--why")
    assert len(tracker("inbox", "list", "--json").json["parked"]) == 2


def test_what_waits_is_dropped_by_its_number_and_never_by_itself(tracker, parked, store_url):
    """
    `/readyz` names a delivery that holds up the others. An unknown number drops nothing.
    """
    refused(
        tracker("inbox", "drop", parked[0], parked[2], 999, "--why", "x"), 11, "nothing is parked under 999"
    )
    assert waiting(store_url) == parked[2:]

    answer = tracker("inbox", "drop", parked[2], "--why", "it holds up the others", "--json")

    assert answer.json["dropped"] == 1
    assert len(tracker("inbox", "list", "--json").json["parked"]) == 2
    assert waiting(store_url) == []


def test_without_an_inbox_it_is_empty_and_none_is_made(tracker, tmp_path):
    """
    Who never served sees that nothing is parked; no file appears.
    """
    listed, as_json = tracker("inbox", "list"), tracker("inbox", "list", "--json")
    tried = tracker("inbox", "retry", "--json")

    assert listed.out == "Nothing is parked: everything received could be parsed.\n"
    assert as_json.json == {"waiting": 0, "parked": []}
    assert tried.json == {"retried": 0}
    refused(tracker("inbox", "retry", 7), 11, "nothing is parked under 7")
    refused(tracker("inbox", "drop", 7, "--why", "x"), 11, "nothing is parked under 7")
    assert not list(tmp_path.glob("*.inbox*"))


def test_what_was_parked_is_understood_after_an_upgrade(tracker, parked, store_url, monkeypatch):
    """
    A later version has a reader for it: retried, it gets into the log and leaves the inbox.
    """
    from tests.builders import deploy

    monkeypatch.setitem(
        read_delivery.READERS, "pigeon", lambda held, rules, arrival: [Incoming(event=deploy(3))]
    )
    tracker("inbox", "retry", parked[1])
    with (
        contextlib.closing(open_inbox(store_url)) as inbox,
        contextlib.closing(Session(Options(store=store_url, by="tracker"))) as session,
    ):
        inbox.finish([parked[2]])
        InboxWorker(inbox, session, Telemetry()).once()

    listed = tracker("inbox", "list", "--json").json
    changes = tracker(
        "changes", "--service", "checkout", "--from", "2026-03-01T00:00Z", "--to", "2026-03-02T00:00Z"
    )
    assert [each["number"] for each in listed["parked"]] == parked[:1]
    assert listed["waiting"] == 0
    assert deploy(3).version in changes.out


def test_an_inbox_that_is_no_inbox_is_refused(tracker, tmp_path):
    """
    Somebody else's file under its name is told in a line, and stays as it is.
    """
    (tmp_path / "tracker.db.inbox").write_text("notes\n" * 300)

    refused(tracker("inbox", "list"), 9, "tracker.db.inbox cannot be used")
    assert (tmp_path / "tracker.db.inbox").read_text() == "notes\n" * 300
