"""The log in PostgreSQL: the table's lock orders the writers, no pipeline, no sequence.

Measured with the library's own recorder: large saves hang in pipeline mode, and its database
function loses events for readers that follow positions. Neither is used here; the settings
that would switch them on are refused at start.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from eventsourcing.persistence import Mapper, Transcoder
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from tracker.errors import LogNotWholeError, SettingsError, StoreAwayError, StoreError, TrackerError
from tracker.log.foreign_objects import TABLES, in_postgres
from tracker.log.lock_timeout import lock_timeout_ms
from tracker.log.mapper import EventMapper
from tracker.log.postgres_cleaning import clean_tables
from tracker.log.recorder import IDENTIFYING, LogRecorder, refuse_lost, refuse_newer, schema
from tracker.log.rows import EVENT_COLUMNS, INDEX_COLUMNS, PAYLOAD_COLUMNS
from tracker.settings.store_address import check_address

LOCK_TIMEOUT_SECONDS = 10
_ROWS_TO_COPY = 20
"""From so many rows on COPY takes half the time of an INSERT. It ignores rules: see `_BEGIN`, which looks for them."""
_ROWS_AT_ONCE = 2000
_BYTES_AT_ONCE = 4_000_000
_TYPES = {
    **dict.fromkeys(("position", "originator_version", "recorded_us", "occurred_us"), "bigint"),
    **dict.fromkeys(("originator_id", "decision_id", "topic", "scope", "name", "value"), "text"),
    **dict.fromkeys(("state", "arrival", "salt", "digest", "data"), "bytea"),
}
_REFUSED = {
    "POSTGRES_ENABLE_DB_FUNCTIONS": "its insert function takes no lock, so readers that follow positions lose events",
}

_SCHEMA = (
    *schema("bigint", "text", 'text COLLATE "C"', "bytea"),
    # Without statistics ANALYZE copies no text of events into a catalogue, where a redaction would not find it.
    "ALTER TABLE stored_events ALTER COLUMN state SET STATISTICS 0, ALTER COLUMN arrival SET STATISTICS 0",
    "ALTER TABLE event_payloads ALTER COLUMN data SET STATISTICS 0",
)
_COLUMNS = [
    f"{table}.{column} {_TYPES[column]}"
    for table, columns in (
        ("stored_events", EVENT_COLUMNS),
        ("event_index", INDEX_COLUMNS),
        ("event_payloads", PAYLOAD_COLUMNS),
        ("log_settings", ("name", "value")),
    )
    for column in columns
]
_NOT_WHOLE_HINT = "Keep the database unchanged, and restore a dump under another name"


_OURS = ", ".join(f"'{table}'::regclass" for table in TABLES)
_BEGIN = f"""BEGIN; SET LOCAL lock_timeout = '{{timeout_ms}}ms'; SET LOCAL synchronous_commit = on;
SET CONSTRAINTS ALL IMMEDIATE;
LOCK TABLE stored_events IN EXCLUSIVE MODE; LOCK TABLE {", ".join(TABLES[1:])} IN ROW EXCLUSIVE MODE;
SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgrelid IN ({_OURS}))
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class IN ({_OURS}))
    OR EXISTS (SELECT FROM pg_catalog.pg_class WHERE relkind <> 'r' AND oid IN ({_OURS}))"""
"""Opens a transaction in one message, for each costs a round trip; answers whether anything can act on inserted rows.

