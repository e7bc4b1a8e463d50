"""The log in PostgreSQL: the table's lock orders the writers, no pipeline, no sequence.

Read in the library's own recorder and measured before this was written: large saves hang
in pipeline mode, and its database function loses events for readers that follow positions.
Neither is used here; the settings that would switch them on are refused at start.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import Mapper, Transcoder
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from tracker.errors import LogNotWholeError, SettingsError, StoreAwayError, StoreError, TrackerError
from tracker.log.lock_timeout import patience_ms
from tracker.log.mapper import EventMapper
from tracker.log.postgres_cleaning import clean_tables
from tracker.log.recorder import SCHEMA_VERSION, LogRecorder, refuse_newer

LOCK_TIMEOUT_SECONDS = 10
_ROWS_AT_ONCE = 2000
_BYTES_AT_ONCE = 4_000_000
_TYPES = {
    "position": "bigint",
    "originator_id": "text",
    "originator_version": "bigint",
    "decision_id": "text",
    "topic": "text",
    "recorded_us": "bigint",
    "state": "bytea",
    "arrival": "bytea",
    "salt": "bytea",
    "digest": "bytea",
    "scope": "text",
    "occurred_us": "bigint",
    "data": "bytea",
    "name": "text",
    "value": "text",
}
_REFUSED = {
    "POSTGRES_ENABLE_DB_FUNCTIONS": "its insert function takes no lock, so readers that follow positions lose events",
}

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS stored_events (
        position bigint PRIMARY KEY,
        originator_id text COLLATE "C" NOT NULL,
        originator_version bigint NOT NULL,
        decision_id text COLLATE "C",
        topic text NOT NULL,
        recorded_us bigint NOT NULL,
        state bytea,
        arrival bytea NOT NULL,
        salt bytea,
        digest bytea NOT NULL)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS stored_events_stream ON stored_events (originator_id, originator_version)",
    """CREATE UNIQUE INDEX IF NOT EXISTS stored_events_decision ON stored_events (decision_id)
        WHERE decision_id IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS event_index (
        scope text COLLATE "C" NOT NULL,
        occurred_us bigint NOT NULL,
        position bigint NOT NULL,
        PRIMARY KEY (scope, occurred_us, position))""",
    "CREATE TABLE IF NOT EXISTS event_payloads (position bigint PRIMARY KEY, data bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_settings (name text PRIMARY KEY, value text NOT NULL)",
    f"INSERT INTO log_settings VALUES ('schema_version', '{SCHEMA_VERSION}') ON CONFLICT DO NOTHING",
    # No ANALYZE keeps samples of what events say in a catalogue, where a redaction would not find them.
    "ALTER TABLE stored_events ALTER COLUMN state SET STATISTICS 0, ALTER COLUMN arrival SET STATISTICS 0",
    "ALTER TABLE event_payloads ALTER COLUMN data SET STATISTICS 0",
)


class _Transaction:
    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self._cursor = cursor

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql.replace("?", "%s").encode(), list(parameters))
        return self._cursor.fetchall()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        arrays = ",".join(f"%b::{_TYPES[column]}[]" for column in columns)
        sql = f"INSERT INTO {table} ({','.join(columns)}) SELECT * FROM unnest({arrays})".encode()
        for batch in _batches(rows):
            self._cursor.execute(sql, [list(column) for column in zip(*batch, strict=True)])


def _batches(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Cut rows into statements of bounded size: a row of samples may hold a megabyte."""
    batch: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(batch) >= _ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class PostgresLogRecorder(LogRecorder, PostgresApplicationRecorder):
    """The log's tables in PostgreSQL."""

    def __init__(
        self, datastore: PostgresDatastore, *, url: str = "", events_table_name: str = "stored_events"
    ) -> None:
        PostgresApplicationRecorder.__init__(self, datastore, events_table_name=events_table_name)
        self._url = url

    def create_table(self) -> None:
        """Create the schema unless it is there; two that start at once do not collide."""
        with _named(), self.datastore.get_connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            found = cursor.execute(
                "SELECT to_regclass('log_settings'), to_regclass('stored_events'), "
                "to_regclass('stored_events_decision')"
            ).fetchone()
            assert found is not None
            if found[0] is not None and found[1] is not None:
                version = cursor.execute(
                    "SELECT value FROM log_settings WHERE name='schema_version'"
                ).fetchone()
                if version is None:
                    raise LogNotWholeError(
                        "the log is not whole: its log_settings do not name the version of its tables",
                        hint="Keep the database as it is, and restore a dump from before beside it",
                    )
                refuse_newer(version[0])
                return
            if found[0] is not None or found[1] is not None:
                if found[2] is not None:
                    raise LogNotWholeError(
                        "the log is not whole: its table log_settings is missing",
                        hint="Keep the database as it is, and restore a dump from before beside it",
                    )
                name = "log_settings" if found[0] is not None else "stored_events"
                raise StoreError(
                    f"this PostgreSQL database holds a table {name} that is not a tracker log's",
                    hint="Give the tracker a database of its own: createdb tracker",
                )
            with connection.transaction():
                cursor.execute("SELECT pg_advisory_xact_lock(7237387)")
                for statement in _SCHEMA:
                    cursor.execute(statement.encode())

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """Open a transaction that sees one state of the database."""
        with _named(), self.datastore.get_connection() as connection, connection.transaction():
            # Bytes come as they are, not as hexadecimal digits: a sixth faster.
            cursor = connection.cursor(row_factory=tuple_row, binary=True)
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield _Transaction(cursor)

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        """Open a transaction that holds the table against other writers."""
        with _named(), self.datastore.get_connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=tuple_row)
            cursor.execute(f"SET LOCAL lock_timeout = '{patience_ms(LOCK_TIMEOUT_SECONDS)}ms'".encode())
            cursor.execute("SET LOCAL synchronous_commit = on")
            cursor.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            yield _Transaction(cursor)
            cursor.execute("NOTIFY stored_events")

    def clean(self) -> list[str]:
        """Write the tables anew; what is beyond a client's reach is returned, to be said."""
        with _named():
            return clean_tables(self._url)


