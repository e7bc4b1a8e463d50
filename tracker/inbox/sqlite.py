"""The inbox in a SQLite file of its own, so that no report and no import of the log's holds up an answer."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox import TOGETHER_BYTES, Counts, Delivery, Held

LOCK_TIMEOUT_SECONDS = 10
_SCHEMA = """CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    route TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    received_us INTEGER NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL,
    parked TEXT,
    attempts INTEGER NOT NULL DEFAULT 0)"""
_COLUMNS = "number, route, source, key, received_us, headers, body, parked, attempts"
_BODY = 6


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

    def waiting(self, limit: int, after: int = 0) -> list[Held]:
        """Return what waits, in the order of arrival, as much as can be held."""
        rows: list[tuple[Any, ...]] = []
        size = 0
        with self._lock, self._named():
            found = self._connection.execute(
                f"SELECT {_COLUMNS} FROM deliveries WHERE parked IS NULL AND number>? ORDER BY number LIMIT ?",
                (after, limit),
            )
            with contextlib.closing(found):
                for row in found:
                    size += len(row[_BODY])
                    if rows and size > TOGETHER_BYTES:
                        break
                    rows.append(row)
        return [held_of(row) for row in rows]

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""
        with self._writing() as connection:
            connection.executemany("DELETE FROM deliveries WHERE number=?", [(each,) for each in numbers])

    def park(self, number: int, reason: str) -> None:
        """Set one aside."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE deliveries SET parked=?, attempts=attempts+1 WHERE number=?", (reason, number)
            )

    def parked(self) -> list[Held]:
        """Return what was set aside, in the order of arrival."""
        return self._held("WHERE parked IS NOT NULL ORDER BY number", ())

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

    def _held(self, where: str, parameters: tuple[int, ...]) -> list[Held]:
        with self._lock, self._named():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM deliveries {where}", parameters
            ).fetchall()
        return [held_of(row) for row in rows]

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


def held_of(row: Sequence[Any]) -> Held:
    """Turn a row of the table into a delivery."""
    number, route, source, key, received_us, headers, body, parked, attempts = row
    delivery = Delivery(
        route=route,
        source=source,
        key=key,
        received_us=received_us,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        body=bytes(body),
    )
    return Held(number=number, delivery=delivery, parked=parked, attempts=attempts)
