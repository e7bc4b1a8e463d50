"""Every fault there is."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults.beside import beside
from tests.faults.clock import clock
from tests.faults.failover import failover
from tests.faults.kill import kill
from tests.faults.outcome import Outcome
from tests.faults.stores import full, limited, locked, restarted
from tests.servers.postgres import postgres

STORES = ("sqlite", "postgresql")
FAULTS: dict[str, Callable[..., Outcome]] = {
    "kill": kill,
    "beside": beside,
    "locked": locked,
    "full": full,
    "limited": limited,
    "restarted": restarted,
    "failover": failover,
    "clock": clock,
}


def run(fault: str, store: str, folder: Path, seed: int, times: int, minutes: float = math.inf) -> Outcome:
    """Let one fault happen on a new store; raises pytest's Skipped where this machine cannot."""
    does = FAULTS[fault]
    if fault == "kill":
        does = partial(does, minutes=minutes)
    if store == "sqlite":
        return does(folder / "server", str(folder / "tracker.db"), seed, times)
    with postgres() as server, server.database() as url:
        if fault in ("restarted", "failover"):
            does = partial(does, postgres=server)
        return does(folder / "server", url, seed, times)
