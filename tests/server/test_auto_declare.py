"""`tracker serve` declares by the service's rule, once for each occurrence, and keeps what the verdicts need."""

import json
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from projections import frames
from tests.server.exporter import exporter
from tests.server.senders import (
    DECLARING,
    LABELS,
    TOKEN,
    ago,
    body,
    deployed,
    firing,
    hook,
    push,
    settled,
    shown,
)
from tests.servers.alertmanager import alert
from tests.servers.serving import SECRETS, TrackerServer, until
from tracker.application.session import Options, Session
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Delivery
from tracker.server.inbox_worker import InboxWorker
from tracker.server.telemetry import Telemetry


def failed(server: TrackerServer, at: datetime) -> None:
    """Tell of an error as an SDK does."""
    event = {"event_id": "a" * 32, "timestamp": at.timestamp(), "message": "pool is empty", "level": "error"}
    lines = [{"event_id": "a" * 32}, {"type": "event"}, event]
    answer = server.request(
        f"/api/1/envelope/?sentry_key={SECRETS['TRACKER_DSN_KEY']}",
        b"\n".join(json.dumps(line).encode() for line in lines),
    )
    assert answer.status == 202


def declared(server: TrackerServer) -> list[dict[str, Any]]:
    """Return the incidents of checkout."""
    return [each for each in server.incidents() if each["services"] == ["checkout"]]


def alerts(server: TrackerServer) -> list[dict[str, Any]]:
    """Return checkout's rows of the last hour."""
    return [each for each in server.timeline() if each["service"] == "checkout"]


def test_an_alert_declares_once_and_its_facts_attach(make_server, make_alertmanager):
    """
    The incident begins when the alert did; the deploy, the alert and the error before it are in its timeline.
    """
    server = make_server(DECLARING)
    sender = make_alertmanager(hook(server), token=TOKEN, repeat_interval="200ms")
    started = ago(minutes=4)
    deployed(server, ago(minutes=9))
    failed(server, ago(minutes=5))

    sender.post(alert(LABELS, starts_at=started, annotations={"summary": "1 in 8 payments fails"}))
    [incident] = until(server.incidents)
    kept = server.metric("tracker_inbox_kept_total")
    until(lambda: server.metric("tracker_inbox_kept_total") >= kept + 3)
    settled(server)

    assert [each["incident"] for each in declared(server)] == ["INC-1"]
    assert incident["title"] == "1 in 8 payments fails"
    assert (incident["severity"], incident["services"]) == ("critical", ["checkout"])
    assert (incident["declared_by"], incident["detected_by"]) == ("tracker", "alert")
    assert incident["milestones"]["detected"]["at"] == shown(started)
    rows = server.cli("timeline", 1, "--json").json["entries"]
    assert {"deploy-finished", "error-seen", "alert-fired"} <= {row["kind"] for row in rows}
    assert server.metric("tracker_incidents_declared_total") == 2  # with the canary's


def test_an_alert_of_less_weight_declares_nothing(make_server):
    """
    Only the severity that tracker.toml names.
    """
    server = make_server(DECLARING)

    push(server, firing(ago(minutes=1), severity="warning"))
    settled(server)

    assert len(alerts(server)) == 1
    assert declared(server) == []


def test_two_alerts_at_once_are_one_incident(make_server):
    """
    The first of them opens it, and covers the other.
    """
    server = make_server(DECLARING)

    push(server, firing(ago(minutes=2)), firing(ago(minutes=2), alertname="SlowAnswers"))
    push(server, firing(ago(minutes=1), alertname="Down"))
    until(server.incidents)
    settled(server)

    assert len(alerts(server)) == 3
    assert [each["incident"] for each in declared(server)] == ["INC-1"]


def test_what_fires_again_soon_reopens_unless_it_was_a_false_alarm(make_server):
    """
    Flapping is one incident. Of a false alarm the same alert says nothing for a quarter of an hour.
    """
    server = make_server(DECLARING)
    push(server, firing(ago(minutes=9)))
    until(server.incidents)

    assert server.cli("resolve", 1).code == 0
    push(server, firing(datetime.now(UTC)))
    until(lambda: server.incidents()[0]["status"] == "open")
    assert server.cli("resolve", 1, "--as", "false-alarm").code == 0
    push(server, firing(datetime.now(UTC)))
    settled(server)

    [incident] = declared(server)
    assert (incident["status"], incident["resolution"]) == ("resolved", "false-alarm")
    printed = server.cli("timeline", 1).out
    assert "HighErrorRatio fired again at" in printed