class PostgresLogFactory(PostgresFactory):
    """Builds the library's parts for a log in PostgreSQL."""

    def __init__(self, env: Environment) -> None:
        refuse_unsafe_settings()
        url = self._url = env["STORE_URL"]
        super().__init__(env)
        self.datastore.pool.kwargs = {
            **conninfo_to_dict(url),
            "row_factory": psycopg.rows.dict_row,
            "connect_timeout": 5,
            "application_name": "tracker",
        }

    def application_recorder(self) -> Any:
        """Return our recorder, with its schema in place."""
        recorder = PostgresLogRecorder(self.datastore, url=self._url)
        recorder.create_table()
        return recorder

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        """Events map themselves."""
        return EventMapper()


def refuse_unsafe_settings() -> None:
    """Refuse the library's settings under which it loses events.

    Raises:
        SettingsError: If the environment switches one of them on.
    """
    for name, why in _REFUSED.items():
        for key in (name, f"TRACKER_{name}"):
            if os.environ.get(key, "").strip().lower() in ("y", "yes", "t", "true", "on", "1"):
                raise SettingsError(f"{key} is switched on: {why}", hint=f"unset {key}")


def probe(url: str) -> None:
    """Connect once, so that a server that is away is said in a line and at once.

    Raises:
        StoreAwayError: If it does not answer, or does not let us in.
    """
    with _named():
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.ProgrammingError as wrong:
            raise SettingsError(
                f"the store's URL cannot be read: {str(wrong).strip()}",
                hint='Write it as store = "postgresql://user@host/database"',
            ) from wrong


@contextmanager
def _named() -> Iterator[None]:
    """Turn what PostgreSQL says into one line."""
    try:
        yield
    except TrackerError:
        raise
    except Exception as error:
        cause = error if isinstance(error, psycopg.Error) else error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        text = " ".join(str(cause).split())
        if isinstance(cause, psycopg.errors.UniqueViolation):
            raise
        if isinstance(cause, psycopg.errors.LockNotAvailable):
            raise StoreAwayError(
                f"the log is locked by another program for more than {LOCK_TIMEOUT_SECONDS} s",
                hint="See who holds it: SELECT * FROM pg_locks WHERE granted",
            ) from error
        if isinstance(cause, psycopg.errors.DiskFull):
            raise StoreAwayError(
                "PostgreSQL's disk is full; nothing of this was recorded",
                hint="Free some space there, then type the same again",
            ) from error
        if isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError)):
            raise StoreAwayError(
                f"the store does not answer: {text}",
                hint="Check [tracker] store, TRACKER_STORE and the server",
            ) from error
        if isinstance(cause, psycopg.errors.UndefinedTable):
            raise LogNotWholeError(
                f"the log is not whole: {text.partition(' LINE ')[0]}",
                hint="Keep the database as it is, and restore a dump from before beside it",
            ) from error
        raise StoreError(f"the store refused: {text}", hint="Look into the server's own log") from error
