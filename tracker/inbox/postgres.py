"""The inbox as a table of the log's PostgreSQL, on a connection of its own that is replaced when it breaks."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox.queue import Execute, Inbox, refuse_lost

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
_HAS_LANE = "SELECT 1 FROM pg_attribute WHERE attrelid='inbox_deliveries'::regclass AND attname='lane'"
_LANE = "ALTER TABLE inbox_deliveries ADD COLUMN lane integer NOT NULL DEFAULT 0"
LOCK_TIMEOUT_SECONDS = 10
RETRY_SECONDS = 3.0
"""How long a write retries while the server does not answer."""


class PostgresInbox(Inbox):
    """The inbox in a table; threads take turns on its connection."""

    table = "inbox_deliveries"

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        with self._transaction() as execute:
            execute("SELECT pg_advisory_xact_lock(7237388)")
            execute(_SCHEMA)
            if not execute(_HAS_LANE).fetchall():
                execute(_LANE)

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert in one statement, and retry while the server restarts: not every sender sends again.

        If the connection broke while it was answering, rows may be kept twice; the log skips the second.
        """
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 7
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                with self._transaction() as execute:
                    execute("SET CONSTRAINTS ALL IMMEDIATE")
                    numbers = execute(
                        "INSERT INTO inbox_deliveries (route, source, key, received_us, headers, body, lane) "
                        "SELECT * FROM "
                        "unnest(?::text[],?::text[],?::text[],?::bigint[],?::bytea[],?::bytea[],?::integer[]) "
                        "RETURNING number",
                        columns,
                    ).fetchall()
                    there = execute(
                        "SELECT COUNT(*) FROM inbox_deliveries WHERE number = ANY (?)",
                        [[row[0] for row in numbers]],
                    ).fetchall()
                    refuse_lost(len(rows), there[0][0])
                return
            except StoreAwayError as away:
                cause = away.__cause__
                if not (isinstance(cause, psycopg.Error) and _is_broken(cause)) or time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def clean(self) -> None:
        """Do nothing: the log rewrites this table with its own."""

    def foreign_objects(self) -> list[str]:
        return []

    def close(self) -> None:
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _transaction(self, *, writes: bool = True) -> Iterator[Execute]:
        """Open a transaction; a connection that breaks is closed, and the next call makes a new one."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = psycopg.connect(
                        self._url, connect_timeout=5, application_name="tracker inbox"
                    )
                    with self._connection.transaction():
                        self._connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'".encode())
                        self._connection.execute("SET synchronous_commit = on")
                with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:

                    def execute(sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
                        return cursor.execute(sql.replace("?", "%b").encode(), parameters)

                    yield execute
            except psycopg.Error as error:
                text = " ".join(str(error).split())
                if _is_broken(error):
                    self._disconnect()
                    raise StoreAwayError(
                        f"the inbox's PostgreSQL does not answer: {text}",
                        hint="Check [tracker] store, TRACKER_STORE and the server",
                    ) from error
                if isinstance(error, psycopg.OperationalError):
                    raise StoreAwayError(
                        f"the inbox's PostgreSQL cannot write now: {text}",
                        hint="Check what locks its table, and its disk: SELECT * FROM pg_locks WHERE granted",
                    ) from error
                raise StoreError(
                    f"the inbox's PostgreSQL refused: {text}", hint="See the server's own log"
                ) from error


def _is_broken(error: psycopg.Error) -> bool:
    """Whether the connection failed, and not the statement."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
