"""Work of more than a second shows where it is, to people only."""

import os
import pty
import subprocess
import sys

SCRIPT = """
import sys, time
from tracker.cli.progress import progress
with progress("verify") as update:
    for done in range(int(sys.argv[1])):
        time.sleep(0.1)
        update(done, 40)
"""


CLOCK = """
import sys, time
from tracker.cli.progress import waiting
with waiting("events"):
    time.sleep(int(sys.argv[1]) / 10)
"""


def drawn(steps: int, *, terminal: bool, script: str = SCRIPT) -> str:
    """Return what the bar drew on stderr over so many tenths of a second."""
    command = [sys.executable, "-c", script, str(steps)]
    if not terminal:
        return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    ours, theirs = pty.openpty()
    try:
        subprocess.run(command, stderr=theirs, check=True)
        os.set_blocking(ours, False)
        return os.read(ours, 65536).decode() if steps > 10 else _rest(ours)
    finally:
        os.close(ours)
        os.close(theirs)


def _rest(ours: int) -> str:
    try:
        return os.read(ours, 65536).decode()
    except BlockingIOError:
        return ""


def test_long_work_shows_a_bar_on_a_terminal():
    """
    Also on one that does not say how large it is.
    """
    assert "verify" in drawn(15, terminal=True)
    assert "%" in drawn(15, terminal=True)


def test_nothing_is_drawn_in_a_pipe():
    """
    A log of CI is no place for a bar.
    """
    assert drawn(15, terminal=False) == ""


def test_short_work_shows_nothing():
    """
    A bar that flashes by tells nothing.
    """
    assert "%" not in drawn(3, terminal=True)


def test_work_of_unknown_length_shows_a_clock_that_runs():
    """
    On a terminal, and only once it has lasted a second.
    """
    shown = drawn(25, terminal=True, script=CLOCK)

    assert "events: 00:01" in shown
    assert "events: 00:02" in shown
    assert "events" not in drawn(3, terminal=True, script=CLOCK)
    assert drawn(15, terminal=False, script=CLOCK) == ""


def test_a_feed_that_takes_its_time_shows_the_clock(tmp_path):
    """
    60,000 lines of CloudEvents take seconds; they still go in as one.
    """
    script = """
import time
from tracker.cli import main
from tracker.ingest import cdevents
def slow(*_, **__):
    time.sleep(1.5)
    return []
cdevents.read = slow
main(["ingest", "events", "feed", "--store", "tracker.db"])
"""
    (tmp_path / "feed").write_text("{}")
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", script], stderr=theirs, cwd=tmp_path, check=True)
        os.set_blocking(ours, False)
        assert "events: 00:01" in _rest(ours)
    finally:
        os.close(ours)
        os.close(theirs)
