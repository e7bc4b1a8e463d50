"""The inbox as a table of the log's PostgreSQL, on a connection of its own that is made anew where it broke."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox.queue import MOST_BYTES_AT_ONCE, Counts, Delivery, Held, Parked, within
from tracker.inbox.rows import COLUMNS, PARKED_COLUMNS, held_of, parked_of, plain

_SCHEMA = """CREATE TABLE IF NOT EXISTS inbox_deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    received_us bigint NOT NULL,
    parked text,
    attempts integer NOT NULL DEFAULT 0,
    headers bytea NOT NULL,
    body bytea NOT NULL)"""
LOCK_TIMEOUT_SECONDS = 10
PATIENCE_SECONDS = 3.0
"""So long a write waits for a server that is away."""
_TYPES = ("text", "text", "text", "bigint", "bytea", "bytea")


class PostgresInbox:
    """The inbox in a table; threads take turns on its connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        with self._transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7237388)")
            cursor.execute(_SCHEMA)

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries in one statement.

        A server that is started again is waited for: not every sender comes again. Where the
        connection broke at the very end they may be kept twice, which the log does not mind.
        """
        columns: list[list[Any]] = [
            [d.route for d in deliveries],
            [d.source for d in deliveries],
            [d.key for d in deliveries],
            [d.received_us for d in deliveries],
            [msgspec.json.encode(d.headers) for d in deliveries],
            [d.body for d in deliveries],
        ]
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._insert(columns)
                return
            except StoreAwayError as away:
                cause = away.__cause__
                if not (isinstance(cause, psycopg.Error) and cut(cause)) or time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def _insert(self, columns: list[list[Any]]) -> None:
        arrays = ",".join(f"%b::{kind}[]" for kind in _TYPES)
        with self._transaction() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            cursor.execute(
                "INSERT INTO inbox_deliveries (route, source, key, received_us, headers, body) "
                f"SELECT * FROM unnest({arrays})".encode(),
                columns,
            )

    def waiting(self, limit: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what waits, in the order of arrival."""
        with self._transaction() as cursor:
            sizes = cursor.execute(
                "SELECT number, octet_length(body) FROM inbox_deliveries WHERE parked IS NULL "
                "ORDER BY number LIMIT %s",
                (limit,),
            ).fetchall()
            chosen = within(((each[0], each[1]) for each in sizes), most_bytes)
            if not chosen:
                return []
            rows = cursor.execute(
                f"SELECT {COLUMNS} FROM inbox_deliveries "
                "WHERE parked IS NULL AND number = ANY(%s) ORDER BY number".encode(),
                (chosen,),
                binary=True,
            ).fetchall()
        return [held_of(row) for row in rows]

    def after(self, number: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what comes after a number, in the order of arrival."""
        with self._transaction() as cursor:
            sizes = cursor.execute(
                "SELECT number, octet_length(body) FROM inbox_deliveries WHERE number > %s ORDER BY number LIMIT 500",
                (number,),
            ).fetchall()
            chosen = within(((each[0], each[1]) for each in sizes), most_bytes)
            rows = cursor.execute(
                f"SELECT {COLUMNS} FROM inbox_deliveries WHERE number = ANY(%s) ORDER BY number".encode(),
                (chosen,),
                binary=True,
            ).fetchall()
        return [held_of(row) for row in rows]

    def clean(self) -> None:
        """Nothing: the log writes this table anew with its own."""

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM inbox_deliveries WHERE number = ANY(%s)", (list(numbers),))

    def park(self, number: int, reason: str) -> None:
        """Set one aside."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE inbox_deliveries SET parked=%s, attempts=attempts+1 WHERE number=%s",
                (plain(reason), number),
            )

    def parked(self) -> list[Parked]:
        """Return what was set aside, in the order of arrival."""
        with self._transaction() as cursor:
            rows = cursor.execute(
                f"SELECT {PARKED_COLUMNS} FROM inbox_deliveries "
                "WHERE parked IS NOT NULL ORDER BY number".encode()
            ).fetchall()
        return [parked_of(row) for row in rows]

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Let what was set aside wait again."""
        sql = "UPDATE inbox_deliveries SET parked=NULL WHERE parked IS NOT NULL"
        with self._transaction() as cursor:
            if numbers is None:
                cursor.execute(sql)
            else:
                cursor.execute(sql + " AND number = ANY(%s)", (list(numbers),))
            return cursor.rowcount

    def counts(self) -> Counts:
        """Count."""
        with self._transaction() as cursor:
            found = cursor.execute(
                "SELECT COUNT(*) FILTER (WHERE parked IS NULL), COUNT(*) FILTER (WHERE parked IS NOT NULL), "
                "MIN(received_us) FILTER (WHERE parked IS NULL) FROM inbox_deliveries"
            ).fetchone()
        assert found is not None
        return Counts(*found)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        """Open a transaction; a connection that broke is let go, and the next one is new."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(
                        self._url, connect_timeout=5, application_name="tracker inbox"
                    )
                    with self._connection.transaction():
                        self._connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'".encode())
                with self._connection.transaction(), self._connection.cursor() as cursor:
                    yield cursor
            except psycopg.Error as error:
                text = " ".join(str(error).split())
                if cut(error):
                    if self._connection is not None:
                        self._connection.close()
                        self._connection = None
                    raise StoreAwayError(
                        f"the inbox's PostgreSQL does not answer: {text}",
                        hint="Check [tracker] store, TRACKER_STORE and the server",
                    ) from error
                if isinstance(error, psycopg.OperationalError):
                    raise StoreAwayError(
                        f"the inbox's PostgreSQL takes nothing now: {text}",
                        hint="Look for who holds its table, and at its disk: SELECT * FROM pg_locks WHERE granted",
                    ) from error
                raise StoreError(
                    f"the inbox's PostgreSQL refused: {text}", hint="Look into the server's own log"
                ) from error


def cut(error: psycopg.Error) -> bool:
    """Whether it is the connection that failed, not what was asked of it."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
