"""Commands that open and close the log beside the running server, as people type them."""

import random
import time
from pathlib import Path

from tests.faults.load import sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.serving import tracker_server

_WORDS = (
    ("list",),
    ("verify",),
    ("inbox", "list"),
    ("timeline", "--service", "checkout", "--from", "2026-03-01T14:00Z", "--to", "2026-03-01T14:01Z"),
)


def beside(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Type so many commands under load, and kill the server at the end: none may fail, or take anything away."""
    chance = random.Random(seed)
    began = time.monotonic()
    failed: list[str] = []
    with tracker_server(folder, store=store, serve="") as server, sending(server.url, seed=seed) as load:
        load.wait_for(10)
        for _ in range(times):
            ran = server.cli(*chance.choice(_WORDS))
            if ran.code:
                failed.append(ran.err)
        load.wait_for(10)
        load.stop()
        server.digested(600)
        server.kill()
        server.start()
        return outcome(
            server,
            load,
            fault="beside",
            seed=seed,
            times=times,
            seconds=time.monotonic() - began,
            failed=failed,
        )
