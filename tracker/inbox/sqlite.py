"""The inbox in a SQLite file of its own, so that no report and no import of the log's holds up an answer."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox.queue import MOST_BYTES_AT_ONCE, Counts, Delivery, Held, Parked, within
from tracker.inbox.rows import COLUMNS, PARKED_COLUMNS, held_of, parked_of, plain
from tracker.log.sqlite import clean_file

LOCK_TIMEOUT_SECONDS = 10
_SCHEMA = """CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    route TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    parked TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    headers BLOB NOT NULL,
    body BLOB NOT NULL)"""


class SqliteInbox:
    """The inbox in a file; threads and processes may share it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        if not Path(path).parent.is_dir():
            raise StoreError(f"{path}: the folder {Path(path).parent} does not exist", hint="mkdir -p it")
        with self._named():
            self._connection = sqlite3.connect(
                path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(_SCHEMA)

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries in one transaction."""
        rows = [
            (d.route, d.source, d.key, d.received_us, msgspec.json.encode(d.headers), d.body)
            for d in deliveries
        ]
        with self._writing() as connection:
            connection.executemany(
                "INSERT INTO deliveries (route, source, key, received_us, headers, body) VALUES (?,?,?,?,?,?)",
                rows,
            )

    def waiting(self, limit: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what waits, in the order of arrival."""
        with self._lock, self._named():
            sizes = self._connection.execute(
                "SELECT number, length(body) FROM deliveries WHERE parked IS NULL ORDER BY number LIMIT ?",
                (limit,),
            ).fetchall()
            chosen = within(sizes, most_bytes)
            if not chosen:
                return []
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM deliveries "
                "WHERE parked IS NULL AND number BETWEEN ? AND ? ORDER BY number LIMIT ?",
                (chosen[0], chosen[-1], len(chosen)),
            ).fetchall()
        return [held_of(row) for row in rows]

    def after(self, number: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what comes after a number, in the order of arrival."""
        with self._lock, self._named():
            sizes = self._connection.execute(
                "SELECT number, length(body) FROM deliveries WHERE number>? ORDER BY number LIMIT 500",
                (number,),
            ).fetchall()
            chosen = within(sizes, most_bytes)
            rows = self._connection.execute(
                f"SELECT {COLUMNS} FROM deliveries WHERE number>? ORDER BY number LIMIT ?",
                (number, len(chosen)),
            ).fetchall()
        return [held_of(row) for row in rows]

    def clean(self) -> None:
        """Write the file anew."""
        with self._lock, self._named():
            clean_file(self._connection)

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM deliveries WHERE number=?", [(each,) for each in numbers])

    def park(self, number: int, reason: str) -> None:
        """Set one aside."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE deliveries SET parked=?, attempts=attempts+1 WHERE number=?", (plain(reason), number)
            )

    def parked(self) -> list[Parked]:
        """Return what was set aside, in the order of arrival."""
        with self._lock, self._named():
            rows = self._connection.execute(
                f"SELECT {PARKED_COLUMNS} FROM deliveries WHERE parked IS NOT NULL ORDER BY number"
            ).fetchall()
        return [parked_of(row) for row in rows]

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Let what was set aside wait again."""
        with self._writing() as connection:
            if numbers is None:
                found = connection.execute("UPDATE deliveries SET parked=NULL WHERE parked IS NOT NULL")
                return found.rowcount
            return sum(
                connection.execute(
                    "UPDATE deliveries SET parked=NULL WHERE parked IS NOT NULL AND number=?", (number,)
                ).rowcount
                for number in numbers
            )

    def counts(self) -> Counts:
        """Count."""
        with self._lock, self._named():
            waiting, parked, oldest = self._connection.execute(
                "SELECT COUNT(*) FILTER (WHERE parked IS NULL), COUNT(*) FILTER (WHERE parked IS NOT NULL), "
                "MIN(received_us) FILTER (WHERE parked IS NULL) FROM deliveries"
            ).fetchone()
        return Counts(waiting, parked, oldest)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._named():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn what SQLite says into one line that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            kind = (
                StoreAwayError
                if any(each in text for each in ("locked", "busy", "full", "I/O"))
                else StoreError
            )
            raise kind(
                f"the inbox {self.path} cannot be used: {text}",
                hint=f"df -h {Path(self.path).parent}; fuser {self.path}; ls -l {self.path}",
            ) from error
