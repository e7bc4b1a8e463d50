"""The inbox as a table of the log's PostgreSQL, on a connection of its own that is made anew where it broke."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox import TOGETHER_BYTES, Counts, Delivery, Held
from tracker.inbox.sqlite import held_of

_SCHEMA = """CREATE TABLE IF NOT EXISTS inbox_deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    route text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    received_us bigint NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    parked text,
    attempts integer NOT NULL DEFAULT 0)"""
_COLUMNS = "number, route, source, key, received_us, headers, body, parked, attempts"
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
        """Keep deliveries in one statement."""
        columns = [
            [d.route for d in deliveries],
            [d.source for d in deliveries],
            [d.key for d in deliveries],
            [d.received_us for d in deliveries],
            [msgspec.json.encode(d.headers) for d in deliveries],
            [d.body for d in deliveries],
        ]
        arrays = ",".join(f"%b::{kind}[]" for kind in _TYPES)
        with self._transaction() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            cursor.execute(
                "INSERT INTO inbox_deliveries (route, source, key, received_us, headers, body) "
                f"SELECT * FROM unnest({arrays})".encode(),
                columns,
            )

    def waiting(self, limit: int, after: int = 0) -> list[Held]:
        """Return what waits, in the order of arrival, as much as can be held."""
        # The size of a body is known without reading it.
        return self._held(
            "WHERE number IN (SELECT number FROM (SELECT number, ROW_NUMBER() OVER sofar AS row, "
            "SUM(octet_length(body)) OVER sofar AS bytes FROM (SELECT number, body FROM inbox_deliveries "
            "WHERE parked IS NULL AND number>%s ORDER BY number LIMIT %s) AS oldest "
            "WINDOW sofar AS (ORDER BY number)) AS counted WHERE row = 1 OR bytes <= %s) ORDER BY number",
            (after, limit, TOGETHER_BYTES),
        )

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""
        with self._transaction() as cursor:
            cursor.execute("DELETE FROM inbox_deliveries WHERE number = ANY(%s)", (list(numbers),))

    def park(self, number: int, reason: str) -> None:
        """Set one aside."""
        with self._transaction() as cursor:
            cursor.execute(
                "UPDATE inbox_deliveries SET parked=%s, attempts=attempts+1 WHERE number=%s",
                (reason.replace("\0", "�"), number),
            )

    def parked(self) -> list[Held]:
        """Return what was set aside, in the order of arrival."""
        return self._held("WHERE parked IS NOT NULL ORDER BY number", ())

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

    def _held(self, where: str, parameters: tuple[int, ...]) -> list[Held]:
        with self._transaction() as cursor:
            rows = cursor.execute(
                f"SELECT {_COLUMNS} FROM inbox_deliveries {where}".encode(), parameters
            ).fetchall()
        return [held_of(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        """Open a transaction; a connection that broke is let go, and the next one is new."""
        with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(
                        self._url, connect_timeout=5, application_name="tracker inbox"
                    )
                with self._connection.transaction(), self._connection.cursor() as cursor:
                    yield cursor
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                raise StoreAwayError(
                    f"the inbox's PostgreSQL does not answer: {' '.join(str(error).split())}",
                    hint="Check [tracker] store, TRACKER_STORE and the server",
                ) from error
            except psycopg.Error as error:
                raise StoreError(
                    f"the inbox's PostgreSQL refused: {' '.join(str(error).split())}",
                    hint="Look into the server's own log",
                ) from error