def test_a_server_that_stopped_before_it_declared_declares_when_it_starts(make_server):
    """
    Recorded, and then the power went: the next start finds in the log what is owed. It finds it once.
    """
    server = make_server(DECLARING, running=False)
    recorded_only(server, body(firing(ago(minutes=3))))
    assert server.incidents() == []

    server.start()
    until(server.incidents)
    server.stop()
    server.start()
    settled(server)

    assert [each["incident"] for each in declared(server)] == ["INC-1"]


def test_what_a_person_filled_in_declares_nothing_at_the_next_start(make_server):
    """
    A body of five hours ago says that its alert fires; nobody says so now.
    """
    server = make_server(DECLARING, running=False)
    (server.folder / "body.json").write_bytes(body(firing(ago(hours=5))))

    filled = server.cli("ingest", "alertmanager", "body.json")
    server.start()
    settled(server)

    assert filled.code == 0
    assert "not declared, as back-filling never does: HighErrorRatio of checkout fired at" in filled.err
    assert "tracker declare 'HighErrorRatio fires' --service checkout" in filled.err
    assert declared(server) == []


def test_samples_and_verdicts_come_by_themselves(make_server, make_prometheus, tmp_path):
    """
    From a day before, while it is open and after it is resolved; the 10-minute window of a deploy
    of a quarter of an hour ago is judged and recorded, and nobody typed a command.
    """
    now = datetime.now(UTC).timestamp()
    history = [
        (now - 60 * back, 0.001 + 0.0004 * math.sin(back * 7) + (0.2 if back < 14 else 0.0))
        for back in range(15 * 24 * 60, 0, -1)
    ]
    with exporter('error_ratio{job="shop"} 0.2') as port:
        scraped = {
            "job_name": "shop",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
        prometheus = make_prometheus(
            [("error_ratio", {"job": "shop"}, history)],
            extra_config=f"scrape_configs: {json.dumps([scraped])}\n",
        )
        server = make_server(
            DECLARING
            + f"""
[services.checkout.metrics.error_ratio]
query = "max(error_ratio)"
unit = "ratio"
better = "lower"
[prometheus]
url = "{prometheus.url}"
step_seconds = 1
"""
        )
        deployed(server, ago(minutes=15))
        started = ago(minutes=13)
        push(server, firing(started))
        until(server.incidents)

        def samples() -> list[datetime]:
            found = frames.open(server.folder / "tracker.toml").samples(
                "checkout", "error_ratio", started - timedelta(days=3), datetime.now(UTC)
            )
            return [each.to_pydatetime() for each in found["occurred_at"]]

        def judged() -> list[dict[str, object]]:
            rows = server.cli("compare", 1, "--json").json["rows"]
            return [row for row in rows if row["window"] == "10m" and row["event"]]

        [row, *_] = until(judged)
        held = samples()
        until(lambda: max(samples()) > max(held))
        assert server.cli("resolve", 1).code == 0
        over_at = datetime.now(UTC)
        until(lambda: max(samples()) > over_at)

    assert min(held) <= started - timedelta(days=1)
    assert row["version"] == "v1.2.0"
    assert row["verdict"] == "regressed"
    assert "recorded the verdicts of windows that are over" in server.log()


def recorded_only(server: TrackerServer, told: bytes) -> None:
    """Bring a delivery as far as the log, as the server does, and no further."""
    store = str(server.folder / "tracker.db")
    session = Session(Options(config=str(server.folder / "tracker.toml"), store=store))
    inbox = open_inbox(store)
    inbox.put(
        [
            Delivery(
                route="alertmanager",
                source="prod",
                key="1",
                received_us=time.time_ns() // 1000,
                headers={},
                body=told,
            )
        ]
    )
    assert InboxWorker(inbox, session, Telemetry()).once() == 1
    inbox.close()
    session.close()
