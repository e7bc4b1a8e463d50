"""Whole commands: what an answer costs in a long log, and what a start costs."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from tests.bench.log import START, errors
from tests.bench.measure import Row, Sizes, at_most, fastest, process_seconds, said_in, seconds
from tracker.decisions.lifecycle import declare
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Event
from tracker.events.changes import DeployFinished
from tracker.log import Log
from tracker.times import Typed

HEAVY = ("numpy", "pandas", "matplotlib", "requests", "psycopg", "sentry_sdk")
BATCH = 10_000


def incident(log: Log) -> None:
    """Record a plain incident of one service: a deploy, an alert, two hundred errors, a declaration."""
    at = START + timedelta(hours=6)
    fingerprint = "a1b2c3d4e5f60718"
    facts: list[Event] = [
        DeployFinished(
            occurred_at=at - timedelta(minutes=5), source="run", service="checkout", version="1.4.2"
        ),
        AlertFired(
            occurred_at=at,
            source="alertmanager:prod",
            service="checkout",
            name="HighErrorRatio",
            fingerprint=fingerprint,
            severity="critical",
        ),
        AlertResolved(
            occurred_at=at + timedelta(minutes=30),
            started_at=at,
            source="alertmanager:prod",
            service="checkout",
            name="HighErrorRatio",
            fingerprint=fingerprint,
        ),
    ]
    facts += [
        _moved(event, at + timedelta(seconds=9 * n)) for n, event in enumerate(errors(200, first=10**9))
    ]
    log.append(facts)
    decided = declare(
        "INC-1",
        title="Payments answer 500",
        services=("checkout",),
        severity="critical",
        by="ada",
        at=Typed(at + timedelta(minutes=2), 1.0),
    )
    log.decide("INC-1", lambda _: decided)


def _moved(event: Event, at: object) -> Event:
    import msgspec

    return msgspec.structs.replace(event, occurred_at=at, service="checkout")


def answers(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """Ask for one incident in a log of nothing else, and in one of a million other events."""
    short, long = folder / "short.db", folder / "long.db"
    with Log(str(short)) as log:
        incident(log)
    with Log(str(long)) as log:

        def fill() -> None:
            for first in range(0, sizes.other_events, BATCH):
                log.append(errors(min(BATCH, sizes.other_events - first), first=first))

        filled = seconds(fill)
        incident(log)
    yield Row(
        f"fill a log with {sizes.other_events:,} events",
        said_in(sizes.other_events / filled, "events/s"),
        note=f"{filled:.1f} s, making them included; {long.stat().st_size / 1e6:,.0f} MB",
    )
    repeats = max(1, sizes.starts // 2)
    for name in sizes.commands:
        words = [name, "INC-1", *(["-o", "-"] if name == "report" else [])]
        in_short, in_long = (
            process_seconds([sys.executable, "-m", "tracker", *words, "--store", str(store)], folder)
            for store in (short, long)
        )
        near, far = fastest([in_short, in_long], repeats)
        yield at_most(
            f"tracker {name} in the long log, against the short", far, near, 1.2, "s", "whole process"
        )
        near, far = fastest([_inside(words, store) for store in (short, long)], repeats)
        yield at_most(f"tracker {name}, without the start of Python", far, near, 1.2, "s", "in one process")


def _inside(words: list[str], store: Path):  # type: ignore[no-untyped-def]
    import contextlib
    import io

    from tracker.cli import main

    def once() -> float:
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            return seconds(lambda: main([*words, "--store", str(store)]))

    return once


def starts(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """What `tracker --help` costs beside Python itself, and what a start imports."""
    helped, bare = fastest(
        [
            process_seconds([sys.executable, "-m", "tracker", "--help"], folder),
            process_seconds([sys.executable, "-c", "pass"], folder),
        ],
        sizes.starts,
    )
    yield at_most("tracker --help, against python -c pass", helped, bare, 2, "s", f"best of {sizes.starts}")
    if sizes.peers:
        [shown] = fastest([_demo(folder)], sizes.repeats)
        yield at_most("tracker demo, the whole of it", shown, 10, 1, "s")
    store = str(folder / "short.db")
    for words in (["--help"], ["timeline", "INC-1", "--store", store]):
        found = heavy(words, folder)
        yield Row(
            f"heavy modules that tracker {words[0]} imports",
            ", ".join(found) or "none",
            wanted="none",
            met=not found,
        )


def _demo(folder: Path) -> Callable[[], float]:
    def run() -> float:
        place = tempfile.mkdtemp(dir=folder)
        return process_seconds([sys.executable, "-m", "tracker", "demo"], Path(place))()

    return run


def heavy(words: list[str], folder: Path) -> list[str]:
    """Name what a command imported of all that is slow to import."""
    code = (
        "import sys; from tracker.cli import main; main(sys.argv[1:]);"
        f"sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return said.stderr.split()
