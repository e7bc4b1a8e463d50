"""A day with two incidents of one service, played against real servers: is everything that is said of it true?

14:02 an alert declares INC-1; a rollback at 14:20 is its fix, and a run that was killed never became a deploy.
14:53 an alert declares INC-2; it is rolled back at 15:05, comes back at 15:22 and is fixed at 15:34 by v2.2.1.
Staging gets a deploy shortly before each. At first Prometheus answers only in part.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.servers.alertmanager import Alertmanager, alert, alertmanager
from tests.servers.prometheus import Prometheus, Series, prometheus
from tests.servers.serving import SECRETS, TrackerServer, tracker_server, until

pytestmark = pytest.mark.slow

DAY = datetime(2026, 11, 18, tzinfo=UTC)
BAD = (("13:59", "14:21"), ("14:51", "15:06"), ("15:20", "15:35"))
ALERT = {"alertname": "OrdersFail", "service": "orders", "severity": "critical"}
SETTINGS = """
[prometheus]
url = "{prometheus}"
[services.orders]
alert_labels = {{ service = "orders" }}
auto_declare = "critical"
[services.orders.metrics.error_ratio]
query = 'orders_error_ratio'
unit = "ratio"
better = "lower"
threshold = 0.05
"""
IN_PART = 'remote_read: [{url: "http://127.0.0.1:9/read", read_recent: true}]\n'
"""A store beside Prometheus' own that does not answer: its answers carry a warning."""


def clock(text: str) -> datetime:
    hours, minutes = map(int, text.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes)


def history() -> list[Series]:
    """Three days of a share of failed requests, 40 in 100 while something burns."""
    chance = random.Random(20261118)
    start, end = clock("00:00") - timedelta(days=2), clock("20:00")
    burning = [(clock(begun).timestamp(), clock(over).timestamp()) for begun, over in BAD]
    samples = []
    instant = start.timestamp()
    while instant <= end.timestamp():
        level = 0.4 if any(begun <= instant < over for begun, over in burning) else 0.002
        samples.append((instant, round(level * chance.uniform(0.8, 1.2), 6)))
        instant += 15
    return [("orders_error_ratio", {"service": "orders"}, samples)]


@dataclass
class Day:
    """The servers, and what was answered at each step."""

    server: TrackerServer
    alertmanager: Alertmanager
    prometheus: Prometheus
    answers: dict[str, Any] = field(default_factory=dict)

    def at(self, text: str, *words: object) -> None:
        """Type a command at this minute of the day."""
        self.server.turn_clock(clock(text) - datetime.now(UTC))
        ran = self.server.cli(*words)
        assert ran.code == 0, (words, ran.err)

    def receive(self, text: str, sent: dict[str, Any], *, kind: str) -> None:
        """Let `tracker serve` run at this minute, and Alertmanager send it one alert."""
        rows = self.rows(kind)
        self.server.turn_clock(clock(text) - datetime.now(UTC))
        self.server.start()
        self.alertmanager.post(sent)
        until(lambda: self.rows(kind) > rows)
        self.server.digested()

    def rows(self, kind: str) -> int:
        asked = ("timeline", "--from", clock("00:00").isoformat(), "--to", clock("23:00").isoformat())
        return sum(row["kind"] == kind for row in self.server.answer(*asked)["entries"])


def kill_a_run(day: Day) -> None:
    """Start a deploy, and let Ctrl-C and SIGTERM arrive together while its child works."""
    day.server.turn_clock(clock("14:10") - datetime.now(UTC))
    started = day.server.folder / "child-started"
    child = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    words = ["run", "deploy", "orders", "v2.0.9", "--", sys.executable, "-c", child]
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker", *words],
        cwd=day.server.folder,
        env={**os.environ, **SECRETS, "TRACKER_USER": "ada", **day.server.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(started.exists)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) != 0


