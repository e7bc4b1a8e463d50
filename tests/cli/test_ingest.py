"""`tracker ingest`: a feed is recorded whole or not at all, and reading it again adds nothing."""

import io
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import DAY, refused
from tests.ingest.feeds import payload
from tests.servers.alertmanager import alert

FEEDS = {
    "alertmanager webhooks": ("alertmanager", "alertmanager_webhook.jsonl"),
    "alertmanager alerts": ("alertmanager", "alertmanager_api_v2_alerts.json"),
    "cdevents": ("events", "cdevents.jsonl"),
    "github webhooks": ("github", "github_webhooks.jsonl"),
    "gitlab webhooks": ("gitlab", "gitlab_webhooks.jsonl"),
    "sentry issue": ("sentry", "sentry_issue.json"),
    "sentry event alert": ("sentry", "sentry_event_alert.json"),
    "sentry metric alert": ("sentry", "sentry_metric_alert.json"),
    "sentry envelope": ("sentry", "sentry_sdk_event.envelope"),
    "sentry check-in": ("sentry", "sentry_sdk_check_in.envelope"),
}


def position(tracker) -> int:
    found: int = tracker("verify", "--json").json["position"]
    return found


@pytest.mark.parametrize("feed", FEEDS)
def test_a_feed_is_read_once(tracker, tmp_path, feed):
    """
    The second time says that everything was known, and adds nothing.
    """
    source, name = FEEDS[feed]
    (tmp_path / name).write_bytes(payload(name))

    first = tracker("ingest", source, name, "--json")
    again = tracker("ingest", source, name, "--json")

    assert (first.code, again.code) == (0, 0), first.err
    assert first.json["recorded"] > 0
    assert (again.json["recorded"], again.json["known"]) == (0, first.json["recorded"])
    assert set(again.json["events"]) == set(first.json["events"])
    assert f"{name}: 0 new, {first.json['recorded']} already known" in tracker("ingest", source, name).err


@pytest.mark.parametrize("feed", FEEDS)
def test_a_payload_comes_back(tracker, tmp_path, feed):
    """
    What was read is kept beside the event that it became.
    """
    source, name = FEEDS[feed]
    data = payload(name)
    (tmp_path / name).write_bytes(data)
    event = tracker("ingest", source, name, "--json").json["events"][0]

    assert tracker("show", event, "--raw", "-o", "back").code == 0
    back = (tmp_path / "back").read_bytes()
    if source == "alertmanager":
        # A body holds many alerts: each event keeps its own, with what the body says of all.
        assert json.dumps(json.loads(back)["alert"], sort_keys=True) in _sorted(data)
    else:
        assert back in data


def _sorted(data: bytes) -> str:
    lines = data.splitlines() if b'"receiver"' in data[:20] else [data]
    return "\n".join(json.dumps(json.loads(line), sort_keys=True) for line in lines)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("alertmanager", "alertmanager_webhook.jsonl"),
        ("events", "cdevents.jsonl"),
        ("sentry", "sentry_issue.json"),
    ],
)
@pytest.mark.parametrize("broken", [b'{"half', b"[1, 2]", b'"text"', b"\xff\xfe", b'{"alerts": [{}]}'])
def test_a_broken_line_leaves_no_half_behind(tracker, tmp_path, source, name, broken):
    """
    The good lines before it are not recorded either; its place is named.
    """
    lines = b"\n".join(json.dumps(json.loads(line)).encode() for line in _documents(name))
    (tmp_path / "feed").write_bytes(lines + b"\n" + broken + b"\n")
    before = position(tracker)

    refused(tracker("ingest", source, "feed"), 11, "feed")
    assert position(tracker) == before


def _documents(name: str) -> list[bytes]:
    data = payload(name)
    return data.splitlines() if name.endswith("l") else [data]


