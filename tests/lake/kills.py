"""kill -9 in the middle of exports, and a look at the lake after each few: python -m tests.lake --times 1000.

Exit code 1 where an event or a sample was lost, or is there twice.
"""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.lake.conftest import START, World, chunks
from tracker.application.export import export
from tracker.application.session import Options, Session
from tracker.lake.duckdb_engine import query
from tracker.lake.reading import open_lake

LOOK_EVERY = 25
SAMPLES = 20
"""Of each round: two pods, ten minutes."""


def exported(store: str, folder: Path, begun: Any = None) -> None:
    session = Session(Options(store=store, by="ada"))
    if begun is not None:
        begun.set()
    export(session, folder)


def counted(folder: Path) -> tuple[int, ...]:
    """Count samples and events of a lake, and those that differ."""
    lake = open_lake(folder)
    [samples] = query(lake, "SELECT count(*), count(DISTINCT (series, occurred_at)) FROM samples").rows
    [events] = query(lake, "SELECT count(*), count(DISTINCT position) FROM events").rows
    return (*samples, *events)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lake", description=__doc__)
    parser.add_argument("--times", type=int, default=int(os.environ.get("KILLS") or 100))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no kill after so long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    give_up = time.monotonic() + 60 * arguments.minutes
    # deltalake does not survive a fork: a server that has only imported it forks each export and each look.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.lake.kills", "deltalake", "duckdb", "numpy", "tracker.log.sqlite"])
    with (
        tempfile.TemporaryDirectory(prefix="tracker-kills-") as folder,
        context.Pool(1, maxtasksperchild=1) as pool,
    ):
        world = World(Path(folder))
        world.incident()
        begun = context.Event()
        killed = finished = rounds = 0
        usual = 1.0
        while killed < arguments.times and time.monotonic() < give_up:
            at = START + timedelta(minutes=10 * rounds)
            world.now = max(world.now, at + timedelta(minutes=10))
            world.append(*chunks("checkout", "latency", at, 10, pods=2))
            rounds += 1
            process = context.Process(target=exported, args=(world.store, world.lake, begun))
            begun.clear()
            process.start()
            begun.wait()
            process.join(chance.uniform(0, usual))
            if process.is_alive():
                process.kill()
            process.join()
            if process.exitcode:
                killed, usual = killed + 1, usual * 1.02
            else:
                finished, usual = finished + 1, usual * 0.9
            if rounds % LOOK_EVERY == 0 or killed == arguments.times:
                pool.apply(exported, (world.store, world.lake))
                found = pool.apply(counted, (world.lake,))
                wanted = (*(SAMPLES * rounds,) * 2, *(world.log.position,) * 2)
                print(
                    f"seed {arguments.seed}: killed {killed:,}, {finished:,} ended before; "
                    f"samples {found[0]:,}, distinct {found[1]:,}, in the log {wanted[0]:,}; "
                    f"events {found[2]:,}, distinct {found[3]:,}, in the log {wanted[2]:,}",
                    flush=True,
                )
                if found != wanted:
                    return 1
        world.close()
    return 0
