"""The log's own speed, beside what its database does without us."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from tests.bench.measure import Row, Sizes, at_least, at_most, fastest, said_in, seconds
from tests.servers.postgres import Postgres
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
        yield at_least(said, count / mine, count / theirs, 0.6, "events/s")
    again, back = fastest([lambda: append(first, events, sizes.batch), lambda: read(first)], sizes.repeats)
    yield at_least("read back", count / back, 350_000, 1, "events/s")
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


class Copied:
    """What PostgreSQL alone takes for the same rows: COPY into the same tables and indexes, in the same batches."""

    def __init__(self, url: str) -> None:
        self.tables = {"stored_events": EVENT_COLUMNS, "event_index": INDEX_COLUMNS}
        with psycopg.connect(url) as log:
            self.rows = {
                table: log.execute(f"SELECT {','.join(columns)} FROM {table} ORDER BY position").fetchall()  # noqa: S608
                for table, columns in self.tables.items()
            }

    def append(self, url: str, batch: int) -> float:
        """Copy the rows of every batch in one transaction, and time it."""
        with Log(url):
            pass  # makes the tables
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("DELETE FROM stored_events")
            database.execute("DELETE FROM event_index")

            def work() -> None:
                for start in range(0, len(self.rows["stored_events"]), batch):
                    with database.transaction():
                        for table, columns in self.tables.items():
                            with database.cursor().copy(
                                f"COPY {table} ({','.join(columns)}) FROM STDIN"
                            ) as copy:
                                for row in self.rows[table][start : start + batch]:
                                    copy.write_row(row)

            return seconds(work)


def on_postgresql(sizes: Sizes, cluster: Postgres) -> Iterator[Row]:
    """Append in batches beside COPY, one event a transaction beside the library, and read as a follower does."""
    events = errors(sizes.events)
    count = len(events)
    with cluster.database() as url:
        append(url, events, sizes.batch)
        copied = Copied(url)
        [back] = fastest([lambda: read(url)], sizes.repeats)
        yield Row("PostgreSQL: read back", said_in(count / back, "events/s"))
        yield Row("PostgreSQL: a follower reads the next event, median", said_in(_followed(sizes, url), "s"))

    def fresh(work: Callable[[str], float]) -> Callable[[], float]:
        def once() -> float:
            with cluster.database() as url:
                return work(url)

        return once

    mine, theirs = fastest(
        [
            fresh(lambda url: append(url, events, sizes.batch)),
            fresh(lambda url: copied.append(url, sizes.batch)),
        ],
        sizes.repeats,
    )
    said = f"PostgreSQL: append in batches of {sizes.batch:,}, against COPY"
    yield at_least(said, count / mine, count / theirs, 0.5, "events/s")
    singles = events[: max(100, sizes.events // 100)]
    mine, theirs = fastest(
        [fresh(lambda url: append(url, singles, 1)), fresh(lambda url: _by_the_library(url, len(singles)))],
        sizes.repeats,
    )
    said = "PostgreSQL: one event a transaction, against the library's own recorder"
    yield at_least(said, len(singles) / mine, len(singles) / theirs, 1.7, "events/s")


def _by_the_library(url: str, count: int) -> float:
    """Insert so many events of this size with eventsourcing's recorder, each in a transaction, and time it."""
    parts = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts["port"]),
        user=str(parts["user"]),
        password="",
        originator_id_type="text",
    )
    try:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
        recorder.create_table()
        state = b"x" * 200

        def work() -> None:
            for number in range(count):
                recorder.insert_events([StoredEvent(f"{number:024d}", 1, "error-seen", state)])

        return seconds(work)
    finally:
        datastore.close()


def _followed(sizes: Sizes, url: str) -> float:
    singles = errors(min(200, sizes.events), first=sizes.events)
    waits = []
    with Log(url) as writer, Log(url) as reader:
        after = reader.position
        for event in singles:
            writer.append([event])
            waits.append(seconds(partial(reader.read, after)))
            after = writer.position
    waits.sort()
    return waits[len(waits) // 2]
