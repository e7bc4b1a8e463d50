"""A real Prometheus that goes away while `tracker serve` polls it, and one whose metric stops."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from projections import frames
from tests.server.exporter import exporter
from tests.server.senders import LABELS, ago, deployed, shown
from tests.server.test_alertmanager import ASKED, told
from tests.servers.process import free_port
from tests.servers.prometheus import Prometheus, Series
from tests.servers.serving import CHECKOUT, TrackerServer, until
from tracker.events.base import Event
from tracker.events.silence import SourceReturned, SourceSilent
from tracker.log import Log

METRIC = """
[services.checkout.metrics.error_ratio]
query = "max(error_ratio)"
unit = "ratio"
better = "lower"
"""


def settings(prometheus: Prometheus, step_seconds: int = 1) -> str:
    return f'{CHECKOUT}{METRIC}[prometheus]\nurl = "{prometheus.url}"\nstep_seconds = {step_seconds}\n'


def facts(server: TrackerServer, *kinds: type[Event]) -> list[tuple[Any, datetime]]:
    """Return the events of some kinds in the log with when they were recorded, in that order."""
    with Log(str(server.folder / "tracker.db")) as log:
        return [(each.event, each.recorded_at) for each in log.read_all() if isinstance(each.event, kinds)]


def heard(server: TrackerServer) -> list[tuple[Any, datetime]]:
    """Return the silences and returns of Prometheus as a whole."""
    return [each for each in facts(server, SourceSilent, SourceReturned) if each[0].what is None]


def firing(start: datetime, seconds: int) -> Series:
    """Make what Prometheus keeps of an alert that fires for so long."""
    labels = {**LABELS, "alertstate": "firing"}
    return ("ALERTS", labels, [(start.timestamp() + passed, 1.0) for passed in range(seconds + 1)])


def steady(start: datetime, end: datetime, step_seconds: int = 1) -> Series:
    """Make samples of the metric in a span."""
    first, last = int(start.timestamp()), int(end.timestamp())
    return (
        "error_ratio",
        {"job": "shop"},
        [(at, 0.01 + 0.001 * (at % 7)) for at in range(first, last + 1, step_seconds)],
    )


def polls_missed(server: TrackerServer, count: int) -> None:
    """Wait until so many more polls of Prometheus had no answer."""
    before = misses(server)
    until(lambda: misses(server) >= before + count)


def misses(server: TrackerServer) -> int:
    return sum(
        said["says"] == "a source did not answer" and said["source"] == "prometheus" for said in words(server)
    )


def words(server: TrackerServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]


def test_a_prometheus_that_goes_away_and_comes_back_is_told_once(make_server, make_prometheus):
    """
    Silent from its last answer on, and that is known within two intervals of it; then heard again.
    A restart of the server meanwhile says nothing twice, and an alert of the silent time stands at its own time.
    """
    prometheus = make_prometheus([firing(ago(hours=3), 60)])
    server = make_server(settings(prometheus))
    until(lambda: ASKED in server.request("/metrics").body.decode())

    prometheus.stop()
    until(lambda: heard(server))
    polls_missed(server, 2)
    server.stop()
    server.start()
    polls_missed(server, 3)

    [(silence, noticed_at)] = heard(server)
    assert (silence.source, silence.heard_before, silence.expected_every_seconds) == ("prometheus", True, 1.0)
    assert timedelta(seconds=1.5) <= noticed_at - silence.occurred_at
    # One poll may be missed for any reason; the one after it is where the second interval ends.
    said = [each["says"] for each in words(server)]
    assert said[: said.index("source silent")].count("a source did not answer") <= 1
    assert said.count("source silent") == 1
    [line] = [each for each in words(server) if each["says"] == "source silent"]
    assert line["occurred_at"] == shown(silence.occurred_at) < line["at"]

    in_the_dark = (silence.occurred_at + timedelta(seconds=1)).replace(microsecond=0)
    prometheus.start_again([firing(in_the_dark, 2)])
    until(lambda: len(heard(server)) == 2 and len(told(server)) == 2)
    server.stop()
    server.start()
    asked_again(server)

    [_, (back, back_at)] = heard(server)
    assert (back.source, back.silent_since) == ("prometheus", silence.occurred_at)
    assert silence.occurred_at < back.occurred_at <= back_at
    assert [at for _, at in told(server)] == [shown(in_the_dark), shown(in_the_dark + timedelta(seconds=3))]
    entries = server.timeline()
    assert [row["kind"] for row in entries] == [
        *("source-silent", "alert-fired", "alert-resolved", "source-returned"),
    ]
    printed = server.cli("timeline", "--from", "1h-ago", "--to", "now").out
    assert f"prometheus silent · from {silence.occurred_at:%Y-%m-%d %H:%M:%SZ} to " in printed


def asked_again(server: TrackerServer) -> None:
    """Wait until Prometheus answered twice from now on: the second question began after now."""
    until(lambda: ASKED in server.request("/metrics").body.decode())
    for _ in range(2):
        before = server.metric(ASKED)
        until(lambda before=before: server.metric(ASKED) > before)  # type: ignore[misc]


def samples(server: TrackerServer, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants of the metric's samples that the log has in a span."""
    found = frames.open(server.folder / "tracker.toml").samples("checkout", "error_ratio", start, end)
    return [each.to_pydatetime() for each in found["occurred_at"]]


