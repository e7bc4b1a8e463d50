"""`tracker message`: printed to paste, recorded as posted by hand, or posted to Slack from the outbox."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from projections.changes import changes
from tests.cli.conftest import DAY, refused
from tests.servers.slack import SECRET, Reply
from tracker.application.channels.slack import Slack
from tracker.application.outbox import TAKEN_FOR, deliver, record_missed_etas
from tracker.incident import fold
from tracker.log import Log

TOML = '[slack]\nwebhook_url_env = "SLACK_URL"\n[procedure]\nupdate_every = "10m"\n'


@pytest.fixture
def burning(tracker):
    """A tracker with INC-1, declared just now."""
    answer = tracker("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
    assert answer.code == 0, answer.err
    return tracker


@pytest.fixture
def posting(tracker, slack, tmp_path, monkeypatch):
    """The same with Slack configured."""
    (tmp_path / "tracker.toml").write_text(TOML)
    monkeypatch.setenv("SLACK_URL", slack.url)
    answer = tracker("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
    assert answer.code == 0, answer.err
    return tracker


def events(tracker):
    return [row["kind"] for row in tracker("timeline", 1, "--order", "recorded", "--json").json["entries"]]


def soon(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%H:%M:%SZ")


# ── to paste ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["initial", "update", "rollback"])
def test_a_message_is_printed_and_kept_and_nothing_is_posted(burning, kind):
    """
    The text on stdout, alone; what is missing in it, and how to record that it was posted, on stderr.
    """
    before = events(burning)

    answer = burning("message", ".", kind)

    assert answer.code == 0
    assert "Payments answer 500" in answer.out
    assert "Nothing was posted." in answer.err
    assert re.search(r"tracker message INC-1 --sent \w{7}$", answer.err, re.MULTILINE)
    assert 'tracker impact INC-1 "who is affected"' in answer.err
    assert events(burning) == [*before, "message-printed"]
    assert burning("show", 1, "--json").json["messages"] == []
    assert "message-printed" not in [row["kind"] for row in burning("timeline", 1, "--json").json["entries"]]


def test_a_promise_is_shown_with_its_zone(burning):
    """
    UTC unless --tz says otherwise; the full instant is echoed.
    """
    answer = burning("message", 1, "initial", "--eta", "15m", "--tz", "Asia/Tokyo", "--contact", "grace")

    assert "ETA: " in answer.out
    assert " JST\n" in answer.out
    assert "Contact: grace\n" in answer.out
    assert "--eta 15m is 20" in answer.err


def test_programs_get_the_text_as_json(burning):
    """
    The same text, and what it promises.
    """
    answer = burning("message", 1, "initial", "--eta", "15m", "--json").json

    assert set(answer) == {"incident", "kind", "text", "eta", "handle"}
    assert answer["text"].startswith("🚨 CRITICAL ISSUE")
    assert burning("message", 1, "initial", "--json").json["eta"] is None


def test_the_words_may_be_ones_own(burning):
    """
    --text in place of the template; what would drive a terminal is dropped.
    """
    answer = burning("message", 1, "update", "--text", "still\tlooking\n\x1b[31mred\x07")

    assert answer.out == "still looking\n[31mred\n"


# ── by hand ──────────────────────────────────────────────────────────────────


def test_what_was_posted_by_hand_is_recorded(burning):
    """
    The text, by whom, when and what it promises; it stands in the timeline and in show.
    """
    answer = burning("message", 1, "initial", "--sent", "--eta", soon(15), "--json").json

    [message] = burning("show", 1, "--json").json["messages"]
    assert (answer["recorded"], answer["kind"]) == (1, "initial")
    assert (message["state"], message["by_hand"], message["by"]) == ("sent", True, "ada")
    assert message["text"].startswith("🚨 CRITICAL ISSUE - Payments answer 500")
    assert message["eta"] == answer["eta"]
    row = burning("timeline", 1, "--json").json["entries"][-1]
    assert (row["title"], row["source"]) == ("Team alerted, by hand", "ada")
    assert "initial message posted at" in burning("show", 1).out


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("initial", ()),
        ("initial", ("--eta", "15m")),
        ("update", ("--contact", "grace o'neil", "--tz", "Asia/Tokyo")),
        ("rollback", ("--eta", "20m", "--contact", "grace")),
        ("update", ("--text", "still looking; don't deploy")),
    ],
)
@pytest.mark.parametrize("by_handle", [True, False])
def test_the_text_that_was_printed_is_recorded_as_sent(burning, kind, options, by_handle):
    """
    Whatever was recorded in between: what is in the channel is in the log, with what it promised.
    """
    printed = burning("message", 1, kind, *options)
    burning("note", 1, "nobody can order", "--kind", "impact")
    burning("lead", 1, "ben")
    burning("stage", 1, "fixing")
    words = shlex.split(printed.err.splitlines()[-1].partition("record it: tracker ")[2])

    again = () if "--text" in options else options
    answer = burning(*words) if by_handle else burning("message", 1, kind, *again, "--sent")

    assert answer.code == 0, answer.err
    [message] = burning("show", 1, "--json").json["messages"]
    assert message["text"] + "\n" == printed.out
    assert (message["state"], message["by_hand"], message["kind"]) == ("sent", True, kind)
    promised = re.search(r"--eta \w+ is (\S+)", printed.err)
    assert message["eta"] == (promised[1] if promised else None)


def test_a_resolved_message_that_was_printed_is_recorded_too(declared):
    """
    Its downtime is the one that was printed.
    """
    declared("resolve", 1, "--at", "14:40Z")
    printed = declared("message", 1, "resolved")
    declared("milestone", 1, "mitigated", "--at", "14:20Z")

    declared("message", 1, "resolved", "--sent")

    [message] = declared("show", 1, "--json").json["messages"]
    assert message["text"] + "\n" == printed.out


def test_the_same_handle_twice_is_recorded_once(burning):
    """
    And the same text printed twice has one handle.
    """
    first, second = (burning("message", 1, "initial", "--json").json["handle"] for _ in range(2))

    answers = [burning("message", 1, "--sent", first, "--json").json for _ in range(2)]

    assert first == second
    assert [(each["recorded"], each["known"]) for each in answers] == [(1, 0), (0, 1)]
    assert answers[0]["sent_at"] == answers[1]["sent_at"]
    assert len(burning("show", 1, "--json").json["messages"]) == 1


def test_a_text_on_stdin_is_recorded_as_sent(burning, monkeypatch):
    """
    It is the first one that was sent: the initial message, unless a kind is typed.
    """
    for kind, typed in (("initial", ()), ("update", ()), ("rollback", ("rollback",))):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{kind}: we are looking\n"))

        answer = burning("message", 1, *typed, "--sent", "-", "--json").json

        assert (answer["kind"], answer["text"]) == (kind, f"{kind}: we are looking")


def test_without_a_printed_text_sent_prints_what_it_records(burning):
    """
    Nobody has to look up what the log holds.
    """
    answer = burning("message", 1, "initial", "--sent")

    [message] = burning("show", 1, "--json").json["messages"]
    assert answer.out == message["text"] + "\n"


def test_other_options_than_those_of_the_printed_text_are_refused(burning):
    """
    The log would hold a promise that nobody read.
    """
    burning("message", 1, "update", "--eta", "15m")

    answer = burning("message", 1, "update", "--eta", "30m", "--sent")

    refused(answer, 11, "--eta 15m", "tracker message INC-1 --sent ")
    assert burning("show", 1, "--json").json["messages"] == []


def test_a_text_is_written_anew_once_the_printed_one_was_sent(burning):
    """
    A second update is another one.
    """
    burning("message", 1, "update")
    burning("message", 1, "update", "--sent")
    burning("stage", 1, "fixing")

    answer = burning("message", 1, "update", "--sent", "--json").json

    assert "FIXING" in answer["text"]


def test_a_text_with_a_secret_is_not_kept(burning):
    """
    Printing it records nothing; what was posted is read from stdin.
    """
    before = events(burning)

    answer = burning("message", 1, "update", "--text", f"use ghp_{'a1B2c3D4e5F6' * 3}")

    assert "tracker message INC-1 update --sent -" in answer.err
    assert events(burning) == before


@pytest.mark.parametrize("words", [("--sent", "1234567"), ("update", "--sent", "1234567")])
def test_a_handle_of_no_printed_text_is_refused(burning, words):
    """
    One line why, one what to type.
    """
    handle = burning("note", 1, "a note", "--json").json["events"][0][-7:]

    answer = burning("message", 1, *(handle if word == "1234567" else word for word in words))

    refused(answer, 2 if "update" in words else 11, "tracker message INC-1")


def test_what_was_posted_earlier_is_recorded_at_its_time(declared):
    """
    Told afterwards: --at says when, and a promise is held against that.
    """
    answer = declared(
        *(
            "message",
            1,
            "initial",
            "--sent",
            "--at",
            "14:06Z",
            "--eta",
            "14:25Z",
            "--text",
            "payments are down",
            "--json",
        )
    ).json

    assert (answer["sent_at"], answer["eta"]) == (f"{DAY}T14:06:00.000Z", f"{DAY}T14:25:00.000Z")
    assert "eta-missed" not in events(declared), "its deploy may be typed next"


def test_a_promise_that_passed_is_recorded_once(burning):
    """
    By whoever looks next: serve, or the next message; the timeline shows it at its instant.
    """
    eta = burning("message", 1, "initial", "--sent", "--eta", "10m", "--json").json["eta"]
    with Log("tracker.db", now=lambda: datetime.now(UTC) + timedelta(minutes=13)) as log:
        for _ in range(2):
            held = log.incident("INC-1")
            record_missed_etas(log, fold("INC-1", held), changes(held), log.now())
    burning("message", 1, "update", "--sent")

    rows = [row for row in burning("timeline", 1, "--json").json["entries"] if row["kind"] == "eta-missed"]
    assert [(row["occurred_at"], row["title"]) for row in rows] == [(eta, "The promised time passed")]


def test_the_report_says_when_the_team_was_alerted(declared):
    """
    The guide's first step, in the summary.
    """
    declared("message", 1, "initial", "--sent", "--at", "14:06Z")

    assert "The team was alerted at 14:06, typed at " in declared("report", 1, "-o", "-").out


def test_the_same_message_by_hand_twice_is_one(declared):
    """
    Typing it again, with the same instant, is safe.
    """
    words = ("message", 1, "update", "--sent", "--at", "14:10Z", "--text", "looking", "--json")

    first, again = declared(*words).json, declared(*words).json

    assert (first["recorded"], again["recorded"], again["known"]) == (1, 0, 1)


# ── to Slack ─────────────────────────────────────────────────────────────────


def test_a_message_is_posted_and_recorded(posting, slack):
    """
    What Slack got is what is recorded, and both events are answered.
    """
    answer = posting("message", ".", "initial", "--eta", "15m", "--send", "--json")

    assert answer.code == 0, answer.err
    assert slack.texts == [answer.json["text"]]
    assert (answer.json["state"], answer.json["recorded"]) == ("sent", 2)
    assert events(posting)[-3:] == ["message-prepared", "message-posting", "message-sent"]
    assert "posted to Slack at" in posting("message", 1, "update", "--send").err
    assert [row["title"] for row in posting("timeline", 1, "--json").json["entries"]][-2:] == [
        "Team alerted",
        "Team updated",
    ]


def test_the_very_same_message_twice_within_a_minute_is_posted_once(posting, slack):
    """
    A key pressed twice.
    """
    posting("message", 1, "update", "--text", "looking", "--send")

    again = posting("message", 1, "update", "--text", "looking", "--send")

    assert again.code == 0
    assert "it was not posted again" in again.err
    assert len(slack.bodies) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(404, "no_service"), ("was not posted: Slack answered 404 (no_service)", "webhook_url_env")),
        (Reply(drops=True), ("may or may not have been posted", "Look in the channel")),
        (
            Reply(429, "", {"Retry-After": "60"}),
            ("is not posted yet: rate-limited by Slack", "tracker message --send"),
        ),
    ],
)
def test_what_did_not_go_out_is_told_in_one_line_and_recorded(posting, slack, reply, words):
    """
    Exit code 10, what happened, and what to type; the address stands nowhere.
    """
    slack.replies = [reply]

    answer = posting("message", 1, "initial", "--send")

    refused(answer, 10, *words)
    assert "message-failed" in events(posting)
    everything = answer.err + json.dumps(
        [posting("show", 1, "--json").json, posting("timeline", 1, "--json").json]
    )
    assert not any(part in everything for part in (SECRET, "XXXX", "T0000"))


def test_what_waits_and_was_posted_by_hand_is_not_posted_again(posting, slack):
    """
    The error names the command, with the handle of the very text; and the whole command that was typed.
    """
    slack.replies = [Reply(429, "", {"Retry-After": "30"})]
    failed = posting("message", 1, "initial", "--text", "it's down", "--eta", "20m", "--send")
    words = shlex.split(re.search(r"tracker (message INC-1 --sent \w{7})", failed.err)[1])

    answer = posting(*words)

    assert answer.code == 0, answer.err
    [message] = posting("show", 1, "--json").json["messages"]
    assert (message["state"], message["by_hand"], message["text"]) == ("sent", True, "it's down")
    assert posting("message", "--send").err == "The outbox is empty.\n"
    title = posting("timeline", 1, "--json").json["entries"][-1]["title"]
    assert title == "Team alerted, by hand"


def test_what_waits_is_posted_by_the_next_send(posting, slack):
    """
    `tracker message --send` alone; it says what became of each.
    """
    slack.replies = [Reply(503)] * 3
    refused(posting("message", 1, "initial", "--text", "down", "--send"), 10, "503", "tried again at")

    early = posting("message", "--send")
    with Log("tracker.db", now=lambda: datetime.now(UTC) + timedelta(seconds=30)) as log:
        deliver(log, {"slack": Slack(slack.url)})
    nothing = posting("message", "--send")

    assert (early.code, "tried again at" in early.err) == (10, True)
    assert slack.texts == ["down"] * 4
    assert (nothing.code, nothing.err) == (0, "The outbox is empty.\n")
    assert posting("message", "--send", "--json").json == {"outbox": []}


def test_mentions_do_not_get_through(posting, slack):
    """
    A title that somebody's client wrote does not ring everybody's phone.
    """
    posting("message", 1, "update", "--text", "<!channel> a & b", "--send")

    assert slack.texts == ["&lt;!channel&gt; a &amp; b"]


@pytest.mark.parametrize(("text", "code"), [("x" * 40_000, 0), ("x" * 40_001, 12), ("&" * 8_001, 12)])
def test_what_slack_would_cut_is_refused(posting, slack, text, code):
    """
    40,000 characters as they are posted.
    """
    answer = posting("message", 1, "update", "--text", text, "--send")

    assert answer.code == code, answer.err
    assert len(slack.bodies) == (code == 0)


# ── refused ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("message",), 2, ("which incident?",)),
        (("message", 1), 2, ("which kind? initial, update, resolved, rollback",)),
        (("message", 1, "initial", "--send", "--sent"), 2, ("Give only one of them",)),
        (
            ("message", 1, "initial", "--at", "14:00Z"),
            2,
            ("--at is the time at which it was posted by hand",),
        ),
        (("message", 1, "initial", "--send", "--at", "14:00Z"), 2, ("Add --sent",)),
        (("message", "--send", "--text", "x"), 2, ("--text is for a message",)),
        (("message", 2, "initial"), 12, ("there is no INC-2", "tracker list")),
        (("message", 1, "resolved"), 12, ("INC-1 is open", "tracker resolve INC-1")),
        (("message", 1, "resolved", "--sent"), 12, ("INC-1 is open",)),
        (("message", 1, "initial", "--eta", "now"), 12, ("is not after the message",)),
        (
            ("message", 1, "initial", "--eta", "5m-ago", "--sent"),
            12,
            ("is not after the message", "--eta 20m"),
        ),
        (("message", 1, "initial", "--eta", "2020-01-01T00:00Z"), 12, ("is not after the message",)),
        (("message", 1, "initial", "--eta", "tomorrow"), 2, ("'tomorrow' is not a time",)),
        (("message", 1, "initial", "--eta", "14:55"), 2, ("has no time zone",)),
        (("message", 1, "initial", "--eta", "99999999w"), 2, ("too far in the future",)),
        (("message", 1, "initial", "--text", " \x1b "), 12, ("a message needs a text",)),
        (("message", 1, "initial", "--send"), 3, ("names no Slack", "webhook_url_env", "--sent")),
        (("message", "--send"), 3, ("names no Slack",)),
        (("message", 1, "shout"), 2, ("invalid choice",)),
    ],
)
def test_what_makes_no_sense_is_refused(burning, words, code, said):
    """
    One line why, one what to type; nothing is recorded.
    """
    before = events(burning)

    refused(burning(*words), code, *said)

    assert events(burning) == before


def test_a_clock_time_that_has_just_passed_is_not_taken_for_tomorrow(burning):
    """
    At 14:45, --eta 14:40 is a slip of the finger.
    """
    refused(burning("message", 1, "initial", "--eta", soon(-5)), 12, "is not after the message")
    assert burning("message", 1, "initial", "--eta", soon(5)).code == 0


def test_a_resolved_incident_promises_nothing_and_says_what_is_known(burning):
    """
    The end is told once it is recorded.
    """
    burning("resolve", 1)

    assert "✅ RESOLVED" in burning("message", 1, "resolved").out
    refused(burning("message", 1, "resolved", "--eta", "5m"), 12, "a promised time makes no sense")


def test_a_merged_incident_sends_to_the_one_that_goes_on(burning):
    """
    Its team reads the other.
    """
    burning("declare", "Same", "--service", "search", "--severity", "minor")
    burning("merge", 2, "--into", 1, "--why", "the same")

    refused(burning("message", 2, "update"), 12, "was merged into INC-1", "tracker message INC-1 update")


def test_a_missing_secret_is_named(posting, monkeypatch):
    """
    Nothing is prepared that cannot be posted.
    """
    monkeypatch.delenv("SLACK_URL")

    refused(posting("message", 1, "initial", "--send"), 3, "the environment has no SLACK_URL")
    assert "message-prepared" not in events(posting)


# ── the reminder ─────────────────────────────────────────────────────────────


def test_tracker_alone_says_when_the_team_is_to_hear_next(posting):
    """
    First the alert, within [procedure] alert_team_within; then an update every update_every.
    """
    before = posting().out
    posting("message", 1, "initial", "--sent")
    after = posting().out

    assert "INC-1: alert the team: 4 min left; tracker message INC-1 initial" in before
    assert "tracker message INC-1 initial" in before
    assert "INC-1: update the team: 9 min left; tracker message INC-1 update" in after
    assert "alert the team" not in after
    assert "tracker message INC-1 update" in after
    assert "Next: update the team: " in posting("show", 1).out
    due = posting("show", 1, "--json").json["next_message"]
    assert due["kind"] == "update"


def test_looking_back_the_limit_is_that_of_then(posting, tmp_path):
    """
    A setting changed later does not change what was due.
    """
    posting("message", 1, "initial", "--sent", "--at", "now")
    position = posting("show", 1, "--json").json["position"]
    then = posting("show", 1, "--json", "--at-seq", position).json["next_message"]
    (tmp_path / "tracker.toml").write_text(TOML.replace("10m", "1h"))

    assert posting("show", 1, "--json", "--at-seq", position).json["next_message"] == then
    assert posting("show", 1, "--json").json["next_message"] != then


def test_nothing_is_due_when_it_is_over(burning):
    """
    Neither listed nor shown.
    """
    burning("resolve", 1)

    assert burning("show", 1, "--json").json["next_message"] is None
    assert "the team" not in burning("show", 1).out


# ── processes ────────────────────────────────────────────────────────────────


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tracker", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_kill_9_after_the_post_posts_nothing_again(posting, slack):
    """
    Slack has it, the log does not know: nobody posts it again, and that is said.
    """
    slack.replies = [Reply(hangs=True)]
    with start("message", "1", "initial", "--text", "down", "--send") as process:
        slack.wait_for(1)
        process.send_signal(signal.SIGKILL)
        process.wait(120)

    soon_after = posting("message", "--send")
    with Log("tracker.db", now=lambda: datetime.now(UTC) + TAKEN_FOR) as log:
        deliver(log, {"slack": Slack(slack.url)})

    assert (soon_after.code, "was cut off; that is known at" in soon_after.err) == (10, True)
    assert slack.texts == ["down"]
    assert posting("show", 1, "--json").json["messages"][0]["state"] == "unsure"
    assert "initial message to Slack may or may not have been posted" in posting("show", 1).out
    assert posting("message", 1, "initial", "--text", "down", "--send").code == 0
    assert slack.texts == ["down"] * 2


def test_two_commands_at_once_post_what_waits_once(posting, slack):
    """
    Each takes what the other has not.
    """
    slack.replies = [Reply(429, "", {"Retry-After": "30"})]
    posting("message", 1, "initial", "--text", "down", "--send")
    waits = posting("show", 1, "--json").json["messages"][0]
    assert waits["state"] == "waiting"
    slack.replies = [Reply(after_seconds=0.5)]
    script = (
        "import sys; from datetime import UTC, datetime, timedelta; from tracker.log import Log; from tracker.application.channels.slack import Slack;"
        "from tracker.application.outbox import deliver; now = lambda: datetime.now(UTC) + timedelta(minutes=1);"
        "print([each.state.value for each in deliver(Log('tracker.db', now=now), {'slack': Slack(sys.argv[1])})])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, slack.url], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]

    assert slack.texts == ["down"] * 2, "the 429, and one post"
    assert sum("sent" in each for each in said) == 1


def test_the_command_is_quick(posting):
    """
    The words are written before anybody thinks of HTTP.
    """
    script = (
        "import sys; from tracker.cli import main; main(['message', '1', 'initial']);"
        "print([m for m in ('numpy', 'pandas', 'matplotlib', 'requests') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ).stdout

    assert said.splitlines()[-1] == "[]"
