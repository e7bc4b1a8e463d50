"""Work of more than a second shows where it is, to people only."""

import contextlib
import os
import pty
import re
import subprocess
import sys

from tests.servers.process import until

BAR = """
import select, sys
from tracker.cli.progress import progress
done = 0
with progress("verify") as update:
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        update(done := done + 1, 10_000)
"""
CLOCK = """
import sys
from tracker.cli.progress import waiting
with waiting("events"):
    sys.stdin.read()
"""
FEED = """
import sys
from tracker.cli import main
from tracker.ingest import cdevents
def slow(*_, **__):
    sys.stdin.read()
    return []
cdevents.read = slow
main(["ingest", "events", "feed", "--store", "tracker.db"])
"""
LONG_ENOUGH_SECONDS = 2.5
RUNNING_CLOCK = r"events: 00:(?!00)\d\d"


def drawn(script, *patterns, cwd=None):
    """Return what a script drew on its terminal; its stdin, and with it its work, ends once all patterns are there."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shown = ""

    def all_there():
        nonlocal shown
        with contextlib.suppress(BlockingIOError):
            shown += os.read(ours, 65536).decode()
        return all(re.search(pattern, shown) for pattern in patterns)

    try:
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=theirs, cwd=cwd
        ) as process:
            try:
                until(all_there)
            finally:
                process.stdin.close()
        all_there()
        return shown
    finally:
        os.close(ours)
        os.close(theirs)


def in_a_pipe(script):
    """Return what a script that works for more than a second writes where nobody looks."""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        process.wait(LONG_ENOUGH_SECONDS)
    except subprocess.TimeoutExpired:
        return process.communicate()[1]
    raise AssertionError("it did not wait for the end of its stdin")


def test_long_work_shows_a_bar_on_a_terminal():
    """
    Also on one that does not say how large it is.
    """
    assert drawn(BAR, "verify", "%")


def test_nothing_is_drawn_in_a_pipe():
    """
    A log of CI is no place for a bar.
    """
    assert in_a_pipe(BAR) == ""
    assert in_a_pipe(CLOCK) == ""


def test_short_work_shows_nothing():
    """
    A bar that flashes by tells nothing.
    """
    assert "%" not in drawn(BAR)
    assert "events" not in drawn(CLOCK)


def test_work_of_unknown_length_shows_a_clock_that_runs():
    """
    On a terminal, from its first second on.
    """
    assert drawn(CLOCK, rf"(?s)({RUNNING_CLOCK}).*events: (?!\1)")


def test_a_feed_that_takes_its_time_shows_the_clock(tmp_path):
    """
    60,000 lines of CloudEvents take seconds; they still go in as one.
    """
    (tmp_path / "feed").write_text("{}")

    assert drawn(FEED, RUNNING_CLOCK, cwd=tmp_path)
