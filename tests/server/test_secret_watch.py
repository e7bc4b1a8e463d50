"""Secrets in what `tracker serve` receives: logged by kind and handle, after the event stands in the log."""

import gzip
import json
import threading
from datetime import UTC, datetime

from tests.server.senders import ago, firing, push
from tests.servers.serving import SECRETS, TrackerServer, until
from tracker.events.alerts import AlertFired
from tracker.events.base import Arrival, Incoming
from tracker.server import secret_watch
from tracker.server.secret_watch import SecretWatch

TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"  # made up


def send_error(server: TrackerServer, extra: str) -> None:
    event = {"event_id": "a" * 32, "timestamp": ago(minutes=1).timestamp(), "extra": {"dump": extra}}
    lines = [{"event_id": "a" * 32}, {"type": "event"}, {**event, "message": "boom", "level": "error"}]
    answer = server.request(
        f"/api/1/envelope/?sentry_key={SECRETS['TRACKER_DSN_KEY']}",
        gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)),
        {"Content-Encoding": "gzip"},
    )
    assert answer.status == 202


def incoming(name: str, payload: bytes) -> Incoming:
    event = AlertFired(occurred_at=datetime(2026, 3, 1, tzinfo=UTC), source="am", name=name, fingerprint=name)
    return Incoming(event=event, arrival=Arrival(via="webhook"), payload=payload)


def test_the_kind_and_the_handle_are_logged_and_never_the_text(make_server):
    """
    Nobody sits at its terminal.
    """
    server = make_server()
    alert = firing(ago(minutes=1))
    alert["annotations"] = {"summary": f"deploy with {TOKEN}"}

    push(server, alert)
    [told] = until(lambda: [line for line in server.said() if "looks like a secret" in json.dumps(line)])

    assert "a GitHub token" in told["kinds"]
    assert len(told["events"]) == 1
    assert TOKEN not in server.log()


def test_an_alert_does_not_wait_behind_a_body_that_is_full_of_secrets(make_server):
    """
    20 kB with the public key become 18 MB, each word of which looks like a password.
    """
    server = make_server()

    send_error(server, "password=abcd1efg " * 1_000_000)
    push(server, firing(ago(minutes=1), alertname="AfterThePoison"))
    until(lambda: [row for row in server.timeline() if "AfterThePoison" in row["title"]])

    server.stop()


def test_what_is_too_much_to_be_searched_is_counted(monkeypatch):
    said: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(secret_watch, "MOST_WAITING_BYTES", 1000)
    monkeypatch.setattr(secret_watch, "log_line", lambda says, level, **fields: said.append((says, fields)))
    watch, stopping = SecretWatch(), threading.Event()

    for number in range(4):
        watch.put([incoming(f"alert {number}", b"token " + TOKEN.encode() + b"." * 400)])
    thread = threading.Thread(target=watch.run, args=(stopping,))
    thread.start()
    until(lambda: len(said) == 3)
    stopping.set()
    thread.join()

    assert [fields["events"] for says, fields in said if "too much" in says] == [2]
    assert sum("what looks like a secret" in says for says, _ in said) == 2