@pytest.mark.parametrize("source", ["alertmanager", "events", "sentry", "notes"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.json", "No such file"),
        (".", "Is a directory"),
        ("empty", "is empty"),
        ("other.log", "other.log"),
    ],
)
def test_a_file_that_is_no_feed_is_refused(declared, tmp_path, source, name, said):
    """
    Exit code 11, whichever source it was given to.
    """
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "other.log").write_text("Mar  1 14:00:00 host sshd[1]: Accepted publickey\n" * 3)
    before = position(declared)
    words = (1, name) if source == "notes" else (name,)

    answer = declared("ingest", source, *words)

    assert answer.code == 11
    assert said in answer.err
    assert answer.err.startswith("tracker: ")
    assert len(answer.err.splitlines()) > 1
    assert position(declared) == before


def test_a_dash_is_stdin(tracker, monkeypatch):
    """
    For pipes; it is named in what is said.
    """
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(payload("cdevents.jsonl"))))

    answer = tracker("ingest", "events", "-")

    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("stdin: ")


def test_an_alert_finds_its_service_by_its_labels(tracker, tmp_path):
    """
    As tracker.toml says.
    """
    (tmp_path / "tracker.toml").write_text("[services.payments]\nalert_labels = { team = 'payments' }\n")
    (tmp_path / "feed").write_bytes(payload("alertmanager_webhook.jsonl"))
    event = tracker("ingest", "alertmanager", "feed", "--json").json["events"][0]

    assert tracker("show", event, "--json").json["fields"]["service"] == "payments"


def test_alertmanager_is_asked_where_no_file_is_named(tracker, tmp_path, alertmanager_server):
    """
    What a real Alertmanager knows now; its webhook of the same alert is the same alert.
    """
    started = datetime.now(UTC) - timedelta(minutes=5)
    labels = {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"}
    alertmanager_server.post(alert(labels, starts_at=started, annotations={"summary": "8 % fail"}))
    [delivery, *_] = alertmanager_server.receiver.wait_for(1)
    (tmp_path / "tracker.toml").write_text(
        f'[alertmanager]\nurl = "{alertmanager_server.url}"\n[services.checkout]\n'
    )
    (tmp_path / "body.json").write_bytes(delivery.body)

    assert tracker("ingest", "alertmanager").code == 0
    assert tracker("ingest", "alertmanager", "body.json").code == 0

    rows = tracker("timeline", "--service", "checkout", "--from", "1h-ago", "--to", "now", "--json").json[
        "entries"
    ]
    assert [row["title"] for row in rows] == ["Alert HighErrorRate fired"]
    alertmanager_server.stop()
    refused(tracker("ingest", "alertmanager"), 10, "refused the connection", "curl")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("alertmanager",), 3, "names no Alertmanager"),
        (("github",), 3, "names no github_repository"),
        (("gitlab", "--from", "1h-ago"), 3, "names no gitlab_project"),
        (("github", "x.json"), 11, "cannot be read"),
        (("sentry",), 3, "names no Sentry"),
        (("sentry", "--from", "1h-ago", "--to", "2h-ago"), 2, "is not after --from"),
        (("git", "nowhere"), 11, "is not a git repository"),
        (("git", "."), 11, "is not a git repository"),
        (("prometheus", "--from", "1h-ago", "--to", "now"), 2, "which service?"),
        (("prometheus", "--service", "s", "--from", "1h-ago", "--to", "now"), 3, "names no Prometheus"),
        (("notes", 9, "x.txt"), 12, "there is no INC-9"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(tracker, words, code, said):
    """
    With the code of its reason.
    """
    refused(tracker("ingest", *words), code, said)


def test_a_clone_is_read_once(tracker, tmp_path):
    """
    Commits with their authors, tags and branches; reading it again adds nothing.
    """

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=tmp_path / "shop", check=True, capture_output=True)

    (tmp_path / "shop").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Do not divide by an empty basket")
    git("tag", "v1.4.3")

    first = tracker("ingest", "git", "shop", "--service", "checkout", "--json").json
    again = tracker("ingest", "git", "shop", "--service", "checkout", "--json").json

    assert first["recorded"] >= 2
    assert again["recorded"] == 0
    rows = tracker("timeline", "--service", "checkout", "--from", "1h-ago", "--to", "now", "--json").json[
        "entries"
    ]
    titles = [row["title"] for row in rows]
    assert any(title.endswith("Do not divide by an empty basket") for title in titles)
    assert any(title.startswith("Tag v1.4.3") for title in titles)


