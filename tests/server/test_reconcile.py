"""What `tracker serve` asks its sources for, on real repositories and a real log."""

import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tracker.application.session import Options, Session
from tracker.errors import SettingsError
from tracker.events.changes import CommitMade
from tracker.server.reconcile import Reconciler
from tracker.server.telemetry import Telemetry

SHARED = """
[services.checkout]
repositories = ["mono"]
[services.search]
repositories = ["mono"]
"""


@pytest.fixture
def session(tmp_path: Path):
    (tmp_path / "tracker.toml").write_text(SHARED)
    found = Session(Options(config=str(tmp_path / "tracker.toml"), by="tracker"))
    yield found
    found.close()


def test_two_services_of_one_repository_are_both_asked_a_day_back(session, tmp_path):
    """
    The answer for the first is none for the second: a commit of five hours ago is told of both.
    """
    committed = (datetime.now(UTC) - timedelta(hours=5)).isoformat(timespec="seconds")
    mono = tmp_path / "mono"
    subprocess.run(["git", "init", "-q", "-b", "main", str(mono)], check=True)
    named = {"GIT_AUTHOR_DATE": committed, "GIT_COMMITTER_DATE": committed, "PATH": "/usr/bin:/bin"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(
        ["git", "-C", str(mono), *who, "commit", "-q", "--allow-empty", "-m", "fix: give it back"],
        check=True,
        env=named,
    )

    Reconciler(session, Telemetry()).ask(threading.Event())

    told = [each.event.service for each in session.log.read_all() if isinstance(each.event, CommitMade)]
    assert sorted(told) == ["checkout", "search"]


def test_trouble_with_the_list_of_sources_does_not_end_the_asking(session, monkeypatch):
    """
    A thread that ended would ask nobody ever again; it is counted, and tried the next time.
    """
    telemetry, stopping, asked = Telemetry(), threading.Event(), []

    def ask(self: Reconciler, over: threading.Event) -> None:
        asked.append(over)
        raise SettingsError("a secret is gone", hint="export it")

    monkeypatch.setattr(Reconciler, "ask", ask)
    monkeypatch.setattr(Reconciler, "capture", lambda self, over: over.set())

    Reconciler(session, telemetry).run(stopping)

    assert asked == [stopping]
    assert telemetry.errors.labels("reconcile")._value.get() == 1
