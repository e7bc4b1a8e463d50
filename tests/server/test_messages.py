"""What `tracker serve` does about messages: it posts what waits, once, and says what is due and what was missed.

Its clock is turned where minutes have to pass; Slack is `tests.servers.slack`.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.servers.serving import TrackerServer, until
from tests.servers.slack import SECRET, FakeSlack, Reply
from tracker.application.session import Options, Session
from tracker.events.messages import EtaMissed, MessageFailed, MessagePosting, MessageSent
from tracker.log import Log
from tracker.server import announcer
from tracker.server.announcer import Announcer
from tracker.server.telemetry import Telemetry

SLACK = '[slack]\nwebhook_url_env = "SLACK_URL"\nannounce = []\n'
REFUSED = Reply(500, "oh no")


@pytest.fixture
def posting_server(make_server: Callable[..., TrackerServer], slack: FakeSlack) -> TrackerServer:
    """A server that does not run yet, with Slack configured and INC-1 declared."""
    server = make_server(SLACK, running=False, environment={"SLACK_URL": slack.url})
    declare(server)
    return server


def declare(server: TrackerServer) -> None:
    words = ("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
    answer = server.cli(*words)
    assert answer.code == 0, answer.err


def kept(server: TrackerServer, *kinds: type[Any]) -> list[Any]:
    """Return the events of some kinds, in the order in which they were recorded."""
    with Log(str(server.folder / "tracker.db")) as log:
        return [each.event for each in log.read_all() if isinstance(each.event, kinds)]


def said(server: TrackerServer, words: str) -> list[dict[str, Any]]:
    """Return the lines that the server wrote with these words."""
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["says"] == words]


def workspace_of(server: TrackerServer) -> Session:
    """Open the log as another server would."""
    store = str(server.folder / "tracker.db")
    return Session(Options(config=str(server.folder / "tracker.toml"), store=store))


def start_at(server: TrackerServer, **ahead: float) -> None:
    """Start the server with its clock so much ahead; the commands' is right again then."""
    server.turn_clock(timedelta(**ahead))
    server.start()
    server.turn_clock(timedelta(0))


def test_what_slack_refused_is_posted_once_when_it_is_back(posting_server, slack):
    """
    Refused to the person, refused to the server, the server is killed: the next one posts it, and none after it.
    """
    slack.replies = [REFUSED] * 4
    typed = posting_server.cli("message", 1, "initial", "--text", "payments are down", "--send")
    assert typed.code == 10
    assert "tracker serve posts it" in typed.err
    assert len(slack.bodies) == 3

    start_at(posting_server, minutes=1)
    until(lambda: len(kept(posting_server, MessageFailed)) == 2)
    posting_server.kill()
    start_at(posting_server, minutes=3)
    # The line is written after the event: killed in between, the server would never write it.
    until(lambda: kept(posting_server, MessageSent) and said(posting_server, "posted a message"))
    posting_server.kill()
    slack.replies = [REFUSED] * 3
    posting_server.cli("message", 1, "update", "--text", "looking", "--send")
    start_at(posting_server, minutes=20)
    until(lambda: len(said(posting_server, "posted a message")) == 2)

    assert len(kept(posting_server, MessageSent)) == 2
    assert slack.texts == ["payments are down"] * 5 + ["looking"] * 4
    [first, _] = kept(posting_server, MessageSent)
    assert (first.text, first.decided_by, first.attempts) == ("payments are down", "ada", 1)
    assert len(said(posting_server, "posted a message")) == 2
    assert not any(part in posting_server.log() for part in (SECRET, "XXXX", "T0000"))


def test_what_was_cut_off_while_posting_is_never_posted_again(posting_server, slack):
    """
    `kill -9` while Slack has the message and did not answer yet: it may stand there, so a person is asked to look.
    """
    slack.replies = [*[REFUSED] * 3, Reply(hangs=True)]
    posting_server.cli("message", 1, "initial", "--text", "payments are down", "--send")
    start_at(posting_server, minutes=1)
    slack.wait_for(4)
    posting_server.kill()
    assert len(kept(posting_server, MessagePosting)) == 2

    start_at(posting_server, minutes=5)
    failed = until(lambda: (found := kept(posting_server, MessageFailed))[1:] and found)

    assert [each.unsure for each in failed] == [False, True]
    assert "may have been posted" in failed[-1].reason
    assert kept(posting_server, MessageSent) == []
    until(lambda: said(posting_server, "a message was not posted"))
    assert slack.texts == ["payments are down"] * 4


def test_a_promise_that_passed_is_recorded_once_and_the_update_is_said(posting_server, monkeypatch):
    """
    Ten minutes after "fixed in three": it is recorded at the promised instant, whoever looks again.
    """
    answer = posting_server.cli("message", 1, "initial", "--sent", "--eta", "3m", "--json")
    assert answer.code == 0, answer.err

    start_at(posting_server, minutes=10)
    until(lambda: said(posting_server, "a message is due"))
    posting_server.stop()
    session = workspace_of(posting_server)
    monkeypatch.setattr(Session, "now", property(lambda self: datetime.now(UTC) + timedelta(minutes=11)))
    Announcer(session, Telemetry()).remind()
    session.close()

    [missed] = kept(posting_server, EtaMissed)
    assert (missed.incident, missed.decided_by) == ("INC-1", "tracker")
    assert missed.occurred_at.isoformat(timespec="milliseconds")[:-6] + "Z" == answer.json["eta"]
    assert [each["incident"] for each in said(posting_server, "a promised time passed")] == ["INC-1"]
    [due] = said(posting_server, "a message is due")
    assert (due["incident"], due["what"]) == ("INC-1", "update the team")
    assert due["next"] == "tracker message INC-1 update --send"
    sent_at = datetime.fromisoformat(answer.json["sent_at"])
    assert datetime.fromisoformat(due["due_at"]) - sent_at == timedelta(minutes=5)


def test_an_update_that_is_due_is_said_once(posting_server, monkeypatch):
    """
    However often a server looks.
    """
    told: list[str] = []
    monkeypatch.setattr(
        announcer, "log_line", lambda says, *level, **fields: told.append(str(fields["due_at"]))
    )
    store = str(posting_server.folder / "tracker.db")
    session = Session(Options(config=str(posting_server.folder / "tracker.toml"), store=store))
    now = datetime.now(UTC)
    monkeypatch.setattr(Session, "now", property(lambda self: now))
    poster = Announcer(session, Telemetry())

    counts = []
    for minutes in (4, 6, 7, 30):
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        poster.remind()
        counts.append(len(told))
    session.close()

    assert counts == [0, 1, 1, 1]
