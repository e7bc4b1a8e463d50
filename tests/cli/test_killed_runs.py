"""Signals, kills and lost readers: a run is never a success that it was not, and none is without an end."""

import contextlib
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.wording.headlines import detail
from tests.builders import deploy_interrupted
from tests.servers.process import until
from tracker.cli.child_process import ChildEnd

AWAY = "postgresql://tracker@127.0.0.1:1/nowhere"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WORDS = {
    "deploy": ("deploy", "checkout", "v1"),
    "rollback": ("rollback", "checkout", "v1"),
    "test": ("test", "checkout", "--sha", "feedface"),
}
SLEEPS = "touch ready; exec sleep 60"


@contextlib.contextmanager
def running(
    what: str, script: str, *more: str, before: tuple[str, ...] = (), stderr: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a shell script under `tracker run` in a process group of its own, which is gone afterwards."""
    words = [*before, sys.executable, "-m", "tracker", "run", *WORDS[what], *more, "--", "sh", "-c", script]
    process = subprocess.Popen(words, start_new_session=True, stderr=stderr)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr:
            process.stderr.close()


def send(process: subprocess.Popen[bytes], number: int, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(process.pid, number)


def ends(tracker) -> list[str]:
    """The kinds of what is recorded of runs, without their starts."""
    rows = tracker("timeline", "--from", "10m-ago", "--to", "now", "--json").json["entries"]
    kinds = ("deploy", "rollback", "tests")
    return [
        row["kind"]
        for row in rows
        if row["kind"].split("-")[0] in kinds and not row["kind"].endswith("started")
    ]


def topic(what: str) -> str:
    return "tests" if what == "test" else what


# ── signals ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("first", "second"), list(itertools.product(SIGNALS, SIGNALS)))
def test_two_signals_close_together_lose_no_exit_status(tracker, tmp_path, first, second):
    """
    To the group and to us alone, in any pair: the run failed, its end is recorded once.
    """
    for number, (what, pause) in enumerate(zip(WORDS, (0.0, 0.0005, 0.002), strict=True), 1):
        with running(what, SLEEPS, stderr=subprocess.DEVNULL) as process:
            until((tmp_path / "ready").exists)
            send(process, first, group=True)
            time.sleep(pause)
            send(process, second, group=False)

            assert process.wait(60) in (128 + first, 128 + second)
        (tmp_path / "ready").unlink()
        assert len(ends(tracker)) == number
    assert sorted(ends(tracker)) == sorted(["deploy-failed", "rollback-failed", "tests-finished"])
    assert "Tests passed" not in tracker("timeline", "--from", "10m-ago", "--to", "now").out


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_us_alone_ends_the_child(tracker, tmp_path, number):
    """
    Whoever ends us means what we run.
    """
    with running("deploy", SLEEPS) as process:
        until((tmp_path / "ready").exists)
        send(process, number, group=False)

        assert process.wait(60) == 128 + number
    assert ends(tracker) == ["deploy-failed"]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_the_group_reaches_the_child_once(tracker, tmp_path, number):
    """
    A second one makes many programs give up what they clean up after the first.
    """
    program = f"""
import pathlib, signal, sys, time
got = []
signal.signal({int(number)}, lambda *_: got.append(1))
pathlib.Path("ready").touch()
while not got: time.sleep(0.01)
time.sleep(1)
sys.exit(40 + len(got))
"""
    words = [sys.executable, "-m", "tracker", "run", *WORDS["deploy"], "--", sys.executable, "-c", program]
    with subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        until((tmp_path / "ready").exists)
        send(process, number, group=True)

        assert process.wait(60) == 41


@pytest.mark.parametrize(("what", "number"), list(zip(WORDS, SIGNALS, strict=True)))
def test_success_after_a_signal_is_not_recorded_as_success(tracker, tmp_path, what, number):
    """
    A script that cleans up and leaves with 0 says nothing of how far it came.
    """
    with running(what, 'trap "exit 0" INT TERM HUP; touch ready; while :; do sleep 0.1; done') as process:
        until((tmp_path / "ready").exists)
        send(process, number, group=True)

        assert process.wait(60) == 128 + number
    assert ends(tracker) == [f"{topic(what)}-interrupted"]
    rows = tracker("timeline", "--from", "10m-ago", "--to", "now").out
    assert "unknown" in rows
    assert number.name in rows


def test_tests_that_were_interrupted_did_not_pass(tracker, tmp_path):
    """
    Nor did they fail.
    """
    with running("test", 'trap "exit 0" TERM; touch ready; while :; do sleep 0.1; done') as process:
        until((tmp_path / "ready").exists)
        send(process, signal.SIGTERM, group=True)
        process.wait(60)

    rows = tracker("timeline", "--from", "10m-ago", "--to", "now").out
    assert "Tests interrupted on feedfac, their result is unknown" in rows
    assert "passed" not in rows
    assert "failed" not in rows


@contextlib.contextmanager
def held(store: Path) -> Iterator[None]:
    """Keep the log from being written."""
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.mark.parametrize("what", WORDS)
def test_signals_while_the_end_is_written_change_nothing(tracker, tmp_path, what):
    """
    The child had ended well: that is what is recorded, and returned.
    """
    tracker("list")
    with running(what, "touch ready; while [ ! -e go ]; do sleep 0.05; done; touch gone") as process:
        until((tmp_path / "ready").exists)
        with held(tmp_path / "tracker.db"):
            (tmp_path / "go").touch()
            until((tmp_path / "gone").exists)
            time.sleep(0.5)
            for number in (*SIGNALS, *SIGNALS):
                send(process, number, group=False)

        assert process.wait(60) == 0
    assert ends(tracker) == [f"{topic(what)}-finished"]


@pytest.mark.parametrize(("what", "end"), [("deploy", "deploy-failed"), ("rollback", "rollback-failed")])
def test_a_signal_before_it_began_keeps_it_from_beginning(tracker, tmp_path, what, end):
    """
    Its start was being written; what did not run failed, and says so.
    """
    tracker("list")
    with running(what, "touch ran") as process:
        with held(tmp_path / "tracker.db"):
            until(lambda: list((tmp_path / "state" / "tracker" / "spool").glob("*.runs/*.run")))
            send(process, signal.SIGTERM, group=False)

        _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"COMMAND did not run" in told
    assert not (tmp_path / "ran").exists()
    assert ends(tracker) == [end]


def test_signals_while_the_store_is_away(tracker, tmp_path):
    """
    The spool has the end, and delivers it.
    """
    with running("deploy", SLEEPS, "--store", AWAY) as process:
        until((tmp_path / "ready").exists)
        send(process, signal.SIGINT, group=True)
        send(process, signal.SIGTERM, group=False)
        process.wait(60)

    kept = tracker("spool", "--store", AWAY).out
    assert "deploy-started of checkout v1" in kept
    assert "deploy-failed of checkout v1" in kept


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_what_was_ignored_stays_ignored_in_the_child(tracker, tmp_path, number):
    """
    nohup means the run, too.
    """
    ignoring = f"import os, signal, sys; signal.signal({int(number)}, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    script = "touch ready; while [ ! -e go ]; do sleep 0.05; done"
    with running("deploy", script, before=(sys.executable, "-c", ignoring)) as process:
        until((tmp_path / "ready").exists)
        send(process, number, group=True)
        (tmp_path / "go").touch()

        assert process.wait(60) == 0
    assert ends(tracker) == ["deploy-finished"]


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_status_is_read_also_where_ended_children_are_ignored(tracker, code):
    """
    A supervisor that ignores SIGCHLD hands that down; the kernel then keeps no status, and 0 would be read.
    """
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    with running("deploy", f"exit {code}", before=(sys.executable, "-c", ignoring)) as process:
        assert process.wait(60) == code
    assert ends(tracker) == ["deploy-failed" if code else "deploy-finished"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (ChildEnd(0), 0),
        (ChildEnd(3, signal.SIGTERM), 3),
        (ChildEnd(0, signal.SIGTERM), 143),
        (ChildEnd(None), 125),
        (ChildEnd(None, signal.SIGINT), 130),
    ],
)
def test_a_status_that_is_unknown_is_not_0(end, code):
    """
    Nor is that of a run that was told to stop.
    """
    assert end.exit_code == code
    assert end.is_known == (end in (ChildEnd(0), ChildEnd(3, signal.SIGTERM)))


def test_a_signal_that_this_machine_has_not_is_shown_by_its_number():
    """
    A bundle may come from another system.
    """
    assert detail(deploy_interrupted(signal=9999, exit_code=0)) == "told to stop by signal 9999"
    assert detail(deploy_interrupted(signal=15, exit_code=0)) == "told to stop by SIGTERM"


def test_nobody_reading_our_messages_changes_nothing(tracker, tmp_path):
    """
    `tracker run … 2>&1 | tee log`: Ctrl-C ends tee first.
    """
    reading, writing = os.pipe()
    with running("deploy", SLEEPS, stderr=writing) as process:
        os.close(writing)
        until((tmp_path / "ready").exists)
        os.close(reading)
        send(process, signal.SIGINT, group=True)

        assert process.wait(60) == 130
    assert ends(tracker) == ["deploy-failed"]


# ── kills ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", WORDS)
def test_a_child_that_is_killed_failed(tracker, tmp_path, what):
    """
    137, as a shell says it.
    """
    with running(what, "kill -KILL $$") as process:
        assert process.wait(60) == 137
    assert ends(tracker) == ["tests-finished" if what == "test" else f"{what}-failed"]


@pytest.mark.parametrize("what", WORDS)
def test_a_run_whose_tracker_is_killed_is_interrupted(tracker, tmp_path, what):
    """
    The next command records that its end is unknown, once.
    """
    with running(what, SLEEPS) as process:
        until((tmp_path / "ready").exists)
        send(process, signal.SIGKILL, group=False)
        process.wait(60)

        answer = tracker("list")
        assert f"delivered from the spool: {topic(what)}-interrupted" in answer.err
    assert "delivered" not in tracker("list").err
    assert ends(tracker) == [f"{topic(what)}-interrupted"]
    assert "tracker run was killed" in tracker("timeline", "--from", "10m-ago", "--to", "now").out


def test_an_interrupted_deploy_is_shown_as_such(tracker, tmp_path):
    """
    It is no deploy that goes on for ever, and none that failed.
    """
    with running("deploy", SLEEPS) as process:
        until((tmp_path / "ready").exists)
        assert "deploy started, no end recorded: v1" in tracker("changes").out
        send(process, signal.SIGKILL, group=False)
        process.wait(60)

    assert "deploy interrupted, its end is unknown: v1" in tracker("changes").out
    [change] = tracker("changes", "--json").json["changes"]
    assert (change["status"], change["finished_at"]) == ("interrupted", None)


def test_a_run_that_goes_on_is_not_called_interrupted(tracker, tmp_path):
    """
    Other commands work beside it.
    """
    with running("deploy", "touch ready; while [ ! -e go ]; do sleep 0.05; done") as process:
        until((tmp_path / "ready").exists)
        assert ends(tracker) == []
        (tmp_path / "go").touch()
        assert process.wait(60) == 0
    assert ends(tracker) == ["deploy-finished"]


def test_a_killed_run_of_a_store_that_is_away_waits_for_it(tracker, tmp_path):
    """
    Nothing of it is lost.
    """
    with running("deploy", SLEEPS, "--store", AWAY) as process:
        until((tmp_path / "ready").exists)
        send(process, signal.SIGKILL, group=False)
        process.wait(60)

    assert "deploy-interrupted of checkout v1" in tracker("spool", "--store", AWAY).out
    assert tracker("spool", "--store", AWAY, "--json").json["waiting"][-1]["topic"] == "deploy-interrupted"
