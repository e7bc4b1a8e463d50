"""`tracker demo --live`: the story on the page of a running server, or of one of its own, as it happened or faster."""

import contextlib
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import at
from tests.servers.process import until
from tracker import demo as demo_feeds
from tracker.cli.demo_live import BEGINS, StoryClock
from tracker.cli.demo_on_server import TimeMap
from tracker.cli.demo_player import LIVE_TOML
from tracker.demo.story import instant
from tracker.events.base import Decision
from tracker.events.changes import CommitMade
from tracker.events.samples import MetricSampled
from tracker.log import Log

pytestmark = pytest.mark.slow
DOC = Path(__file__).parents[2] / "docs" / "demo.md"
FEEDS = Path(demo_feeds.__file__).parent / "feeds"

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read(url: str) -> bytes:
    with _DIRECT.open(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body


@contextlib.contextmanager
def played(folder: Path, *words: str) -> Iterator[dict[str, Any]]:
    """Start it, give what it answers at once, and end it: it has to end well."""
    out, err = folder / "out", folder / "err"
    with (
        out.open("w") as answers,
        err.open("w") as said,
        subprocess.Popen(
            [sys.executable, "-m", "tracker", "demo", "--live", "--json", *words],
            cwd=folder,
            stdout=answers,
            stderr=said,
        ) as process,
    ):
        try:
            until(lambda: out.read_text().endswith("}\n") or process.poll() is not None)
            assert process.poll() is None, err.read_text()
            yield json.loads(out.read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, err.read_text()
        finally:
            process.kill()


def test_the_page_moves_until_the_report_is_published(tmp_path):
    """
    From a page without an incident to a published report; in its own log, which is whole, and nothing is recorded late.
    """
    with played(tmp_path, "--speed", "600") as answer:
        assert Path(answer["folder"]) == tmp_path / "tracker-live"
        until(lambda: b"INC-42" in read(answer["url"]))
        first = json.loads(read(answer["page"] + ".json"))
        until(lambda: "The story is over" in (tmp_path / "err").read_text())
        last = json.loads(read(answer["page"] + ".json"))
        page = read(answer["page"]).decode()

    assert first["position"] < last["position"]
    assert last["status"] == "resolved"
    assert last["report"]["state"] == "published"
    assert "returned to normal" in page
    with Log(str(tmp_path / "tracker-live" / "tracker.db")) as log:
        events = list(log.read_all())
        assert log.verify().first_problem is None
    decided = [
        each for each in events if isinstance(each.event, Decision) and each.event.decided_by != "tracker"
    ]
    assert all(each.recorded_at.year == 2026 and each.recorded_at.month == 1 for each in events)
    assert {each.event.occurred_at <= each.recorded_at for each in decided} == {True}
    commits = [each for each in events if isinstance(each.event, CommitMade)]
    assert commits
    assert all(each.event.occurred_at <= each.recorded_at for each in commits)
    assert {path.name for path in tmp_path.iterdir()} == {"tracker-live", "out", "err"}


@pytest.fixture
def served(tmp_path, make_server):
    """A running server on a log without incidents, with the demo's settings."""
    return make_server(LIVE_TOML[LIVE_TOML.index("[alerting.critical]") :])


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracker", "demo", "--live", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_what_the_page_says_to_type_plays_it_on_a_server_that_runs(served):
    """
    Now, until it is resolved; an instant that somebody typed is one of today, and nothing is late.
    """
    words = next(line for line in DOC.read_text().splitlines() if "tracker demo --live" in line).split()[3:]
    (served.folder / ".tracker-demo").write_text("{}")
    began = datetime.now(UTC)

    played = demo(served.folder, *words, "--speed", "600", "--json")

    assert played.returncode == 0, played.stderr
    assert f"Open {served.url}/" in played.stderr
    answer = json.loads(played.stdout)
    assert (answer["incident"], answer["page"]) == ("INC-1", f"{served.url}/INC-1")
    shown = json.loads(read(f"{served.url}/INC-1.json"))
    assert (shown["status"], shown["stage"], shown["lead"]) == ("resolved", "monitoring", "Alice")
    assert "v1.2.1" in read(f"{served.url}/INC-1").decode()
    rows = served.answer("timeline", "INC-1")["entries"]
    assert {row["kind"] for row in rows} >= {"alert-fired", "deploy-finished", "error-seen", "note-added"}
    fresh = [row for row in rows if datetime.fromisoformat(row["occurred_at"]) > began]
    assert len(fresh) > 20
    assert {row["late_seconds"] for row in fresh} == {None}
    assert not any("14:21" in (row["detail"] or row["title"]) for row in rows)
    with Log(served.store) as log:
        samples = [each.event for each in log.read_all() if isinstance(each.event, MetricSampled)]
    assert {sample.metric for sample in samples} == {"error_ratio", "latency_seconds", "pool_connections"}


@given(st.lists(st.tuples(st.floats(0.1, 500), st.floats(0.1, 500)), max_size=20), st.floats(1, 600))
def test_each_instant_of_the_story_is_one_of_today(steps, speed):
    """
    In the story's order, there and back; what was played is where it was when it was played.
    """
    times = TimeMap(at(0), speed)
    story, now = BEGINS, at(0)
    played = []
    for passed, took in steps:
        story, now = story + timedelta(seconds=passed), now + timedelta(seconds=took)
        times.reached(story, now)
        played.append((story, now))

    asked = [BEGINS + timedelta(minutes=minute) for minute in range(-60, 90)]
    moved = [times.to_now(each) for each in asked]

    assert [times.to_now(story) for story, _ in played] == [now for _, now in played]
    assert moved == sorted(moved)
    assert all(
        abs(times.to_story(there) - each) < timedelta(seconds=1)
        for there, each in zip(moved, asked, strict=True)
    )


@pytest.mark.parametrize("seed", range(1, 8))
def test_what_is_sent_keeps_its_length(seed):
    """
    An envelope names the lengths of its parts.
    """
    text = (FEEDS / "sentry" / f"{seed}.envelope").read_text()

    moved = TimeMap(at(0), 30).text(text)

    assert len(moved) == len(text)
    assert "2026-01-22" not in moved


def test_a_log_with_incidents_of_your_own_is_never_written_to(served):
    """
    A made-up incident would stay among them for good.
    """
    served.answer("declare", "real", "--service", "checkout", "--severity", "minor")

    refused = demo(served.folder, "--url", served.url)
    unknown = demo(served.folder, "--url", "http://127.0.0.1:1")

    assert (refused.returncode, "serves a log with incidents" in refused.stderr) == (12, True)
    assert (unknown.returncode, "http://127.0.0.1:1: no tracker serve was found there" in unknown.stderr) == (
        12,
        True,
    )
    assert [each["title"] for each in served.answer("list")["incidents"]] == ["real"]


def test_it_can_be_ended_and_played_again_but_not_over_somebodys_work(tmp_path):
    """
    Ended in the middle it leaves a whole log; what somebody added to it afterwards is not overwritten.
    """
    for _ in range(2):
        with played(tmp_path, "--speed", "60") as answer:
            until(lambda url=answer["url"]: b"INC-42" in read(url))
        assert "does not have the head" not in (tmp_path / "err").read_text()
    (tmp_path / "tracker-live" / "mine").write_text("notes")

    again = subprocess.run(
        [sys.executable, "-m", "tracker", "demo", "--live"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert again.returncode == 12
    assert "was changed after the demo was created" in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--speed", "60"), "--speed, --port and --url are for --live"),
        (("--live", "--company"), "--company is two years at once"),
        (("--url", "http://127.0.0.1:8321"), "--speed, --port and --url are for --live"),
        (("--live", "--url", "http://h", "--port", "1"), "--port is for a server of its own"),
        (("--live", "--speed", "0.5"), "--speed must be between 1 and 600"),
        (("--live", "--speed", "nan"), "--speed must be between 1 and 600"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, words, said):
    """
    And nothing is written.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "tracker", "demo", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, said in ran.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_the_clock_stands_at_what_comes_next():
    """
    Until that was played: a busy machine makes nothing late.
    """
    begins = instant("14:00:00")
    clock = StoryClock(begins, 1e9)

    assert clock.now() == begins
    assert clock.run_to(begins + timedelta(minutes=1)) == pytest.approx(60 / 1e9)
    assert until(lambda: clock.now() == begins + timedelta(minutes=1))
    clock.put(begins)
    assert clock.now() == begins + timedelta(minutes=1)
    clock.put(begins + timedelta(hours=9))
    assert clock.now() == begins + timedelta(hours=9)
