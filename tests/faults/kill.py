"""kill -9 of the whole server at random moments under load, and a start after each."""

import random
import time
from pathlib import Path

from tests.faults.load import sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.tracker import tracker_server


def kill(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Kill it so many times: of five, one while it starts, four while it answers."""
    chance = random.Random(seed)
    began = time.monotonic()
    starting = 0
    with tracker_server(folder, store) as server, sending(server.url, seed=seed) as load:
        load.wait_for(1)
        for _ in range(times):
            if chance.random() < 0.2:
                starting += 1
                server.kill()
                server.start_again(wait=False)
                time.sleep(chance.uniform(0, 0.4))
            else:
                time.sleep(chance.uniform(0, 0.4))
            server.kill()
            server.start_again()
        load.wait_for(1)
        load.stop()
        return outcome(
            server,
            load,
            fault="kill",
            seed=seed,
            times=times + starting,
            seconds=time.monotonic() - began,
            notes={"killed_while_starting": starting},
        )