The locks keep that answer true until the end. Constraints are immediate: a trigger that waits for the commit would
act after an insert looks for its rows.
"""


class _Transaction:
    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]], *, count_rows: bool = True) -> None:
        self._cursor = cursor
        self._count_rows = count_rows

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._cursor.execute(sql.replace("?", "%s").encode(), list(parameters))
        return self._cursor.fetchall()

    def stored_among(self, column: str, values: Sequence[str]) -> Iterator[str]:
        sql = f"SELECT {column} FROM stored_events WHERE {column} = ANY(%s)".encode()
        # Planned each time: a plan from when the table was small would read all of it.
        self._cursor.execute(sql, [list(values)], prepare=False)
        yield from (row[0] for row in self._cursor.fetchall())

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) >= _ROWS_TO_COPY and not self._count_rows:
            sql = f"COPY {table} ({','.join(columns)}) FROM STDIN (FORMAT BINARY)".encode()
            with self._cursor.copy(sql) as copy:
                copy.set_types([_TYPES[column] for column in columns])
                for row in rows:
                    copy.write_row(row)
            refuse_lost(table, len(rows), self._cursor.rowcount)
            return
        arrays = ",".join(f"%b::{_TYPES[column]}[]" for column in columns)
        sql = f"INSERT INTO {table} ({','.join(columns)}) SELECT * FROM unnest({arrays})".encode()
        names = IDENTIFYING[table]
        at = [columns.index(name) for name in names]
        wanted = ",".join(f"%b::{_TYPES[name]}[]" for name in names)
        count = (
            f"SELECT COUNT(*) FROM unnest({wanted}) AS w ({','.join(names)}) JOIN {table} USING ({','.join(names)})"
        ).encode()
        for batch in _batches(rows):
            arrays_of = [list(column) for column in zip(*batch, strict=True)]
            self._cursor.execute(sql, arrays_of)
            there = self._cursor.rowcount
            if self._count_rows:
                self._cursor.execute(count, [arrays_of[column] for column in at])
                there = self._cursor.fetchall()[0][0]
            refuse_lost(table, len(batch), there)


def _last_result(cursor: psycopg.Cursor[tuple[Any, ...]]) -> psycopg.Cursor[tuple[Any, ...]]:
    """Go to the answer of the last of several statements."""
    while cursor.nextset():
        pass
    return cursor


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
        """Create the schema unless it exists; two processes that start at once do not collide."""
        with _translated(), self.datastore.get_connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            existing = cursor.execute(
                "SELECT to_regclass('log_settings'), to_regclass('stored_events'), "
                "to_regclass('stored_events_decision')"
            ).fetchone()
            assert existing is not None
            settings_table, events_table, events_index = existing
            if settings_table is not None and events_table is not None:
                version = cursor.execute(
                    "SELECT value FROM log_settings WHERE name='schema_version'"
                ).fetchone()
                if version is None:
                    raise LogNotWholeError(
                        "the log is not whole: its table log_settings has no schema_version",
                        hint=_NOT_WHOLE_HINT,
                    )
                refuse_newer(version[0])
                return
            if settings_table is not None or events_table is not None:
                if events_index is not None:
                    raise LogNotWholeError(
                        "the log is not whole: its table log_settings is missing", hint=_NOT_WHOLE_HINT
                    )
                name = "log_settings" if settings_table is not None else "stored_events"
                raise StoreError(
                    f"this PostgreSQL database has a table {name} that is not a tracker log's",
                    hint="Give the tracker a database of its own: createdb tracker",
                )
            with connection.transaction():
                cursor.execute("SELECT pg_advisory_xact_lock(7237387)")
                for statement in _SCHEMA:
                    cursor.execute(statement.encode())

    def foreign_objects(self) -> list[str]:
        with self.reading() as transaction:
            return in_postgres(transaction.rows, _COLUMNS)

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """Open a transaction that sees one state of the database."""
        with _translated(), self.datastore.get_connection() as connection, connection.transaction():
            # Binary: a sixth faster than hexadecimal digits.
            cursor = connection.cursor(row_factory=tuple_row, binary=True)
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield _Transaction(cursor)

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        """Open a transaction that locks the table against other writers."""
        with _translated(), self.datastore.get_connection() as connection:
            cursor = connection.cursor(row_factory=tuple_row)
            try:
                begin = _BEGIN.format(timeout_ms=lock_timeout_ms(LOCK_TIMEOUT_SECONDS))
                count_rows = _last_result(cursor.execute(begin.encode())).fetchall()[0][0]
                yield _Transaction(cursor, count_rows=count_rows)
                ended = _last_result(cursor.execute("NOTIFY stored_events; COMMIT")).statusmessage
            except BaseException:
                with suppress(psycopg.Error):
                    connection.rollback()
                raise
            if ended != "COMMIT":
                raise StoreError(
                    "the store took the transaction back; nothing was recorded",
                    hint="See the server's own log",
                )

    def clean(self) -> list[str]:
        """Rewrite the tables; return what a client cannot clean."""
        with _translated():
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
        recorder = PostgresLogRecorder(self.datastore, url=self._url)
        recorder.create_table()
        return recorder

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        return EventMapper()


def refuse_unsafe_settings() -> None:
    """Refuse settings of the library with which it loses events.

    Raises:
        SettingsError: If the environment switches one of them on.
    """
    for name, why in _REFUSED.items():
        for key in (name, f"TRACKER_{name}"):
            if os.environ.get(key, "").strip().lower() in ("y", "yes", "t", "true", "on", "1"):
                raise SettingsError(f"{key} is switched on: {why}", hint=f"unset {key}")


def probe(url: str) -> None:
    """Connect once, so that an unreachable server is reported at once and in one line.

    Raises:
        SettingsError: If the address cannot be read.
        StoreAwayError: If it does not answer, or rejects the credentials.
    """
    check_address(url)
    with _translated():
        psycopg.connect(url, connect_timeout=5).close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn PostgreSQL's errors into one line."""
    try:
        yield
    except TrackerError:
        raise
    except Exception as error:
        cause = error if isinstance(error, psycopg.Error) else error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        # With several hosts libpq lists all failures again, after the last one.
        text = " ".join(str(cause).split()).partition(" Multiple connection attempts failed")[0]
        if isinstance(cause, psycopg.errors.UniqueViolation):
            raise
        if isinstance(cause, psycopg.errors.LockNotAvailable):
            raise StoreAwayError(
                f"the log has been locked by another program for more than {LOCK_TIMEOUT_SECONDS} s",
                hint="See which program it is: SELECT * FROM pg_locks WHERE granted",
            ) from error
        if isinstance(cause, psycopg.errors.DiskFull):
            raise StoreAwayError(
                "PostgreSQL's disk is full; nothing was recorded",
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
                hint=_NOT_WHOLE_HINT,
            ) from error
        pooled = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)
        if isinstance(cause, pooled):
            raise StoreError(
                f"the store lost its session: {text}",
                hint="A pooler in transaction mode is in between: connect to the server itself, or use session mode",
            ) from error
        raise StoreError(f"the store refused: {text}", hint="See the server's own log") from error