# ── notes ────────────────────────────────────────────────────────────────────

CHAT = "14:10 pool is at 10 of 10\n2:12 PM cutting the driver's default\n  and a second line of it\n14:20 back to normal\n"


def test_a_chat_becomes_notes(declared, tmp_path):
    """
    With the instants of its lines, on the incident's day, and by whom it was given.
    """
    (tmp_path / "chat.txt").write_text(CHAT)

    answer = declared("ingest", "notes", 1, "chat.txt", "--at-tz", "UTC", "--by", "grace", "--json")

    assert answer.code == 0, answer.err
    assert answer.json["recorded"] == 3
    rows = [row for row in declared("timeline", 1, "--json").json["entries"] if row["kind"] == "note-added"]
    assert [(row["occurred_at"][:16], row["source"]) for row in rows] == [
        (f"{DAY}T14:10", "grace"), (f"{DAY}T14:12", "grace"), (f"{DAY}T14:20", "grace"),
    ]  # fmt: skip
    assert (
        declared("ingest", "notes", 1, "chat.txt", "--at-tz", "UTC", "--by", "grace", "--json").json[
            "recorded"
        ]
        == 0
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("14:10 ok\n14:99 not\n", "line 2"),
        ("no time at all\n", "line 1"),
        (CHAT, "time zone"),
    ],
)
def test_notes_are_recorded_whole_or_refused_with_line_numbers(declared, tmp_path, text, said):
    """
    A chat that was half read would be worse than one that was not.
    """
    (tmp_path / "chat.txt").write_text(text)
    zone = () if said == "time zone" else ("--at-tz", "UTC")
    before = position(declared)

    answer = declared("ingest", "notes", 1, "chat.txt", *zone)

    assert answer.code in (2, 11)
    assert said in answer.err
    assert position(declared) == before


def test_a_chat_says_who_wrote_and_what_was_left_out(declared, tmp_path):
    """
    The writer stands on the row, who read the file on the event; the answer counts what is no note.
    """
    join = {
        "type": "message",
        "subtype": "channel_join",
        "user": "U1",
        "text": "joined",
        "ts": "1772373900.0",
    }
    words = {"type": "message", "user": "U1", "text": "the queue is full", "ts": "1772374000.0001"}
    users = [{"id": "U1", "profile": {"display_name": "ben"}}]
    (tmp_path / "chat.json").write_text(json.dumps([words, join]))
    (tmp_path / "users.json").write_text(json.dumps(users))

    answer = declared("ingest", "notes", 1, "chat.json", "--users", "users.json", "--by", "grace", "--json")

    assert (answer.json["recorded"], answer.json["left_out"], answer.json["newest_first"]) == (1, 1, False)
    (row,) = [row for row in declared("timeline", 1, "--json").json["entries"] if row["kind"] == "note-added"]
    assert (row["source"], row["title"]) == ("ben", "the queue is full")
    assert "grace" in declared("show", row["event"][-7:]).out
    again = declared("ingest", "notes", 1, "chat.json", "--users", "users.json", "--by", "grace")
    assert "1 notes on INC-1, 0 new, 1 already known; 1 left out" in again.err


def test_notes_of_another_day_are_given_their_date(declared, tmp_path):
    """
    --date names the day of the first line.
    """
    (tmp_path / "chat.txt").write_text("09:00 looked at it again\n")
    declared("ingest", "notes", 1, "chat.txt", "--at-tz", "UTC", "--date", "2026-03-02")

    assert declared("timeline", 1, "--json").json["entries"][-1]["occurred_at"] == "2026-03-02T09:00:00.000Z"
    refused(declared("ingest", "notes", 1, "chat.txt", "--date", "yesterday"), 2, "is not a date")