def declare(server: TrackerServer, at: datetime) -> None:
    words = ("declare", "Payments answer 500", "--service", "checkout", "--severity", "critical")
    answer = server.cli(*words, "--at", shown(at))
    assert answer.code == 0, answer.err


def test_samples_of_the_silent_time_come_back_and_the_verdict_is_marked(make_server, make_prometheus):
    """
    Eight minutes without Prometheus: then its samples stand at their own instants, and the verdict of
    the window that lay in the dark says that it was blind. The clock of the first server was behind
    by so much, which is how eight minutes pass in seconds.
    """
    dark = timedelta(minutes=8)
    known, start = steady(ago(days=15), ago(minutes=9), 60), ago(minutes=14)
    prometheus = make_prometheus([known])
    server = make_server(settings(prometheus, step_seconds=15), running=False)
    goes_dark(server, prometheus, dark)
    server.start()
    polls_missed(server, 2)
    deployed(server, start)
    server.digested()
    declare(server, start)
    [(silence, _)] = heard(server)
    blind_from = silence.occurred_at + timedelta(seconds=15)
    assert samples(server, blind_from, datetime.now(UTC)) == []

    prometheus.start_again([steady(ago(minutes=9), datetime.now(UTC), 15)])
    [_, (back, _)] = until(lambda: len(found := heard(server)) == 2 and found)
    # The last two steps before now are left for the next time.
    until(lambda: len(samples(server, blind_from, back.occurred_at)) >= 28)
    [row] = until(lambda: judged(server))

    assert back.occurred_at - silence.occurred_at >= dark
    found = samples(server, blind_from, back.occurred_at)
    assert {second - first for first, second in itertools.pairwise(found)} == {timedelta(seconds=15)}
    assert "blind" in row["flags"]
    span = f"prometheus silent from {silence.occurred_at:%Y-%m-%d %H:%M:%SZ} to"
    assert span in row["reason"]
    assert span in server.cli("compare", 1).out
    kinds = [each["kind"] for each in server.cli("timeline", 1, "--json").json["entries"]]
    assert (kinds.count("source-silent"), kinds.count("source-returned")) == (1, 1)


def goes_dark(server: TrackerServer, prometheus: Prometheus, span: timedelta) -> None:
    """Let a server with a clock that is behind hear Prometheus and then hear it no more; both have ended then."""
    server.turn_clock(-span)
    server.start()
    asked_again(server)
    prometheus.stop()
    until(lambda: heard(server))
    server.stop()
    server.turn_clock(timedelta(0))


def test_a_silence_of_more_than_a_day_is_asked_for_from_its_beginning(make_server, make_prometheus):
    """
    A start asks for the last day, and further back where the source was silent: no alert falls between.
    """
    prometheus = make_prometheus([firing(ago(hours=60), 60)])
    server = make_server(settings(prometheus), running=False)
    goes_dark(server, prometheus, timedelta(hours=40))
    in_the_dark = ago(hours=36).replace(microsecond=0)

    prometheus.start_again([firing(in_the_dark, 60)])
    server.start()
    until(lambda: len(heard(server)) == 2)

    fired = [row for row in server.timeline(minutes=50 * 60) if row["kind"] == "alert-fired"]
    assert [row["occurred_at"] for row in fired] == [shown(in_the_dark)]


def judged(server: TrackerServer) -> list[dict[str, Any]]:
    """Return the recorded verdict of the ten minutes after the deploy."""
    rows = server.cli("compare", 1, "--json").json["rows"]
    return [
        row for row in rows if row["window"] == "10m" and row["event"] and row["baseline"] == "before_change"
    ]


def test_a_metric_whose_samples_stop_is_silent_by_itself(make_server, make_prometheus):
    """
    Prometheus answers, and has no newer samples of it: silent since the last one, told once, by two servers
    in turn; then the exporter is back, and so is the metric.
    """
    last, port = ago(minutes=20), free_port()
    scraped = {
        "job_name": "shop",
        "scrape_interval": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    prometheus = make_prometheus(
        [steady(ago(hours=2), last, 15)], extra_config=f"scrape_configs: {json.dumps([scraped])}\n"
    )
    server = make_server(settings(prometheus), running=False)
    declare(server, ago(minutes=30))

    server.start()
    until(lambda: of_the_metric(server))
    server.stop()
    server.start()
    asked_again(server)
    [silence] = of_the_metric(server)
    with exporter('error_ratio{job="shop"} 0.2', port):
        [_, back] = until(lambda: len(found := of_the_metric(server)) == 2 and found)

    assert (silence.source, silence.service, silence.what) == ("prometheus", "checkout", "error_ratio")
    # Prometheus repeats a last sample for up to five minutes.
    assert last - timedelta(seconds=15) <= silence.occurred_at <= last + timedelta(minutes=5)
    assert (back.silent_since, back.what) == (silence.occurred_at, "error_ratio")
    assert heard(server) == []
    entries = server.cli("timeline", 1, "--json").json["entries"]
    assert [each["title"] for each in entries if each["kind"].startswith("source-")] == [
        *("error_ratio from prometheus silent", "error_ratio from prometheus heard again"),
    ]


def of_the_metric(server: TrackerServer) -> list[Any]:
    """Return the silences and returns of a metric."""
    return [event for event, _ in facts(server, SourceSilent, SourceReturned) if event.what is not None]
