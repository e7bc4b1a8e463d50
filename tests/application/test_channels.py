"""One post to an incoming webhook: what each answer means, over real HTTP."""

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.messages import Message, State
from tests.builders import at
from tests.servers.slack import SECRET, TOKEN, Reply
from tracker.application.channels.configured import channels
from tracker.application.channels.posting import PostOutcome
from tracker.application.channels.slack import Slack, escaped
from tracker.application.channels.teams import Teams, card
from tracker.application.channels.webhook import Webhook
from tracker.errors import SettingsError
from tracker.settings.loading import parse as parse_settings
from tracker.settings.schema import Settings


def message(text="hello", **fields):
    defaults = {"event": "0e1", "incident": "INC-1", "kind": "initial", "state": State.POSTING, "by": "ada"}
    return Message(**{**defaults, "prepared_at": at(8), "eta": None, "text": text, **fields})


def post(url, text="hello", channel=Slack, **options):
    return channel(url, connect_seconds=1.0, answer_seconds=0.3, **options)(message(text))


@pytest.mark.parametrize(
    ("reply", "became", "said"),
    [
        (Reply(), PostOutcome.POSTED, "ok"),
        (Reply(404, "no_service"), PostOutcome.REFUSED, "404 (no_service): the webhook was disabled"),
        (Reply(403, "invalid_token"), PostOutcome.REFUSED, "403 (invalid_token)"),
        (Reply(400, "invalid_payload"), PostOutcome.REFUSED, "400 (invalid_payload)"),
        (Reply(410, "channel_is_archived"), PostOutcome.REFUSED, "its channel is archived"),
        (Reply(302, "", {"Location": "https://login.example"}), PostOutcome.REFUSED, "redirected (302)"),
        (Reply(429, "rate_limited", {"Retry-After": "30"}), PostOutcome.LATER, "429"),
        (Reply(500, "rollup_error"), PostOutcome.LATER, "500 (rollup_error)"),
        (Reply(503, ""), PostOutcome.LATER, "503"),
        (Reply(504, ""), PostOutcome.UNKNOWN, "504"),
        (Reply(200, "<html>Log in to the wifi</html>"), PostOutcome.UNKNOWN, "not Slack's ok"),
        (Reply(hangs=True), PostOutcome.UNKNOWN, "did not answer within 0.3 s"),
        (Reply(drops=True), PostOutcome.UNKNOWN, "broke the connection off"),
        (Reply(halts=True), PostOutcome.UNKNOWN, "did not answer within 0.3 s"),
    ],
    ids=lambda each: f"{each.status}-{each.body[:12]}" if isinstance(each, Reply) else "",
)
def test_each_answer_means_one_of_four_things(slack, reply, became, said):
    """
    Posted, refused for good, not posted and worth another try, or nobody can tell.
    """
    slack.replies = [reply]

    answer = post(slack.url)

    assert answer.became is became
    assert said in answer.said
    assert len(slack.bodies) == 1


