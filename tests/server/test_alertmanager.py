"""A real Alertmanager that sends to `tracker serve`, and what becomes of it when nobody listens."""

import json
from datetime import UTC, datetime, timedelta
from urllib.request import ProxyHandler, Request, build_opener

from projections import frames
from tests.server.senders import DECLARING, LABELS, TOKEN, ago, firing, hook, push, settled, shown
from tests.servers.alertmanager import Alertmanager, alert
from tests.servers.process import free_port
from tests.servers.serving import CHECKOUT, TrackerServer, until

ASKED = 'tracker_source_last_success_timestamp_seconds{source="prometheus"}'
_DIRECT = build_opener(ProxyHandler({}))


def told(server: TrackerServer) -> list[tuple[str, str]]:
    """What the timeline says of alerts, with when."""
    return [
        (row["title"], row["occurred_at"]) for row in server.timeline() if row["kind"].startswith("alert-")
    ]


def test_an_alert_stands_in_the_timeline_at_its_own_start_and_end(server, make_alertmanager):
    """
    Firing, then resolved: two rows, at the instants that the alert names, whenever it was sent.
    """
    sender = make_alertmanager(hook(server), token=TOKEN)
    started, ended = ago(minutes=9), ago(minutes=2)

    sender.post(alert(LABELS, starts_at=started, annotations={"summary": "1 in 8 fails"}))
    until(lambda: len(told(server)) == 1)
    sender.post(alert(LABELS, starts_at=started, ends_at=ended))
    until(lambda: len(told(server)) == 2)

    assert told(server) == [
        ("Alert HighErrorRatio fired", shown(started)),
        ("Alert HighErrorRatio stopped firing", shown(ended)),
    ]
    [fired, _] = server.timeline()
    assert fired["service"] == "checkout"
    assert fired["recorded_by"] == "webhook"
    assert "by poll" not in server.cli("timeline", "--from", "1h-ago", "--to", "now").out


def test_repeats_add_nothing(server, make_alertmanager):
    """
    What Alertmanager sends again every repeat_interval is received, known, and recorded once.
    """
    sender = make_alertmanager(hook(server), token=TOKEN, repeat_interval="150ms")
    started = ago(minutes=3)

    sender.post(alert(LABELS, starts_at=started))
    until(lambda: server.metric("tracker_inbox_kept_total") >= 4)
    server.digested()

    assert told(server) == [("Alert HighErrorRatio fired", shown(started))]
    assert server.metric("tracker_events_known_total") >= 3
    assert server.cli("verify").code == 0


def test_both_servers_of_a_pair_tell_of_one_alert(server, make_alertmanager):
    """
    Two Alertmanagers that do not know of each other send the same alerts: each stands there once.
    """
    pair = [make_alertmanager(hook(server), token=TOKEN) for _ in range(2)]
    started, ended = ago(minutes=5), ago(minutes=1)
    others = {**LABELS, "alertname": "SlowAnswers"}

    for each in pair:
        each.post(alert(LABELS, starts_at=started), alert(others, starts_at=started))
    until(lambda: server.metric("tracker_inbox_kept_total") >= 4)
    for each in pair:
        each.post(alert(LABELS, starts_at=started, ends_at=ended))
    until(lambda: server.metric("tracker_inbox_kept_total") >= 6)
    server.digested()

    assert sorted(told(server)) == [
        ("Alert HighErrorRatio fired", shown(started)),
        ("Alert HighErrorRatio stopped firing", shown(ended)),
        ("Alert SlowAnswers fired", shown(started)),
    ]


def test_an_alert_that_fires_again_with_its_old_start_reopens(make_server, make_alertmanager):
    """
    Its sender was quiet for a while, so Alertmanager said resolved, and so did a person. Then it reports again, and
    Alertmanager has the old start. What it repeats after that adds nothing, and its end ends it.
    """
    server = make_server(DECLARING)
    sender = make_alertmanager(hook(server), token=TOKEN, repeat_interval="200ms")
    started = ago(minutes=9)

    sender.post(alert(LABELS, starts_at=started))
    until(server.incidents)
    sender.post(alert(LABELS, starts_at=started, ends_at=ago(seconds=1)))
    until(lambda: len(told(server)) == 2)
    assert server.cli("resolve", 1).code == 0
    sender.post(alert(LABELS, starts_at=started))
    until(lambda: server.incidents()[0]["status"] == "open")
    kept = server.metric("tracker_inbox_kept_total")
    until(lambda: server.metric("tracker_inbox_kept_total") >= kept + 3)
    settled(server)

    mine = [title for title, _ in told(server) if "HighErrorRatio" in title]
    assert mine == [
        "Alert HighErrorRatio fired",
        "Alert HighErrorRatio stopped firing",
        "Alert HighErrorRatio fired again",
    ]
    sender.post(alert(LABELS, starts_at=started, ends_at=datetime.now(UTC)))
    until(lambda: [title for title, _ in told(server)].count("Alert HighErrorRatio stopped firing") == 2)
    assert frames.open(server.folder / "tracker.toml").alerts()["ends_at"].isna().sum() == 1  # the canary's


