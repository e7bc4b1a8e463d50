"""One incident with a storm of errors, alerts and notes: what each answer about it costs, as a whole process."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from tests import builders
from tests.bench.measure import Row, Sizes, at_most
from tracker.events.base import Event
from tracker.log import Log

BATCH = 10_000
LIMITS_SECONDS = {"show": 2.0, "timeline": 3.0, "check": 5.0, "report": 8.0}
LIMIT_MIB = 400


def record(store: str, size: int) -> None:
    """Record 100 × `size` errors of 40 groups, 20 × `size` alerts of one rule and 5 × `size` notes."""
    with Log(store) as log:
        facts: list[Event] = []
        for number in range(100 * size):
            group = f"group-{number % 40}"
            minute = 6 + 100 * number / (100 * size)
            facts.append(builders.error(minute, error_id=f"{number:032x}", group=group, title=group))
        for number in range(20 * size):
            labels = {"instance": f"host-{number % 500}"}
            minute = 6 + 100 * number / (20 * size)
            facts.append(builders.alert(minute, fingerprint=f"{number:016x}", labels=labels))
        for first in range(0, len(facts), BATCH):
            log.append(facts[first : first + BATCH])
        notes = [
            builders.note(
                6 + 100 * number / (5 * size), text=f"{number} orders failed on host-{number % 500}"
            )
            for number in range(5 * size)
        ]
        log.decide("INC-1", lambda _: [builders.declared(5), *notes])


def rows(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """Ask four questions of an incident of 100,000 errors, 20,000 alerts and 5,000 notes."""
    store = str(folder / "storm.db")
    size = max(1, sizes.events // 100)
    record(store, size)
    what = f"{100 * size:,} errors, {20 * size:,} alerts, {5 * size:,} notes"
    for name in sizes.commands:
        if (limit_seconds := LIMITS_SECONDS.get(name)) is None:
            continue
        words = [name, "INC-1", "--store", store, *(["-o", "-"] if name == "report" else [])]
        # A process of its own, whose largest child is this command.
        with get_context("spawn").Pool(1) as pool:
            taken, peak_mib = pool.apply(_ask, (words, str(folder)))
        note = f"{what}; {peak_mib} MiB of {LIMIT_MIB}"
        yield at_most(f"tracker {name} in a storm", taken, limit_seconds, 1, "s", note)


def _ask(words: list[str], folder: str) -> tuple[float, int]:
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "tracker", *words], cwd=folder, stdout=subprocess.DEVNULL, check=False
    )
    taken = time.perf_counter() - began
    if ran.returncode not in (0, 4):
        raise RuntimeError(f"tracker {' '.join(words)} ended with {ran.returncode}")
    return taken, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
