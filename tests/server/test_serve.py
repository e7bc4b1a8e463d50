"""The server as a process: it starts, answers, ends, and keeps its promises in between."""

import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

from tests.faults.load import alert, deploy, error
from tests.faults.outcome import number_of
from tests.server.senders import DECLARING, settled
from tests.servers.serving import SECRETS, until
from tracker.inbox.opening import open_inbox
from tracker.log import Log


def send(server, request):
    path, headers, body = request
    return server.request(path, body, headers).status


def numbers(store):
    with Log(store) as log:
        return sorted(number for each in log.read_all() if (number := number_of(each.event)) is not None)


def test_what_is_answered_202_gets_into_the_log(make_server, store_url):
    """
    An alert, an error and a deploy, each over its route with its secret, on both stores.
    """
    server = make_server(store=store_url)

    answers = [send(server, each) for each in (alert(1), error(2), deploy(3))]
    server.digested()

    assert answers == [202, 202, 202]
    assert numbers(store_url) == [1, 2, 3]


def test_what_was_answered_202_outlives_a_kill(make_server, store_url):
    """
    Killed right after the answer, before anything is worked up: the next start finds it.
    """
    server = make_server(store=store_url)
    for number in range(20):
        assert send(server, alert(number)) == 202
    server.kill()

    server.start()
    server.digested()

    assert numbers(store_url) == list(range(20))


def test_a_stranger_leaves_nothing_behind(make_server, store_url):
    """
    A wrong secret on any route is a 401, and neither inbox nor log holds anything of it.
    """
    server = make_server(store=store_url)

    for path, headers, body in (alert(1), error(2), deploy(3)):
        wrong = {
            name: value.replace("-token", "-nekot").replace("0123", "3210") for name, value in headers.items()
        }
        assert send(server, (path, wrong, body)) == 401
        assert send(server, (path, {}, body)) == 401
    for path in ("/hooks/sentry/x", "/hooks/github", "/hooks/gitlab"):
        assert server.request(path, b"{}").status == 401

    inbox = open_inbox(store_url)
    try:
        assert inbox.counts().waiting == 0
        assert inbox.parked() == []
    finally:
        inbox.close()
    assert numbers(store_url) == []


def test_a_stranger_with_a_large_body_is_sent_away_unread(make_server, tmp_path):
    """
    Where a token in the header says who it is, nothing of a stranger's body is waited for.
    """
    import socket

    server = make_server()
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(
            b"POST /hooks/alertmanager/prod HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
            b"Authorization: Bearer wrong\r\n\r\n{"
        )

        assert connection.recv(100).startswith(b"HTTP/1.1 401")


def test_an_answer_with_a_body_does_not_wait_for_the_network():
    """
    Connections send at once: otherwise each envelope's answer took 40 ms, and a sender got 20 a second.
    """
    import socket

    from tracker.server.main import _listen

    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_sigterm_ends_it_well_with_everything_answered(make_server, store_url):
    """
    Under load every request is answered or refused to connect; exit code 0; all acknowledged stands in the log.
    """
    server = make_server(store=store_url)
    acknowledged = set()

    def hammer(first):
        for number in range(first, first + 10_000):
            try:
                if send(server, alert(number)) == 202:
                    acknowledged.add(number)
            except OSError:
                return

    threads = [threading.Thread(target=hammer, args=(first,)) for first in (0, 10_000, 20_000)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) >= 30)
    server.stop()
    for thread in threads:
        thread.join()
    server.start()
    server.digested()

    assert acknowledged <= set(numbers(store_url))
    assert "stopped" in [each["says"] for each in server.said()]


def test_a_store_that_is_gone_does_not_keep_it_from_ending(make_server, postgres_server):
    """
    PostgreSQL goes first, the server is told to end: it does, by itself.
    """
    with postgres_server.database() as url:
        server = make_server(store=url)
        assert send(server, alert(1)) == 202
        server.digested()

    server.stop()

    assert server.process.returncode == 0


def test_sigterm_while_it_starts_ends_it(tmp_path):
    """
    At whichever moment of its start it is told to end, it ends: nobody has to kill it.
    """
    (tmp_path / "tracker.toml").write_text('[tracker]\nstore = "tracker.db"\n')
    for pause in (0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.5):
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker", "serve", "--port", "0"], cwd=tmp_path, stderr=subprocess.DEVNULL
        )
        time.sleep(pause)
        process.send_signal(signal.SIGTERM)

        assert process.wait(120) in (0, -signal.SIGTERM)


def test_a_taken_port_is_told_in_a_line(make_server, tmp_path):
    """
    Who listens there, and what to type.
    """
    server = make_server()

    second = server.cli("serve", "--port", server.port)

    assert second.code == 2
    assert f"cannot listen on 127.0.0.1:{server.port}" in second.err
    assert "Traceback" not in second.err


def test_an_alert_recorded_before_a_kill_still_opens_its_incident(make_server, store_url):
    """
    Killed between recording an alert and declaring its incident: the next start declares it, once.
    """
    began = datetime.now(UTC) - timedelta(minutes=2)
    told = {
        "status": "firing",
        "labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
        "startsAt": began.isoformat(),
    }
    server = make_server(DECLARING.replace('auto_declare = "critical"', "", 1), store=store_url)
    path, headers, _ = alert(1)
    assert send(server, (path, headers, json.dumps({"version": "4", "alerts": [told]}).encode())) == 202
    server.digested()
    server.kill()
    toml_file = server.folder / "tracker.toml"
    toml_file.write_text(
        toml_file.read_text().replace("[services.checkout]", '[services.checkout]\nauto_declare = "critical"')
    )

    server.start()
    found = until(server.incidents)
    server.stop()
    server.start()
    settled(server)

    assert [each["incident"] for each in found] == ["INC-1"]
    assert [each["services"] for each in server.incidents()] == [["canary"], ["checkout"]]


def test_health_readiness_and_metrics_need_no_secret(make_server, tmp_path):
    """
    The tracker's own Prometheus reads how much came, waits and was recorded.
    """
    server = make_server()
    send(server, alert(1))
    server.digested()

    answered = [server.request(path).status for path in ("/healthz", "/readyz", "/metrics")]

    assert answered == [200, 200, 200]
    assert server.metric('tracker_http_requests_total{route="alertmanager",status="202"}') == 1
    until(lambda: server.metric("tracker_inbox_kept_total") == 1)
    assert server.metric("tracker_events_recorded_total") == 1


def test_what_it_says_is_json_and_holds_no_secret(make_server, tmp_path):
    """
    One object a line, with the instant, the level and what happened.
    """
    server = make_server()
    path, headers, _ = alert(1)
    send(server, (path, headers, b"{not json"))
    server.digested()
    server.stop()

    said = server.said()
    assert [each["says"] for each in said] == ["started", "a delivery could not be parsed", "stopped"]
    assert all({"at", "level", "says"} <= each.keys() for each in said)
    assert not any(secret in json.dumps(said) for secret in SECRETS.values())
