"""`tracker demo --live`: the story on the page of a server of its own, as it happened or faster."""

import contextlib
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import until
from tracker.cli.demo_live import StoryClock
from tracker.demo.story import instant
from tracker.events.base import Decision
from tracker.events.changes import CommitMade
from tracker.log import Log

pytestmark = pytest.mark.slow

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
        (("--speed", "60"), "--speed and --port are for --live"),
        (("--live", "--company"), "--company is two years at once"),
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
