"""The machine with PostgreSQL is lost under load, and its synchronous standby takes over."""

import random
import time
from pathlib import Path

import pytest

from tests.faults.load import sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.postgres import Postgres
from tests.servers.serving import tracker_server


def failover(folder: Path, store: str, seed: int, times: int, postgres: Postgres | None = None) -> Outcome:
    """Crash the primary and promote the standby a moment later; the server knows both by one address."""
    if postgres is None:
        pytest.skip("SQLite has no server")
    chance = random.Random(seed)
    began = time.monotonic()
    with postgres.standby("standby") as standby:
        one, both = f"127.0.0.1:{postgres.port}", f"127.0.0.1:{postgres.port},127.0.0.1:{standby.port}"
        address = store.replace(one, both) + "?target_session_attrs=read-write"
        with (
            tracker_server(folder, store=address, serve="") as server,
            sending(server.url, seed=seed) as load,
        ):
            load.wait_for(10 * times, timeout_seconds=600)
            before = len(load.acknowledged)
            postgres.crash()
            time.sleep(chance.uniform(0.2, 1))
            standby.promote()
            load.wait_for(10 * times, timeout_seconds=600)
            load.stop()
            return outcome(
                server,
                load,
                fault="failover",
                seed=seed,
                times=1,
                seconds=time.monotonic() - began,
                notes={
                    "acknowledged_before": before,
                    "longest_time_without_an_answer_of_202_seconds": round(load.longest_stall_seconds, 2),
                },
            )
