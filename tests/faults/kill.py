"""kill -9 of the whole server at random moments under load, and a start after each."""

import math
import random
import time
from pathlib import Path

from tests.faults.load import sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.serving import tracker_server


def kill(folder: Path, store: str, seed: int, times: int, minutes: float = math.inf) -> Outcome:
    """Kill it so many times, or so long: of five, one while it starts, four while it answers."""
    chance = random.Random(seed)
    began = time.monotonic()
    starting = answering = 0
    with tracker_server(folder, store=store, serve="") as server, sending(server.url, seed=seed) as load:
        load.wait_for(1)
        while answering + starting < times and time.monotonic() < began + 60 * minutes:
            time.sleep(chance.uniform(0, 0.4))
            server.kill()
            answering += 1
            if chance.random() < 0.25:
                server.start(wait=False)
                time.sleep(chance.uniform(0, 0.4))
                server.kill()
                starting += 1
            server.start()
        load.wait_for(1)
        load.stop()
        return outcome(
            server,
            load,
            fault="kill",
            seed=seed,
            times=answering + starting,
            seconds=time.monotonic() - began,
            notes={"killed_while_starting": starting},
        )