def play(day: Day) -> None:
    first, second, third = (
        alert(ALERT, starts_at=clock(text), annotations={"summary": "Orders fail"})
        for text in ("14:02", "14:53", "15:22")
    )
    day.at("12:00", "deploy", "finish", "orders", "v2.0.0")
    day.at("13:55", "deploy", "finish", "orders", "v2.1.0-rc1", "--env", "staging")
    day.at("13:58", "deploy", "finish", "orders", "v2.1.0")
    day.receive("14:03", first, kind="alert-fired")
    until(day.server.incidents)
    day.server.stop()
    day.at("14:05", "note", "INC-1", "the queue is full")
    kill_a_run(day)
    day.at("14:20", "rollback", "finish", "orders", "v2.0.0")
    day.receive("14:24", {**first, "endsAt": clock("14:23").isoformat()}, kind="alert-resolved")
    day.server.stop()
    day.at("14:30", "resolve", "INC-1")

    day.at("14:45", "deploy", "finish", "orders", "v2.2.0-rc1", "--env", "preview")
    day.at("14:50", "deploy", "finish", "orders", "v2.2.0")
    day.receive("14:54", second, kind="alert-fired")
    until(lambda: len(day.server.incidents()) == 2)
    day.server.stop()
    day.at("15:05", "rollback", "finish", "orders", "v2.0.0")
    day.receive("15:09", {**second, "endsAt": clock("15:08").isoformat()}, kind="alert-resolved")
    day.server.stop()
    day.at("15:15", "resolve", "INC-2")
    day.receive("15:23", third, kind="alert-fired")
    until(lambda: day.server.incidents()[0]["status"] == "open")
    day.server.stop()
    day.answers["message after the relapse"] = day.server.answer("message", "INC-2", "update")
    day.at("15:34", "deploy", "finish", "orders", "v2.2.1")
    day.receive("15:38", {**third, "endsAt": clock("15:37").isoformat()}, kind="alert-resolved")
    day.server.stop()
    day.at("15:50", "resolve", "INC-2")


def collect(day: Day) -> None:
    """Ask Prometheus while it answers in part, and again when it is whole."""
    day.server.turn_clock(clock("18:00") - datetime.now(UTC))
    day.answers["collected in part"] = day.server.answer("collect", "INC-1", "--source", "prometheus")
    day.answers["compared in part"] = day.server.answer("compare", "INC-1")
    configuration = day.prometheus.folder / "prometheus.yml"
    configuration.write_text(configuration.read_text().replace(IN_PART, ""))
    reload = Request(f"{day.prometheus.url}/-/reload", method="POST")
    with build_opener(ProxyHandler({})).open(reload, timeout=120):
        pass
    for incident in ("INC-1", "INC-2"):
        day.answers[f"collected {incident}"] = day.server.answer(
            "collect", incident, "--source", "prometheus"
        )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    with (
        prometheus(folder, history(), extra_config=IN_PART) as source,
        tracker_server(
            folder, SETTINGS.format(prometheus=source.url), running=False, serve='reconcile_every = "1h"'
        ) as server,
        alertmanager(
            folder, f"{server.url}/hooks/alertmanager/prod", token=SECRETS["TRACKER_HOOK_TOKEN"]
        ) as sender,
    ):
        played = Day(server, sender, source)
        play(played)
        collect(played)
        yield played


def minutes(day: Day, incident: str, duration: str) -> float:
    seconds = day.server.answer("show", incident)["durations"][duration]["seconds"]
    assert seconds is not None, duration
    return float(seconds) / 60


def titles(day: Day, incident: str) -> str:
    return "\n".join(row["title"] for row in day.server.answer("timeline", incident)["entries"])


def rows(day: Day, incident: str, version: str, kind: str = "deploy") -> list[dict[str, Any]]:
    """Return the verdicts on a change, against what was before it."""
    compared = day.server.answer("compare", incident)["rows"]
    return [
        row
        for row in compared
        if (row["version"], row["kind"], row["baseline"]) == (version, kind, "before_change")
    ]


def test_each_incident_has_its_own_times(day: Day) -> None:
    """
    Within two minutes: the steps are typed by a clock that goes on, and samples are of whole minutes.
    """
    first, second = (
        {name: minutes(day, incident, name) for name in ("time_to_detect", "time_to_fix_deployed")}
        for incident in ("INC-1", "INC-2")
    )
    assert first == {
        "time_to_detect": pytest.approx(3, abs=2),
        "time_to_fix_deployed": pytest.approx(18, abs=2),
    }
    assert second == {
        "time_to_detect": pytest.approx(2, abs=2),
        "time_to_fix_deployed": pytest.approx(41, abs=2),
    }
    assert minutes(day, "INC-1", "time_to_declare") < 5
    assert minutes(day, "INC-2", "time_to_declare") < 5


