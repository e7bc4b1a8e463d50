"""The servers that tests rely on are real, ready, private and gone afterwards."""

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import requests

from tests.servers import bugsink, process
from tests.servers.alertmanager import alert
from tests.servers.prometheus import WEEK_END, WEEK_FIRINGS, WEEK_START, open_metrics

pytestmark = pytest.mark.slow


def query_range(server, query, *, start, end, step_seconds):
    response = requests.get(
        f"{server.url}/api/v1/query_range",
        params={"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": step_seconds},
        timeout=120,
    )
    response.raise_for_status()
    return response.json()["data"]["result"]


def test_every_firing_of_the_week_is_in_ALERTS(prometheus_server):
    """
    Each alert's samples begin and end at the instants that WEEK_FIRINGS names.
    """
    for firing in WEEK_FIRINGS:
        [series] = query_range(
            prometheus_server,
            f'ALERTS{{alertname="{firing.alertname}",alertstate="firing",service="{firing.service}"}}',
            start=firing.starts_at,
            end=firing.ends_at,
            step_seconds=15,
        )

        assert series["metric"]["severity"] == firing.severity
        assert series["values"][0][0] == firing.starts_at.timestamp()
        assert series["values"][-1][0] == firing.ends_at.timestamp()


def test_error_ratio_tells_trouble_from_health(prometheus_server):
    """
    The week's counters give 0.1 % of errors on a good day and 8 % within an alert.
    """
    ratio = (
        'sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m]))'
        ' / sum(rate(http_requests_total{service="checkout"}[1m]))'
    )
    trouble = WEEK_FIRINGS[0].starts_at + timedelta(minutes=10)
    values = []
    for instant in (WEEK_START + timedelta(hours=12), trouble, WEEK_END):
        [series] = query_range(prometheus_server, ratio, start=instant, end=instant, step_seconds=15)
        values.append(float(series["values"][0][1]))

    assert values == pytest.approx([0.001, 0.08, 0.001], rel=1e-3)


def test_a_history_keeps_odd_label_values(make_prometheus):
    """
    Quotes, backslashes and line ends in labels come back as they were written.
    """
    odd = 'a "quoted" \\ line\nand another'
    instant = datetime(2026, 3, 1, tzinfo=UTC)
    server = make_prometheus([("odd_total", {"path": odd}, [(instant.timestamp(), 7.0)])])

    [series] = query_range(server, "odd_total", start=instant, end=instant, step_seconds=15)

    assert series["metric"]["path"] == odd
    assert series["values"] == [[instant.timestamp(), "7"]]


def test_a_prometheus_takes_more_configuration_and_stops(make_prometheus):
    """
    What is put at the end of the configuration is in force, and a stopped server answers no more.
    """
    server = make_prometheus(extra_config="alerting: {alert_relabel_configs: []}\nrule_files: [none.yml]\n")

    shown = requests.get(f"{server.url}/api/v1/status/config", timeout=120).json()["data"]["yaml"]
    server.stop()
    server.stop()

    assert "none.yml" in shown
    assert not process.answers(f"{server.url}/-/ready")()


def test_samples_of_one_name_are_written_together():
    """
    OpenMetrics wants a family in one piece, whatever order the series came in.
    """
    text = open_metrics([("b", {}, [(1.0, 2)]), ("a", {"x": "1"}, [(1.5, 0.5)]), ("b", {"y": "2"}, [(1, 3)])])

    assert text.splitlines() == [
        "# TYPE a gauge",
        'a{x="1"} 0.5 1.500',
        "# TYPE b gauge",
        "b{} 2.0 1.000",
        'b{y="2"} 3.0 1.000',
        "# EOF",
    ]


def test_alertmanager_tells_its_receiver_of_start_and_end(alertmanager_server):
    """
    An alert that is posted arrives as a webhook, first firing, then resolved.
    """
    labels = {"alertname": "HighErrorRatio", "service": "checkout"}
    started = datetime.now(UTC) - timedelta(minutes=1)

    alertmanager_server.post(alert(labels, starts_at=started))
    [first, *_] = alertmanager_server.receiver.wait_for(1)
    alertmanager_server.post(alert(labels, starts_at=started, ends_at=datetime.now(UTC)))
    last = alertmanager_server.receiver.wait_for(2)[-1]

    assert json.loads(first.body)["version"] == "4"
    assert [json.loads(one.body)["status"] for one in (first, last)] == ["firing", "resolved"]
    assert first.headers["content-type"] == "application/json"


def test_alertmanager_presents_its_token_and_tries_again(make_alertmanager, receiver):
    """
    A receiver that answers 503 gets the same alert again, each time with the Bearer token.
    """
    receiver.status = 503
    server = make_alertmanager(receiver.url, token="very-secret")

    server.post(alert({"alertname": "Flaky"}))
    receiver.wait_for(1)
    receiver.status = 202
    deliveries = receiver.wait_for(2)

    assert {one.headers["authorization"] for one in deliveries} == {"Bearer very-secret"}


def test_a_receiver_says_how_many_it_waited_for(receiver):
    """
    Waiting for what never comes ends with numbers, not with a hang.
    """
    with pytest.raises(TimeoutError, match="0 of 1 deliveries"):
        receiver.wait_for(1, timeout_seconds=0.05)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_database(postgres_url, turn):
    """
    A table made by one test is not there for the next.
    """
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT to_regclass('things')").fetchone() == (None,)
        connection.execute("CREATE TABLE things (turn int)")


def test_postgresql_syncs_to_disk(postgres_url):
    """
    Our PostgreSQL keeps the promises that production relies on.
    """
    with psycopg.connect(postgres_url) as connection:
        settings = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in ("fsync", "synchronous_commit", "server_encoding")
        }

    assert settings == {"fsync": "on", "synchronous_commit": "on", "server_encoding": "UTF8"}


def test_a_store_is_a_file_or_a_database(store_url):
    """
    A test that takes store_url runs once for each kind of store.
    """
    assert store_url.endswith("tracker.db") or store_url.startswith("postgresql://tracker@127.0.0.1:")


def test_a_missing_program_names_its_package():
    """
    A skipped test tells what to type.
    """
    with pytest.raises(pytest.skip.Exception, match=r"apt-get install prometheus$"):
        process.program("prometheus", "no-such-program")


def test_a_missing_bugsink_names_what_brings_it(tmp_path, monkeypatch):
    """
    It is no Debian package.
    """
    monkeypatch.setattr(bugsink, "FOLDER", tmp_path)

    with pytest.raises(pytest.skip.Exception, match=r"needs Bugsink: make servers$"):
        bugsink.installed()


def test_a_program_that_ends_at_once_shows_its_last_words(tmp_path):
    """
    A server that cannot start fails the test with its own message.
    """
    with pytest.raises(process.StartError, match="port is taken"):
        process.start(
            ["sh", "-c", "echo port is taken; exit 3"], ready=lambda: False, log=tmp_path / "sh.log"
        )


def test_the_environment_is_nobodys_own():
    """
    Neither the user's settings nor their zone nor their git name reach a test.
    """
    name = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=True, cwd="/")

    assert name.stdout == "Ada Example\n"
    assert not [one for one in os.environ if one.startswith(("TRACKER_", "POSTGRES_", "PERSISTENCE_"))]
    assert time.strftime("%z") == "+0545"
