"""The log's own speed, beside what its database does without us."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.bench.measure import Row, Sizes, at_least, at_most, fastest, said_in, seconds
from tracker.events.alerts import ErrorSeen
from tracker.events.base import Event
from tracker.log import Log
from tracker.log.rows import EVENT_COLUMNS, INDEX_COLUMNS

START = datetime(2026, 1, 1, tzinfo=UTC)


def errors(count: int, first: int = 0) -> list[Event]:
    """Make small events of fifty services, as an SDK reports errors: some 200 bytes each when stored."""
    return [
        ErrorSeen(
            occurred_at=START + timedelta(milliseconds=37 * number),
            source="sentry:acme",
            service=f"service-{number % 50}",
            project="shop",
            error_id=f"{number:032x}",
            title="ZeroDivisionError: division by zero",
            group="4711",
        )
        for number in range(first, first + count)
    ]


def append(store: str, events: Sequence[Event], batch: int) -> float:
    """Append them in batches, and time it."""

    def work() -> None:
        for start in range(0, len(events), batch):
            log.append(events[start : start + batch])

    with Log(store) as log:
        return seconds(work)


def read(store: str) -> float:
    """Read the whole log back into events, and time it."""
    with Log(store) as log:
        return seconds(lambda: sum(1 for _ in log.read_all()))


class Bare:
    """What SQLite alone takes for the same bytes: same tables and indexes, same durability, same batches."""

    def __init__(self, store: str) -> None:
        with closing(sqlite3.connect(store)) as log:
            self.pragmas = {"journal_mode": "WAL", "synchronous": "FULL", "cache_size": -65536}
            schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            self.schema = [row[0] for row in log.execute(schema)]
            self.events = log.execute("SELECT * FROM stored_events ORDER BY position").fetchall()
            self.index = log.execute("SELECT * FROM event_index ORDER BY position").fetchall()

    def append(self, folder: Path, batch: int) -> float:
        """Insert the rows of every batch in one transaction, and time it."""
        with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as database:
            for name, value in self.pragmas.items():
                database.execute(f"PRAGMA {name}={value}")
            for statement in self.schema:
                database.execute(statement)
            event, index = (
                f"INSERT INTO {name} VALUES ({','.join('?' * len(columns))})"  # noqa: S608 - our own constants
                for name, columns in (("stored_events", EVENT_COLUMNS), ("event_index", INDEX_COLUMNS))
            )

            def work() -> None:
                for start in range(0, len(self.events), batch):
                    database.execute("BEGIN IMMEDIATE")
                    database.executemany(event, self.events[start : start + batch])
                    database.executemany(index, self.index[start : start + batch])
                    database.execute("COMMIT")

            return seconds(work)


def on_sqlite(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """Append, read back, and append again what is known."""
    events = errors(sizes.events)
    count = len(events)
    first = str(folder / "first.db")
    append(first, events, sizes.batch)
    bare = Bare(first)
    mine = 0.0
    for batch in (sizes.batch * 10, sizes.batch):
        mine, theirs = fastest(
            [_fresh(folder, ours, events, batch), _fresh(folder, bare.append, batch)], sizes.repeats
        )
        said = f"append in batches of {batch:,}, against bare executemany"
        yield at_least(said, count / mine, count / theirs, 0.4, "events/s")
    again, back = fastest([lambda: append(first, events, sizes.batch), lambda: read(first)], sizes.repeats)
    yield at_least("read back", count / back, 100_000, 1, "events/s")
    yield at_most("append again what is known, against appending it", again, mine, 1, "s")


def ours(folder: Path, events: Sequence[Event], batch: int) -> float:
    """Append to a new log in this folder, and time it."""
    return append(str(folder / "tracker.db"), events, batch)


def _fresh(folder: Path, work: Callable[..., float], *given: object) -> Callable[[], float]:
    """Do it in a folder of its own each time, and leave nothing behind."""

    def once() -> float:
        place = Path(tempfile.mkdtemp(dir=folder))
        taken = work(place, *given)
        shutil.rmtree(place)
        return taken

    return once


def on_postgresql(sizes: Sizes, url: str) -> Iterator[Row]:
    """The same on PostgreSQL, for information, and one event after another as a tail would see them."""
    events = errors(sizes.events)
    taken = append(url, events, sizes.batch)
    yield Row(
        "PostgreSQL: append", said_in(len(events) / taken, "events/s"), note=f"batches of {sizes.batch:,}"
    )
    yield Row("PostgreSQL: read back", said_in(len(events) / read(url), "events/s"))
    singles = errors(min(200, sizes.events), first=sizes.events)
    with Log(url) as writer, Log(url) as reader:
        after = reader.position
        waits = []
        for event in singles:
            writer.append([event])
            waits.append(seconds(partial(reader.read, after)))
            after = writer.position
    waits.sort()
    yield Row("PostgreSQL: a tail reads the next event, median", said_in(waits[len(waits) // 2], "s"))
