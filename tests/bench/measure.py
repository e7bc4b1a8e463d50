"""One row of the table, and the clocks that fill it."""

import gc
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_FINDINGS = 4
"""How `tracker check` ends where it has something to say."""


@dataclass(frozen=True)
class Row:
    """One thing measured, beside what it is compared with.

    `ratio` is measured / reference; `wanted` says which side of it is good. `met` is None where
    nothing is wanted, or where it could not be measured: then `note` says why.
    """

    what: str
    measured: str
    reference: str = ""
    ratio: float | None = None
    wanted: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Sizes:
    """How much is measured; appends are in batches of this size and of ten times this size.

    `peers` is whether what takes long to start is measured too: Bugsink, the whole demo.
    """

    events: int
    batch: int
    samples_in_a_series: int
    series: int
    other_events: int
    starts: int
    repeats: int
    server_seconds: int
    growth: int
    commands: tuple[str, ...] = ("show", "timeline", "changes", "compare", "check", "similar", "report")
    peers: bool = True


FULL = Sizes(
    events=100_000,
    batch=1_000,
    samples_in_a_series=10_000,
    series=100,
    other_events=1_000_000,
    starts=20,
    repeats=3,
    server_seconds=10,
    growth=1_000_000,
)
SMALL = Sizes(
    events=2_000,
    batch=100,
    samples_in_a_series=500,
    series=4,
    other_events=2_000,
    starts=2,
    repeats=1,
    server_seconds=1,
    growth=10_000,
    commands=("show", "report"),
    peers=False,
)


def at_most(what: str, measured: float, reference: float, limit: float, unit: str, note: str = "") -> Row:
    """Want a cost: no more than `limit` times the reference."""
    ratio = measured / reference
    said = (said_in(measured, unit), said_in(reference, unit))
    return Row(what, *said, ratio, f"≤ {limit:g}", ratio <= limit, note)


def at_least(what: str, measured: float, reference: float, limit: float, unit: str, note: str = "") -> Row:
    """Want a speed: no less than `limit` times the reference."""
    ratio = measured / reference
    said = (said_in(measured, unit), said_in(reference, unit))
    return Row(what, *said, ratio, f"≥ {limit:g}", ratio >= limit, note)


def said_in(value: float, unit: str) -> str:
    """Write a number with its unit, three digits long where that is short."""
    if unit == "s" and value < 1:
        return f"{value * 1000:.1f} ms"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def seconds(work: Callable[[], object]) -> float:
    """Time one piece of work, with the garbage of whoever came before it gone."""
    gc.collect()
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def fastest(works: Sequence[Callable[[], float]], repeats: int) -> list[float]:
    """Take turns, so that what else the machine does meets all alike, and keep each one's best."""
    taken = [[work() for work in works] for _ in range(repeats)]
    return [min(times) for times in zip(*taken, strict=True)]


def process_seconds(command: Sequence[str], folder: Path) -> Callable[[], float]:
    """Make a stopwatch for a whole process, from its start to its end."""

    def run() -> float:
        before = time.perf_counter()
        ran = subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)
        taken = time.perf_counter() - before
        if ran.returncode not in (0, _FINDINGS):
            raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}")
        return taken

    return run
