"""tracker.toml while the server runs: read again when it changes and on SIGHUP; and what unauthorized requests log."""

import os
import signal

from tests.servers.process import until
from tests.servers.serving import SECRETS
from tracker.server import rejections
from tracker.server.rejections import Rejections

ALERT = b'{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","service":"search"},"startsAt":"2026-03-01T14:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"a1"}]}'


def said(server, words):
    return [line for line in server.said() if line["says"].startswith(words)]


def push(server, token=SECRETS["TRACKER_HOOK_TOKEN"]):
    return server.request("/hooks/alertmanager/prod", ALERT, {"Authorization": f"Bearer {token}"}).status


def test_a_service_that_is_added_gets_its_alerts_without_a_restart(server):
    """
    What was received before stays without it; what comes after has it.
    """
    path = server.folder / "tracker.toml"
    path.write_text(path.read_text() + '[services.search]\nalert_labels = { service = "search" }\n')
    until(lambda: said(server, "tracker.toml was read again"))

    assert push(server) == 202
    until(
        lambda: [
            row
            for row in server.answer(
                "timeline", "--service", "search", "--from", "2026-03-01T13:00Z", "--to", "now"
            )["entries"]
            if row["kind"] == "alert-fired"
        ]
    )
    assert said(server, "tracker.toml was read again")[-1]["changed"] == ["services"]


def test_a_secret_that_is_changed_counts_at_once(server):
    """
    The route takes the new variable's, and the old one's no longer.
    """
    path = server.folder / "tracker.toml"
    path.write_text(path.read_text().replace('"TRACKER_HOOK_TOKEN"', '"TRACKER_EVENTS_TOKEN"', 1))
    until(lambda: said(server, "tracker.toml was read again"))

    assert push(server) == 401
    assert push(server, SECRETS["TRACKER_EVENTS_TOKEN"]) == 202


def test_settings_that_are_not_valid_leave_those_of_before(server):
    """
    It says so, and where; mended, they are read.
    """
    path = server.folder / "tracker.toml"
    valid = path.read_text()
    for broken in (
        "[[[",
        valid + "[services.x]\nstor = 1\n",
        valid.replace("TRACKER_HOOK_TOKEN", "NOBODY_SET_IT"),
    ):
        before = len(said(server, "tracker.toml was not read again"))
        path.write_text(broken)
        until(lambda count=before: len(said(server, "tracker.toml was not read again")) > count)
        assert push(server) == 202
    path.unlink()
    until(lambda: "cannot be read" in said(server, "tracker.toml was not read again")[-1]["why"])
    path.write_text(valid)
    until(lambda: said(server, "tracker.toml was read again"))
    assert push(server) == 202


def test_the_store_cannot_change_while_it_runs(server):
    """
    It is said, and the rest counts.
    """
    path = server.folder / "tracker.toml"
    text = path.read_text()
    path.write_text(text.replace("store = ", 'prefix = "OPS"\nstore = "elsewhere.db" #', 1))
    until(lambda: said(server, "tracker.toml was read again"))

    assert said(server, "the store cannot change")
    assert not (server.folder / "elsewhere.db").exists()
    assert push(server) == 202


def test_a_hangup_reads_them_again(server):
    """
    Secrets in files are read with them; the server goes on.
    """
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: said(server, "tracker.toml was read again"))

    assert push(server) == 202


# ── unauthorized ─────────────────────────────────────────────────────────────


def test_an_unauthorized_request_is_logged_with_the_setting_to_mend(server):
    """
    Once a minute for each route and sender; no secret is in it.
    """
    for _ in range(5):
        assert push(server, "not-this") == 401
    server.request("/hooks/github", b"{}")

    lines = until(lambda: len(found := said(server, "unauthorized")) >= 2 and found)
    assert [(line["route"], line["sender"], line["setting"]) for line in lines] == [
        ("/hooks/alertmanager/…", "127.0.0.1", "[alertmanager] token_env"),
        ("/hooks/github", "127.0.0.1", "[github] hook_secret_env"),
    ]
    assert "not-this" not in server.log()
    assert "hook-token" not in server.log()


def test_lines_of_unauthorized_requests_have_a_bound(monkeypatch):
    """
    A thousand senders give 20 lines a minute; what was left out is counted.
    """
    lines = []
    monkeypatch.setattr(rejections, "log_line", lambda words, level, **fields: lines.append(fields))
    now = [0.0]
    rejected = Rejections(lambda: now[0])

    for number in range(1000):
        rejected.add("events", f"10.0.{number // 250}.{number % 250}", has_secret=number % 2 == 0)
    assert len(lines) == 20
    assert {line["why"] for line in lines} == {"no secret is set", "its secret is not the one that is set"}
    now[0] = 61.0
    rejected.add("events", "10.0.0.0", has_secret=True)
    assert lines[-1]["left_out"] == 980
