"""A clock that jumps, forwards and back, while deliveries come in."""

import random
import time
from pathlib import Path

from tests.faults.load import sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.process import faketime
from tests.servers.serving import tracker_server
from tracker.log import Log


def clock(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Let the server's clock jump by up to three days; what it measures durations with goes on as it is."""
    chance = random.Random(seed)
    began = time.monotonic()
    offset = folder.parent / "offset"
    offset.write_text("+0")
    environment = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    jumps = []
    with (
        tracker_server(folder, store=store, serve="", environment=environment) as server,
        sending(server.url, seed=seed) as load,
    ):
        for _ in range(max(3, times // 10)):
            load.wait_for(10)
            jump = round(chance.uniform(-3, 3) * 86_400)
            jumps.append(jump)
            new = offset.with_suffix(".new")
            new.write_text(f"{jump:+d}")
            new.replace(offset)
            _appended(store)
        load.wait_for(10)
        load.stop()
        return outcome(
            server,
            load,
            fault="clock",
            seed=seed,
            times=len(jumps),
            seconds=time.monotonic() - began,
            notes={"jumps_seconds": jumps},
        )


def _appended(store: str, appends: int = 2, seconds: float = 20.0) -> None:
    """Wait for two appends: the first may have been under way when the clock was turned.

    What was acknowledged stands in the inbox; the log follows when the machine has time for it.
    """
    give_up = time.monotonic() + seconds
    with Log(store) as log:
        for _ in range(appends):
            last = log.position
            while log.position == last and time.monotonic() < give_up:
                time.sleep(0.05)
