"""Samples go on being captured for a day after an incident is over, and no longer."""

import math
from datetime import UTC, datetime, timedelta

from projections import frames
from tests.server.senders import ago, shown
from tests.servers.partial_source import PartialSource
from tests.servers.serving import TrackerServer, until

SETTINGS = """
[prometheus]
url = "{url}"
step_seconds = 5
[services.checkout.metrics.error_ratio]
query = 'max(error_ratio{{service="checkout"}})'
[services.search.metrics.error_ratio]
query = 'max(error_ratio{{service="search"}})'
"""


def samples(server: TrackerServer, service: str) -> list[datetime]:
    """Return the instants of the service's samples in the log."""
    found = frames.open(server.folder / "tracker.toml").samples(
        service, "error_ratio", ago(days=30), datetime.now(UTC) + timedelta(days=1)
    )
    return [each.to_pydatetime() for each in found["occurred_at"]]


def over(server: TrackerServer, service: str, *, began: datetime, ended: datetime) -> None:
    """Record an incident that is over."""
    words = ("declare", f"{service} answers 500", "--service", service, "--severity", "critical")
    for typed in ((*words, "--at", shown(began)), ("resolve", ".", "--at", shown(ended))):
        answer = server.cli(*typed)
        assert answer.code == 0, answer.err


def test_samples_are_captured_for_a_day_after_the_end_and_no_longer(make_server, make_prometheus):
    """
    One incident was over two hours ago: its metric is captured from a day before it, and goes on being
    captured. One was over two days ago: of its metric, which Prometheus has just as well, nothing is asked.
    """
    now = datetime.now(UTC).timestamp()
    instants = [now - 60 * back for back in range(4 * 24 * 60, 2, -1)]
    instants += [now - 120 + passed for passed in range(600)]  # of which most are still to come
    values = [(at, 0.01 + 0.001 * math.sin(at)) for at in instants]
    prometheus = make_prometheus(
        [("error_ratio", {"service": name}, values) for name in ("checkout", "search")]
    )
    server = make_server(SETTINGS.format(url=prometheus.url), running=False)
    over(server, "search", began=ago(hours=50), ended=ago(hours=48))
    over(server, "checkout", began=ago(hours=3), ended=ago(hours=2))

    server.start()
    first = until(lambda: samples(server, "checkout"))
    until(lambda: max(samples(server, "checkout")) > datetime.now(UTC) - timedelta(minutes=1))
    held = max(samples(server, "checkout"))
    until(lambda: max(samples(server, "checkout")) > held)

    assert min(first) <= ago(hours=3) - timedelta(days=1)
    assert samples(server, "search") == []
    answer = server.cli("collect", 1, "--source", "prometheus")
    assert answer.code == 0, answer.err
    assert samples(server, "search")


def test_a_source_that_answers_in_part_is_asked_again_until_it_is_whole(make_server):
    """
    The log of serve says so, once; no window is judged by a part, and all are judged when the whole is there.
    """
    source = PartialSource(ago(minutes=60), ago(minutes=40))
    source.mode = "wrong"
    with source.running() as url:
        server = make_server(SETTINGS.format(url=url), running=False)
        words = ("declare", "checkout answers 500", "--service", "checkout", "--severity", "critical")
        assert server.cli(*words, "--at", shown(ago(minutes=58))).code == 0
        deployed = server.cli("deploy", "finish", "checkout", "v1.4.3", "--at", shown(ago(minutes=20)))
        assert deployed.code == 0, deployed.err
        server.start()
        until(lambda: "a source answered in part; it will be asked again" in server.log())
        asked = source.ranges_asked
        until(lambda: source.ranges_asked > asked + 6)

        def verdicts() -> set[str]:
            rows = server.cli("compare", 1, "--json").json["rows"]
            return {row["verdict"] for row in rows if row["window"] == "10m"}

        assert verdicts() == {"pending"}
        assert server.log().count("a source answered in part") == 1
        source.mode = "whole"
        until(lambda: "pending" not in verdicts())

    assert samples(server, "checkout")