def test_what_is_the_others_is_in_neither_timeline_nor_report(day: Day) -> None:
    first, second = titles(day, "INC-1"), titles(day, "INC-2")

    assert "v2.1.0" in first
    assert "Deployed v2.2" not in first
    assert "Deployed v2.2.1" in second
    assert "v2.0.9" not in second
    assert "the queue is full" not in second
    report = day.server.cli("report", "INC-1", "-o", "-").out
    assert "v2.2.1" not in report
    assert "15:22" not in report


def test_a_deploy_to_another_place_is_neither_candidate_nor_judged_nor_in_the_way(day: Day) -> None:
    for incident in ("INC-1", "INC-2"):
        changes = day.server.answer("changes", incident)["changes"]
        elsewhere = [change for change in changes if "rc1" in change["version"]]
        assert elsewhere
        assert all(not change["candidate_for"] for change in elsewhere)
        assert {change["environment"] for change in elsewhere} <= {"staging", "preview"}
        assert "-rc1" not in str(day.server.answer("compare", incident)["rows"])


def test_the_culprit_is_judged_until_the_next_deploy_and_the_fix_is_named(day: Day) -> None:
    assert {row["verdict"] for row in rows(day, "INC-1", "v2.1.0")} <= {"regressed", "pending"}
    assert {row["verdict"] for row in rows(day, "INC-2", "v2.2.0")} <= {"regressed", "pending"}
    assert "until_next_deploy" in str(rows(day, "INC-1", "v2.1.0"))
    fixed = {
        incident: day.server.answer("show", incident)["durations"]["time_to_fix_deployed"]["formula"]
        for incident in ("INC-1", "INC-2")
    }
    assert "rollback to v2.0.0" in fixed["INC-1"]
    assert "v2.2.1" in fixed["INC-2"]


def test_what_went_out_in_the_first_incident_is_judged_there_alone(day: Day) -> None:
    """
    In the second one the rollback that ended the first would be "unchanged", and the culprit's evidence borrowed.
    """
    compared = day.server.answer("compare", "INC-2")["rows"]

    assert {row["version"] for row in compared} == {"v2.2.0", "v2.0.0", "v2.2.1"}
    assert min(row["deployed_at"] for row in compared) > clock("14:30").isoformat()
    assert rows(day, "INC-1", "v2.0.0", "rollback")
    [culprit] = [
        change
        for change in day.server.answer("changes", "INC-2")["changes"]
        if (change["version"], change["kind"]) == ("v2.1.0", "deploy")
    ]
    assert "error_ratio" not in str(culprit["candidate_for"])


def test_a_run_that_was_killed_was_never_deployed(day: Day) -> None:
    changes = day.server.answer("changes", "INC-1")["changes"]
    [killed] = [change for change in changes if change["version"] == "v2.0.9"]
    [rolled_back] = [change for change in changes if change["kind"] == "rollback"]

    assert killed["status"] in ("failed", "interrupted")
    assert "exit code 126" not in titles(day, "INC-1"), "it was started"
    assert rolled_back["previous_version"] == "v2.1.0"


def test_a_partial_answer_gives_no_verdict_until_it_is_whole(day: Day) -> None:
    in_part = day.answers["compared in part"]["rows"]

    assert any(source["incomplete"] for source in day.answers["collected in part"]["sources"])
    assert {row["verdict"] for row in in_part} == {"pending"}
    assert all("partial" in row["flags"] for row in in_part)
    assert {row["verdict"] for row in rows(day, "INC-1", "v2.1.0")} >= {"regressed"}
    assert "partial" not in str(day.server.answer("compare", "INC-1")["rows"])


def test_the_message_after_the_relapse_says_that_it_came_back(day: Day) -> None:
    text = day.answers["message after the relapse"]["text"]

    assert "came back" in text
    assert "15:22" in text
    assert "Monitoring" not in text
    assert "normal" not in text


def test_the_log_is_whole(day: Day) -> None:
    assert day.server.cli("verify").code == 0
    assert "Traceback" not in day.server.log()
