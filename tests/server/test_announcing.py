"""What `tracker serve` posts by itself: declared, reopened, resolved and due, to each channel, once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.server.senders import ago, firing, push
from tests.servers.serving import CHECKOUT, TrackerServer, until
from tests.servers.slack import TOKEN, FakeSlack, Reply
from tracker.events.housekeeping import AnnouncingSet
from tracker.events.messages import MessageFailed, MessagePosting, MessagePrepared, MessageSent
from tracker.log import Log

ALL = """
[slack]
webhook_url_env = "SLACK_URL"
[teams]
webhook_url_env = "TEAMS_URL"
[webhook]
url_env = "WEBHOOK_URL"
token_env = "WEBHOOK_TOKEN"
[alerting.critical]
tell = ["engineering lead", "cto"]
"""
SLACK = '[slack]\nwebhook_url_env = "SLACK_URL"\n'
REPORTS = 'report_url = "https://wiki.example/{incident}"\n'


@pytest.fixture
def environment(slack: FakeSlack, teams: FakeSlack, cloud_events: FakeSlack) -> dict[str, str]:
    return {
        "SLACK_URL": slack.url,
        "TEAMS_URL": teams.url,
        "WEBHOOK_URL": cloud_events.url,
        "WEBHOOK_TOKEN": TOKEN,
    }


def kept(server: TrackerServer, *kinds: type[Any]) -> list[Any]:
    with Log(server.store) as log:
        return [each.event for each in log.read_all() if isinstance(each.event, kinds)]


def is_announcing(server: TrackerServer) -> None:
    """Wait until the server has noted what it announces: what is declared from then on is announced."""
    until(lambda: kept(server, AnnouncingSet))


def declare(server: TrackerServer, *words: str, title: str = "Payments answer 500") -> str:
    answer = server.answer("declare", title, "--service", "checkout", "--severity", "critical", *words)
    incident: str = answer["incident"]
    return incident


@pytest.fixture(params=["sqlite", "postgresql"])
def everywhere(
    request: pytest.FixtureRequest, make_server: Callable[..., TrackerServer], environment: dict[str, str]
) -> TrackerServer:
    """A server with three channels, on each store."""
    store = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    server = make_server(ALL + CHECKOUT, store=store, environment=environment, running=False)
    toml = server.folder / "tracker.toml"
    toml.write_text(toml.read_text().replace("[tracker]\n", "[tracker]\n" + REPORTS))
    server.start()
    is_announcing(server)
    return server


def test_each_channel_is_told_of_each_step_once(everywhere, slack, teams, cloud_events):
    """
    Declared, resolved, reopened: the guide's messages, recorded as they were sent, one row of the timeline each.
    """
    server = everywhere
    incident = declare(server)
    for channel in (slack, teams, cloud_events):
        channel.wait_for(1)
    server.answer("resolve", incident)
    for channel in (slack, teams, cloud_events):
        channel.wait_for(2)
    server.answer("reopen", incident, "--why", "it is back")
    for channel in (slack, teams, cloud_events):
        channel.wait_for(3)
    until(lambda: len(kept(server, MessageSent)) == 9)
    server.stop()

    first, second, third = slack.texts
    assert first.startswith("🚨 CRITICAL ISSUE - Payments answer 500")
    assert "Tell: engineering lead, cto" in first
    assert second.startswith("✅ RESOLVED")
    assert "Incident report: https://wiki.example/INC-1" in second
    assert "It came back" in third
    assert teams.lines == cloud_events.lines == slack.lines
    events = [json.loads(body) for body in cloud_events.bodies]
    assert [event["type"] for event in events] == [
        f"tracker.message.{kind}" for kind in ("initial", "resolved", "initial")
    ]
    prepared = kept(server, MessagePrepared)
    assert len({event["id"] for event in events}) == 3
    data = [event["data"] for event in events]
    assert [each["status"] for each in data] == ["open", "resolved", "open"]
    assert [each["resolved_at"] is None for each in data] == [True, False, True]
    assert {(each["severity"], each["title"], *each["services"]) for each in data} == {
        ("critical", "Payments answer 500", "checkout")
    }
    assert {event.decided_by for event in prepared} == {"tracker"}
    with Log(server.store) as log:
        sent = [each for each in log.read_all() if isinstance(each.event, MessageSent)]
        bodies = log.payloads([each.position for each in sent])
    assert sorted(bodies.values()) == sorted([*slack.bodies, *teams.bodies, *cloud_events.bodies])
    titles = [row["title"] for row in server.answer("timeline", incident)["entries"]]
    assert titles.count("Team alerted") == 2
    assert titles.count("Team informed that it is resolved") == 1
    assert server.answer("check", incident)["rules"][0]["status"] == "met"


def test_an_alert_that_declares_is_announced(make_server, environment, slack):
    """
    At 3 a.m. nobody reads a log file.
    """
    server = make_server(SLACK + CHECKOUT + 'auto_declare = "critical"\n', environment=environment)
    is_announcing(server)

    push(server, firing(ago(minutes=1)))
    slack.wait_for(1)

    assert slack.texts[0].startswith("🚨 CRITICAL ISSUE")


def test_what_happened_before_or_long_ago_is_not_announced(make_server, environment, slack, tmp_path):
    """
    Neither what was declared before serve was configured, nor what was back-filled; and what is late goes out.
    """
    server = make_server(SLACK + CHECKOUT, environment=environment, running=False)
    declare(server, title="before serve")
    server.start()
    is_announcing(server)
    old = declare(server, "--at", "3h-ago", "--new", title="back-filled")
    server.answer("resolve", old, "--at", "2h-ago")
    server.stop()
    declare(server, "--new", title="while serve was away")
    server.start()
    slack.wait_for(1)
    server.stop()

    assert slack.lines == ["🚨 CRITICAL ISSUE - while serve was away"]


def test_what_is_announced_can_be_changed_while_it_runs(make_server, environment, slack):
    """
    With [] nothing goes out, and what happened meanwhile does not go out later.
    """
    server = make_server(SLACK + "announce = []\n" + CHECKOUT, environment=environment)
    declare(server, title="nobody is told")
    toml = server.folder / "tracker.toml"
    toml.write_text(toml.read_text().replace("announce = []", 'announce = ["declared"]'))
    is_announcing(server)
    second = declare(server, "--new", title="from here on")
    slack.wait_for(1)
    server.answer("resolve", second)
    third = declare(server, "--new", title="the next one")
    slack.wait_for(2)
    server.stop()

    assert slack.lines == ["🚨 CRITICAL ISSUE - from here on", "🚨 CRITICAL ISSUE - the next one"]
    assert third == "INC-3"


def test_two_servers_on_one_log_announce_once(store_url, make_server, environment, slack, tmp_path):
    """
    Whichever is faster: the other finds it prepared.
    """
    servers = [make_server(SLACK + CHECKOUT, store=store_url, environment=environment) for _ in range(2)]
    is_announcing(servers[0])

    for number in range(5):
        declare(servers[0], "--new", title=f"number {number}")
    slack.wait_for(5)
    until(lambda: len(kept(servers[0], MessageSent)) == 5)
    for server in servers:
        server.stop()

    assert sorted(slack.lines) == [f"🚨 CRITICAL ISSUE - number {number}" for number in range(5)]
    assert len(kept(servers[0], MessagePrepared)) == 5


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(429, "", {"Retry-After": "1"})],
        [Reply(503, "")],
        [Reply(drops=True)],
        [Reply(504, ""), Reply(500, "oops")],
    ],
    ids=["rate-limited", "unavailable", "cut", "gateway"],
)
def test_what_fails_for_now_is_announced_later(make_server, environment, slack, replies):
    """
    A server that is restarted goes on where it was; nobody looks into the channel at 3 a.m., so it is said again.
    """
    server = make_server(SLACK + CHECKOUT, environment=environment)
    is_announcing(server)
    slack.replies = list(replies)
    declare(server)
    for number in range(len(replies)):
        slack.wait_for(number + 1)
        until(lambda number=number: len(kept(server, MessageFailed)) == number + 1)
        server.stop()
        server.turn_clock(timedelta(minutes=number + 1))
        server.start()
    slack.wait_for(len(replies) + 1)
    until(lambda: kept(server, MessageSent))
    server.stop()

    assert len(set(slack.texts)) == 1
    assert len(slack.texts) == len(replies) + 1


def test_kill_9_while_posting_says_it_again(make_server, environment, slack):
    """
    Slack may have it and the log does not know: twice is better than never, and it is the same text.
    """
    server = make_server(SLACK + CHECKOUT, environment=environment)
    is_announcing(server)
    slack.replies = [Reply(hangs=True)]
    declare(server)
    slack.wait_for(1)
    server.kill()
    assert len(kept(server, MessagePosting)) == 1
    server.turn_clock(timedelta(minutes=2))
    server.start()
    slack.wait_for(2)
    until(lambda: kept(server, MessageSent))
    server.stop()

    assert len(slack.texts) == 2
    assert len(set(slack.texts)) == 1
    assert [failed.unsure for failed in kept(server, MessageFailed)] == [True]


@pytest.mark.parametrize(
    ("channel", "reply", "words"),
    [
        ("slack", Reply(404, "no_service"), ("no_service", "[slack] webhook_url_env")),
        ("slack", Reply(403, "action_prohibited"), ("the workspace forbids it", "[slack] webhook_url_env")),
        (
            "teams",
            Reply(400, '{"error":{"code":"InvalidRequest"}}'),
            ("InvalidRequest", "[teams] webhook_url_env"),
        ),
        ("cloud_events", Reply(410, ""), ("wants no more events", "[webhook] url_env")),
        ("cloud_events", Reply(401, ""), ("[webhook] token_env", "[webhook] url_env")),
    ],
)
def test_what_is_refused_for_good_names_the_setting(request, make_server, environment, channel, reply, words):
    """
    It is tried once, the others are told all the same, and the log of serve says what to set right.
    """
    server = make_server(ALL + CHECKOUT, environment=environment)
    is_announcing(server)
    refusing = request.getfixturevalue(channel)
    refusing.replies = [reply]
    declare(server)
    until(lambda: len(kept(server, MessageSent)) == 2 and kept(server, MessageFailed))
    line = until(lambda: [said for said in server.said() if said["says"] == "a message was not posted"])[0]
    server.stop()

    assert len(refusing.bodies) == 1
    assert all(word in line["why"] + line["next"] for word in words)


def test_what_is_due_is_announced_at_its_time(make_server, environment, slack):
    """
    The update after five minutes, with what to type; a reminder is no update.
    """
    server = make_server(SLACK + CHECKOUT, environment=environment)
    is_announcing(server)
    declare(server)
    slack.wait_for(1)
    until(lambda: kept(server, MessageSent))
    server.stop()
    server.turn_clock(timedelta(minutes=6))
    server.start()
    slack.wait_for(2)
    until(lambda: len(kept(server, MessageSent)) == 2)
    rules = {rule["rule"]: rule for rule in server.cli("check", 1, "--all", "--json").json["rules"]}
    server.stop()

    assert slack.lines[1].split(" (")[0] == "⏰ DUE - update the team"
    assert "Type: tracker message INC-1 update --send" in slack.texts[1]
    assert rules["updates_on_time"]["status"] == "late"


def test_a_person_who_was_faster_is_not_repeated(make_server, environment, slack):
    """
    What a person posted by then, or recorded as posted by hand, serve does not post again.
    """
    server = make_server(SLACK + CHECKOUT, environment=environment)
    is_announcing(server)
    server.stop()
    declare(server)
    assert server.cli("message", 1, "initial", "--text", "payments are down", "--send").code == 0
    server.answer("resolve", 1)
    assert server.cli("message", 1, "resolved", "--sent").code == 0
    server.start()
    declare(server, "--new", title="the next one")
    slack.wait_for(2)
    server.stop()

    assert slack.lines == ["payments are down", "🚨 CRITICAL ISSUE - the next one"]


def test_a_channel_that_hangs_holds_up_no_other(make_server, environment, slack, teams, cloud_events):
    """
    Each is posted to by itself.
    """
    server = make_server(ALL + CHECKOUT, environment=environment)
    is_announcing(server)
    slack.replies = [Reply(hangs=True)] * 20
    declare(server)

    teams.wait_for(1)
    cloud_events.wait_for(1)
    until(lambda: len(kept(server, MessageSent)) == 2)
    server.stop()


@pytest.mark.parametrize(
    ("toml", "variables", "words"),
    [
        (SLACK, {}, "the environment has no SLACK_URL"),
        ('[teams]\nwebhook_url_env = "TEAMS_URL"\n', {"TEAMS_URL": "hunter2"}, "TEAMS_URL, which [teams]"),
        ('[webhook]\nurl_env = "W"\ntoken_env = "T"\n', {"W": "http://h/x"}, "the environment has no T"),
        (
            '[webhook]\nurl_env = "W"\ntoken_env = "T"\n',
            {"W": "http://h/x", "T": "a\nb"},
            "no header can carry",
        ),
        (SLACK + 'announce = ["declare"]\n', {"SLACK_URL": "http://h/x"}, 'The nearest is "declared"'),
        ('[webhook]\ntoken_env = "T"\n', {"T": "x"}, "is a token for no address"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_at_the_start(make_server, toml, variables, words):
    """
    Not at 3 a.m.
    """
    server = make_server(toml + CHECKOUT, environment=variables, running=False)

    started = server.cli("serve", "--port", "0")

    assert started.code == 3
    assert words in started.err
    assert "hunter2" not in started.err