def test_a_body_of_an_end_declares_and_reopens_nothing(make_server):
    """
    With its true start, with the end as its start, and of an alert that nobody saw fire.
    """
    server, now = make_server(DECLARING), datetime.now(UTC)

    def ended(start: datetime, **labels: str) -> dict[str, object]:
        return {**firing(start, **labels), "status": "resolved", "endsAt": shown(now)}

    push(server, ended(ago(minutes=5)))
    push(server, ended(now, alertname="Slow"))
    settled(server)
    assert [each["services"] for each in server.incidents()] == [["canary"]]

    assert server.cli("declare", "It burns", "--service", "checkout", "--severity", "critical").code == 0
    assert server.cli("resolve", 2).code == 0
    push(server, ended(datetime.now(UTC), alertname="Slow"), ended(ago(minutes=1), alertname="Down"))
    settled(server)
    assert [each["status"] for each in server.incidents() if each["services"] == ["checkout"]] == ["resolved"]


def test_a_silenced_alert_is_found_by_asking(make_server, make_alertmanager):
    """
    A silence keeps the webhook quiet; Alertmanager's API still has the alert, and the timeline with it.
    """
    port = free_port()
    sender = make_alertmanager(f"http://127.0.0.1:{port}/hooks/alertmanager/prod", token=TOKEN)
    silence(sender, LABELS)
    server = make_server(alertmanager=f'url = "{sender.url}"', port=port)
    started = ago(minutes=4)

    sender.post(alert(LABELS, starts_at=started))
    until(lambda: told(server))

    assert told(server) == [("Alert HighErrorRatio fired", shown(started))]
    assert server.metric("tracker_inbox_kept_total") == 0
    assert [row["recorded_by"] for row in server.timeline()] == ["poll"]


def test_an_alert_that_nobody_received_is_found_in_prometheus(
    make_server, make_alertmanager, make_prometheus
):
    """
    The tracker was down from the first firing to the end. Alertmanager never tells of it again; Prometheus'
    ALERTS does, at its true time, once however often it is asked, and the timeline says how it came.
    """
    port = free_port()
    started = ago(minutes=11).replace(microsecond=0)
    last = started + timedelta(minutes=4)
    instants = [started.timestamp() + passed for passed in range(0, 241, 15)]
    prometheus = make_prometheus(
        [("ALERTS", {**LABELS, "alertstate": "firing"}, [(instant, 1.0) for instant in instants])]
    )
    sender = make_alertmanager(f"http://127.0.0.1:{port}/hooks/alertmanager/prod", token=TOKEN)
    sender.post(alert(LABELS, starts_at=started))
    sender.post(alert(LABELS, starts_at=started, ends_at=last))
    until(lambda: given_up(sender))

    server = make_server(
        CHECKOUT + f'[prometheus]\nurl = "{prometheus.url}"\n',
        alertmanager=f'url = "{sender.url}"',
        port=port,
    )
    until(lambda: len(told(server)) == 2)
    asked_at = server.metric(ASKED)
    until(lambda: server.metric(ASKED) > asked_at)

    assert told(server) == [
        ("Alert HighErrorRatio fired", shown(started)),
        ("Alert HighErrorRatio stopped firing", shown(last + timedelta(seconds=15))),
    ]
    fired = server.timeline()[0]
    assert fired["recorded_by"] == "poll"
    assert fired["late_seconds"] >= 11 * 60
    printed = server.cli("timeline", "--from", "1h-ago", "--to", "now").out
    assert f"recorded by poll {fired['late_seconds'] // 60:.0f} min" in printed


def test_the_end_of_a_long_alert_is_found_in_prometheus(make_server, make_prometheus):
    """
    A poll asks ten minutes back; this alert began longer ago than that, and stops while the server runs.
    """
    started = ago(minutes=25).replace(microsecond=0)
    last = datetime.now(UTC).timestamp() + 8
    instants = [started.timestamp() + passed for passed in range(0, int(last - started.timestamp()), 4)]
    prometheus = make_prometheus(
        [("ALERTS", {**LABELS, "alertstate": "firing"}, [(instant, 1.0) for instant in instants])]
    )
    server = make_server(CHECKOUT + f'[prometheus]\nurl = "{prometheus.url}"\n')

    until(lambda: len(told(server)) == 2)

    ended = datetime.fromtimestamp(instants[-1] + 4, UTC)
    assert told(server) == [
        ("Alert HighErrorRatio fired", shown(started)),
        ("Alert HighErrorRatio stopped firing", shown(ended)),
    ]


def silence(sender: Alertmanager, labels: dict[str, str]) -> None:
    matchers = [{"name": k, "value": v, "isRegex": False, "isEqual": True} for k, v in labels.items()]
    body = {
        "matchers": matchers,
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "createdBy": "ada",
        "comment": "we know",
    }
    request = Request(
        f"{sender.url}/api/v2/silences",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with _DIRECT.open(request, timeout=120):
        pass


def given_up(sender: Alertmanager) -> bool:
    """Whether Alertmanager stopped trying to send what it had to say."""
    with _DIRECT.open(f"{sender.url}/metrics", timeout=120) as answer:
        lines = answer.read().decode().splitlines()
    failed = [line for line in lines if line.startswith("alertmanager_notifications_failed_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in failed) > 0