def test_a_place_that_nobody_listens_at_was_not_posted_to():
    """
    No byte left, so trying again cannot post twice.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    answer = post(f"http://127.0.0.1:{port}{SECRET}")

    assert (answer.became, answer.said) == (PostOutcome.LATER, "Slack refused the connection")


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("in an hour", 3000, 3600),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 0, 0),
        ("99999999999999999999", 86400, 86400),
    ],
)
def test_retry_after_is_seconds_or_a_date(slack, header, least, most):
    """
    Both forms that HTTP allows, and never more than a day.
    """
    if header == "in an hour":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    slack.replies = [Reply(429, "", {"Retry-After": header})]

    after = post(slack.url).retry_after_seconds

    assert after is not None
    assert least <= after <= most


@pytest.mark.parametrize("header", ["soon", "-3", "", "1e3", "٣"])
def test_a_retry_after_that_says_nothing_is_left_out(slack, header):
    """
    Then our own pauses count.
    """
    slack.replies = [Reply(429, "", {"Retry-After": header.encode().decode("latin-1")})]

    assert post(slack.url).retry_after_seconds is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, f"no webhook at {SECRET}"),
        Reply(500, SECRET.rsplit("/", 1)[1]),
        Reply(302, "", {"Location": SECRET}),
        Reply(hangs=True),
        Reply(drops=True),
    ],
)
def test_the_address_is_in_no_answer(slack, reply):
    """
    Who has the address can post, so it is repeated nowhere: not even where the other side repeats it.
    """
    slack.replies = [reply]

    said = post(slack.url).said

    assert not any(part in said for part in ("T00000000", "B00000000", "XXXX", str(slack.url)))
    assert "XXXX" not in repr(Slack(slack.url))


def test_what_is_posted_stands_for_itself(slack):
    """
    No mention of everybody, no link and no entity comes out of what people typed.
    """
    text = '<!channel> a < b && c > d: &lt; *not bold* ✅\n"quoted"'

    post(slack.url, text)

    assert json.loads(slack.bodies[0]) == {
        "text": '&lt;!channel&gt; a &lt; b &amp;&amp; c &gt; d: &amp;lt; *not bold* ✅\n"quoted"',
        "mrkdwn": False,
    }
    assert escaped("plain") == "plain"


def test_a_password_in_netrc_is_not_sent(slack, tmp_path, monkeypatch):
    """
    Slack wants none, and a login of the host is nothing to give away.
    """
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen = []
    monkeypatch.setattr("requests.sessions.get_netrc_auth", lambda *_: seen.append(1) or ("ada", "hunter2"))

    assert post(slack.url).became is PostOutcome.POSTED
    assert not seen


def settings_of(text):
    return Settings(parse_settings(text.encode(), "tracker.toml"), None, "tracker.db")


def test_no_slack_is_none():
    """
    It is optional.
    """
    assert channels(settings_of("")) == {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hunter2/x",
        "ftp://hunter2/x",
        "https://",
        "https://h/a hunter2",
        "http://hunter2:99999/",
        "http://[::1",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(monkeypatch, url):
    """
    The variable is named; what is in it is not, for it may be nearly right.
    """
    monkeypatch.setenv("SLACK_URL", url)

    with pytest.raises(SettingsError) as refused:
        channels(settings_of('[slack]\nwebhook_url_env = "SLACK_URL"\n'))

    assert "SLACK_URL" in refused.value.message
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_the_address_may_stand_in_a_file(monkeypatch, tmp_path, slack):
    """
    As every secret: @FILE reads it from there.
    """
    (tmp_path / "url").write_text(slack.url + "\n")
    monkeypatch.setenv("SLACK_URL", f"@{tmp_path / 'url'}")

    found = channels(settings_of('[slack]\nwebhook_url_env = "SLACK_URL"\n'))

    assert found["slack"](message()).became is PostOutcome.POSTED


# ── Teams and the webhook ────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("reply", "became", "said"),
    [
        (Reply(202, ""), PostOutcome.POSTED, "accepted (202)"),
        (Reply(200, "1"), PostOutcome.POSTED, "accepted (200)"),
        (Reply(200, "Webhook message delivery failed"), PostOutcome.UNKNOWN, "not a workflow's"),
        (
            Reply(400, '{"error":{"code":"InvalidRequest","message":"x"}}'),
            PostOutcome.REFUSED,
            "InvalidRequest",
        ),
        (
            Reply(401, '{"error":{"code":"DirectApiAuthorizationRequired"}}'),
            PostOutcome.REFUSED,
            "let anyone",
        ),
        (Reply(404, ""), PostOutcome.REFUSED, "removed or turned off"),
        (Reply(302, "", {"Location": "https://login.example"}), PostOutcome.REFUSED, "redirected (302)"),
        (Reply(429, "", {"Retry-After": "30"}), PostOutcome.LATER, "rate-limited by Teams"),
        (Reply(502, ""), PostOutcome.LATER, "502"),
        (Reply(504, ""), PostOutcome.UNKNOWN, "504"),
        (Reply(hangs=True), PostOutcome.UNKNOWN, "did not answer"),
    ],
)
def test_what_a_workflow_answers(teams, reply, became, said):
    """
    202 is all that one ever says; what it does not take is named, and its signature is not repeated.
    """
    teams.replies = [reply]

    answer = post(teams.url, channel=Teams)

    assert (answer.became, said in answer.said) == (became, True)
    assert "ZZZZ" not in answer.said


@pytest.mark.parametrize(
    ("reply", "became", "said"),
    [
        *((Reply(status, ""), PostOutcome.POSTED, f"accepted ({status})") for status in (200, 201, 202)),
        (Reply(410, ""), PostOutcome.REFUSED, "wants no more events"),
        (Reply(415, ""), PostOutcome.REFUSED, "takes no application/cloudevents+json"),
        (Reply(403, f"{TOKEN} is not known"), PostOutcome.REFUSED, "[webhook] token_env"),
        (Reply(408, ""), PostOutcome.LATER, "408"),
        (Reply(429, "", {"Retry-After": "7"}), PostOutcome.LATER, "rate-limited"),
        (Reply(503, ""), PostOutcome.LATER, "503"),
        (Reply(drops=True), PostOutcome.UNKNOWN, "broke the connection off"),
    ],
)
def test_what_a_receiver_of_cloud_events_answers(cloud_events, reply, became, said):
    """
    As its specification has it: any 2xx is taken, 410 is for good, 429 and 5xx are for now.
    """
    cloud_events.replies = [reply]

    answer = post(cloud_events.url, channel=Webhook, token=TOKEN)

    assert (answer.became, said in answer.said) == (became, True)
    assert TOKEN not in answer.said


def test_a_wrong_token_is_refused_by_its_setting(cloud_events):
    """
    The receiver asks for it with every event.
    """
    assert post(cloud_events.url, channel=Webhook, token=TOKEN).became is PostOutcome.POSTED
    assert "[webhook] token_env" in post(cloud_events.url, channel=Webhook, token="another").said
    assert "[webhook] token_env" in post(cloud_events.url, channel=Webhook).said


@given(st.text(min_size=1, max_size=400).filter(str.strip))
def test_any_text_stays_text(text):
    """
    In a card each line is a run of text, which knows no markup; a CloudEvent has it as it is, under one id.
    """
    blocks = card(text)["attachments"][0]["content"]["body"]
    runs = [run for block in blocks for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert [run["text"] for run in runs][1:] == [line for line in text.split("\n")[1:] if line.strip()]
    assert runs[0]["text"] == text.split("\n")[0]

    event = json.loads(Webhook("http://h/").body(message(text, event="0e1")))
    assert (event["id"], event["data"]["text"], event["specversion"]) == ("0e1", text, "1.0")


@pytest.mark.parametrize(
    ("channel", "most"),
    [(Slack, 40_000), (Teams, 20_000), (Webhook, 62_000)],
    ids=["slack", "teams", "webhook"],
)
def test_what_a_channel_would_cut_is_refused_before(channel, most):
    """
    Each by its own limit.
    """
    assert channel("http://h/").problem_of("a" * most) is None
    assert "accept" in channel("http://h/").problem_of("a" * 70_000)
