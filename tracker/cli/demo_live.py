"""Playing the demo's incident on the page of a server of its own, as it happened or faster.

The server runs in this process, on the demo's log, and its clock is the story's: the page, the limits of the
procedure and the verdicts' windows follow it.
"""

import logging
import os
import signal
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from tracker.application.running_server import running
from tracker.application.session import Session
from tracker.cli.common import say, write_json
from tracker.cli.demo_player import SPEED, Player
from tracker.demo.settings import TOML
from tracker.demo.story import (
    INCIDENT,
    STORY,
    Collected,
    CommandTyped,
    Declared,
    Delivered,
    Pushed,
    Step,
    instant,
)
from tracker.server.main import serve
from tracker.text.shell import word

BEGINS = instant("14:34:03")
"""What happened before is in the log when the page opens: an ordinary morning, and the first errors."""
OVER = instant("15:40:52")
_COLLECTED_EVERY = timedelta(minutes=3)
_LONGEST_QUIET = timedelta(minutes=15)
"""A longer time in which nothing happens is skipped after a moment: a night is not worth waiting for."""
_MOMENT_SECONDS = 3.0
_STARTS_WITHIN_SECONDS = 60.0


class StoryClock:
    """A clock that runs so many times faster than time, and stands at what comes next until that was played.

    However busy the machine is, nothing is recorded late.
    """

    def __init__(self, begins: datetime, speed: float) -> None:
        self._story, self._real, self._speed = begins, time.monotonic(), speed
        self._until: datetime | None = begins

    def now(self) -> datetime:
        shown = self._story + timedelta(seconds=(time.monotonic() - self._real) * self._speed)
        return shown if self._until is None else min(shown, self._until)

    def run_to(self, until: datetime) -> float:
        """Run on, and stand at an instant; return in how many seconds that is."""
        self._story, self._real = self.now(), time.monotonic()
        self._until = max(until, self._story)
        return (self._until - self._story).total_seconds() / self._speed

    def put(self, to: datetime) -> None:
        """Put it forward to an instant, where it stands; it never goes back."""
        self._story = self._until = max(to, self.now())

    def run_free(self) -> None:
        """Run on, as fast as time itself."""
        self._story, self._real, self._speed, self._until = self.now(), time.monotonic(), 1.0, None


class LivePlayer(Player):
    """Plays the story on a clock that runs; with metrics that grow, as a server would fetch them."""

    def __init__(self, folder: Path, speed: float = SPEED) -> None:
        super().__init__(folder)
        self.clock = StoryClock(BEGINS, speed)
        self.stopping = threading.Event()
        self._is_live = False

    def _now(self) -> datetime:
        # Before the page opens each step is recorded at its own instant.
        return self.clock.now() if self._is_live else self._clock

    def _play_all(self) -> None:
        for step in steps():
            at = instant(step.at)
            if at > BEGINS:
                self._is_live = True
                if not self._wait(at):
                    return
                say(f"{at:%a %H:%M:%S}  {said(step)}")
            self._clock = at
            self._play(step)
        self.clock.run_free()

    def _report(self) -> None:
        """Write the report, unless it was ended in the middle."""
        if not self.stopping.is_set():
            super()._report()

    def _wait(self, at: datetime) -> bool:
        """Wait until the clock shows an instant; False if it is to end."""
        if at - self.clock.now() > _LONGEST_QUIET:
            if self.stopping.wait(_MOMENT_SECONDS):
                return False
            self.clock.put(at)
        return not self.stopping.wait(self.clock.run_to(at))


def steps() -> list[Step]:
    """Return the story, with the metrics fetched every few minutes while it burns."""
    declared = next(instant(step.at) for step in STORY if isinstance(step, Declared))
    count = (OVER - declared) // _COLLECTED_EVERY
    fetched = [
        Collected(f"{declared + number * _COLLECTED_EVERY:%H:%M:%S}", "serve") for number in range(1, count)
    ]
    return sorted([*STORY, *fetched], key=lambda step: instant(step.at))


def said(step: Step) -> str:
    match step:
        case Declared(by=by, title=title):
            return f"{by}: tracker declare {word(title)}"
        case CommandTyped(by=by, command=command):
            return f"{by}: tracker {command}"
        case Delivered(source=source):
            return f"{source} reports"
        case Pushed():
            return "git: a push"
        case Collected(by=by):
            return f"{by}: the metrics are fetched"
    return f"{step.by}: the tests are run"


def play(folder: Path, *, speed: float, port: int, as_json: bool) -> int:
    """Serve the page of a new log in a folder, and play the story into it, until a signal."""
    player = LivePlayer(folder, speed)
    player.missing = "" if (folder / "checkout").is_dir() else "git is not installed"
    session = Session(player.options, clock=player.clock.now)
    failures: list[BaseException] = []

    def in_background() -> None:
        try:
            _play_when_served(player, folder, as_json=as_json)
        except BaseException as failure:  # noqa: BLE001 - raised again by whoever waits for the server
            failures.append(failure)
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=in_background, name="story", daemon=True)
    thread.start()
    try:
        code = serve(session, host="127.0.0.1", port=port)
    finally:
        player.stopping.set()
        thread.join(_STARTS_WITHIN_SECONDS)
        session.close()
    if failures:
        raise failures[0]
    return code


def _play_when_served(player: LivePlayer, folder: Path, *, as_json: bool) -> None:
    give_up = time.monotonic() + _STARTS_WITHIN_SECONDS
    while (server := running(str(folder / "tracker.db"))) is None:
        if player.stopping.wait(0.05) or time.monotonic() > give_up:
            return
    # What its log of JSON lines tells the page shows.
    logging.getLogger("tracker.serve").setLevel(logging.WARNING)
    if as_json:
        page = f"{server.address}/{INCIDENT}"
        write_json({"incident": INCIDENT, "folder": str(folder), "url": server.address, "page": page})
    else:
        say(
            f"Open {server.address}/ : an ordinary Thursday, until {INCIDENT} is declared in a moment.",
            f"Then watch {server.address}/{INCIDENT} ; Ctrl-C ends it.",
            f"The log is the demo's own, in {folder}: no other is read or written.",
        )
    player.record()
    if not player.stopping.is_set():
        (folder / "tracker.toml").write_text(TOML, encoding="utf-8")
        say(f"The story is over, and published. The page stays until Ctrl-C; then: cd {word(str(folder))}")
