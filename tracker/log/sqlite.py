"""The log in one SQLite file: write-ahead log, synchronous=FULL, one writer at a time."""

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import Mapper, Transcoder
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteDatastore,
    SQLiteFactory,
)
from eventsourcing.utils import Environment

from tracker.errors import LogNotWholeError, StoreAwayError, StoreError, TrackerError
from tracker.log.foreign_objects import in_sqlite
from tracker.log.lock_timeout import lock_timeout_ms, until_unlocked
from tracker.log.mapper import EventMapper
from tracker.log.private_files import create_private
from tracker.log.recorder import IDENTIFYING, LogRecorder, chunks, refuse_lost, refuse_newer, schema
from tracker.text.shell import word

APPLICATION_ID = 0x7472636B
"""Written into the file's header: "trck"."""

LOCK_TIMEOUT_SECONDS = 10
_SPACE_NEEDED_BYTES = 64 * 1024
"""SQLite's shared memory file takes at least 32 KiB, and the first write as much again."""

_SCHEMA = (
    *schema("INTEGER", "TEXT", "TEXT", "BLOB", " WITHOUT ROWID"),
    f"PRAGMA application_id={APPLICATION_ID}",
)
_NOT_WHOLE_HINT = "Keep this file unchanged, and restore a backup under another name"


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = until_unlocked(super()._create_connection, LOCK_TIMEOUT_SECONDS)
        raw = connection._sqlite_conn
        raw.row_factory = None
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("PRAGMA cache_size=-65536")
        raw.execute("PRAGMA temp_store=MEMORY")
        return connection


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def stored_among(self, column: str, values: Sequence[str]) -> Iterator[str]:
        for chunk in chunks(values):
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT {column} FROM stored_events WHERE {column} IN ({marks})"
            yield from (row[0] for row in self.rows(sql, chunk))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ",".join("?" * len(columns))
        before = self._connection.total_changes
        self._connection.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows)
        there = self._connection.total_changes - before
        # What a trigger did counts as a change too, so that only looking for the rows tells whether they are there.
        if there != len(rows) or self.rows("SELECT 1 FROM sqlite_master WHERE type='trigger' LIMIT 1"):
            there = sum(self._count(table, columns, chunk) for chunk in chunks(rows, 300))
        refuse_lost(table, len(rows), there)

    def _count(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> int:
        """Count which of these rows are in the table."""
        names = IDENTIFYING[table]
        at = [columns.index(name) for name in names]
        marks = ",".join([f"({','.join('?' * len(at))})"] * len(rows))
        [count] = self._connection.execute(
            f"WITH w ({','.join(names)}) AS (VALUES {marks}) SELECT COUNT(*) FROM w JOIN {table} USING ({','.join(names)})",
            [row[column] for row in rows for column in at],
        ).fetchone()
        return int(count)


# The library types max_notification_id() of an empty SQLite file as int; it returns None there too.
class SQLiteLogRecorder(LogRecorder, SQLiteApplicationRecorder):  # type: ignore[misc]
    """The log's tables in SQLite."""

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "stored_events") -> None:
        SQLiteApplicationRecorder.__init__(self, datastore, events_table_name)

    def construct_create_table_statements(self) -> list[str]:
        """Return the schema; tables are only ever added."""
        return list(_SCHEMA)

    def create_table(self) -> None:
        """Create the schema unless the file has it; opening an existing log writes nothing."""
        path = self.datastore.pool.db_name
        with _translated(path), self.datastore.get_connection(commit=True) as connection:
            raw = connection._sqlite_conn
            if raw.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
                version = raw.execute("SELECT value FROM log_settings WHERE name='schema_version'").fetchone()
                if version is None:
                    raise LogNotWholeError(
                        f"{path} is not whole: its table log_settings has no schema_version",
                        hint=_NOT_WHOLE_HINT,
                    )
                refuse_newer(version[0])
                return
            raw.execute("BEGIN IMMEDIATE")
            try:
                for statement in _SCHEMA:
                    raw.execute(statement)
                raw.execute("COMMIT")
            except BaseException:
                raw.execute("ROLLBACK")
                raise

    def foreign_objects(self) -> list[str]:
        with self.reading() as transaction:
            return in_sqlite(transaction.rows, _SCHEMA)

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """Open a transaction that sees one state of the file."""
        path = self.datastore.pool.db_name
        with _translated(path), self.datastore.get_connection(commit=False) as connection:
            raw = connection._sqlite_conn
            raw.execute("BEGIN")
            try:
                yield _Transaction(raw)
            finally:
                raw.rollback()

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        """Open a transaction that holds the file's write lock."""
        path = self.datastore.pool.db_name
        with _translated(path), self.datastore.get_connection(commit=True) as connection:
            raw = connection._sqlite_conn
            raw.execute(f"PRAGMA busy_timeout={lock_timeout_ms(LOCK_TIMEOUT_SECONDS)}")
            raw.execute("BEGIN IMMEDIATE")
            try:
                yield _Transaction(raw)
                raw.commit()
            except BaseException:
                raw.rollback()
                raise

    def clean(self) -> list[str]:
        """Rewrite the file and truncate its write-ahead log, so that neither holds removed text in unused parts.

        Other programs may have the file open; their current reads are waited for.
        """
        path = self.datastore.pool.db_name
        with (
            _translated(path, done="The redaction is recorded; type the same again to clean the files"),
            closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None)) as connection,
        ):
            clean_file(connection)
        return []


def clean_file(connection: sqlite3.Connection, timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
    """Rebuild a database in write-ahead mode, and empty its write-ahead log into it.

    Raises:
        sqlite3.OperationalError: If another program's transaction blocks it for that long.
    """
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("VACUUM")
    give_up = time.monotonic() + timeout_seconds
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > give_up:
            raise sqlite3.OperationalError("database is locked: another program reads an older state of it")
        time.sleep(0.05)


class SQLiteLogFactory(SQLiteFactory):
    """Builds the library's parts for a log in a file."""

    application_recorder_class = SQLiteLogRecorder

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        name = env["SQLITE_DBNAME"]
        create_private(name)
        self.datastore.pool = _Pool(db_name=name, lock_timeout=LOCK_TIMEOUT_SECONDS)

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        return EventMapper()


def refuse_foreign(path: Path) -> None:
    """Inspect a file before opening it as a log; an empty or missing one is fine.

    Only SQLite itself may open it. Closing a file releases all locks that the process has on
    it: another program that exits then believes it is the last one, deletes the
    write-ahead log, and what this process appends is lost.

    Raises:
        StoreError: If it is not a SQLite file, or another program's.
    """
    if not path.parent.is_dir():
        raise StoreError(
            f"{path}: the folder {path.parent} does not exist", hint=f"mkdir -p {word(path.parent)}"
        )
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a log", hint="Name a file: --store tracker.db")
    if not path.exists() or path.stat().st_size == 0:
        return
    other = "Name another file with --store FILE or [tracker] store in tracker.toml"
    with _translated(str(path)), closing(_open_read_only(path)) as connection:
        try:
            mine = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            empty = mine or not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as broken:
            if "not a database" in str(broken):
                raise StoreError(
                    f"{path} is not a tracker log: it is not a SQLite file", hint=other
                ) from broken
            raise StoreError(f"{path} cannot be read as a log: {broken}", hint=other) from broken
    if not (mine or empty):
        raise StoreError(f"{path} is a SQLite file of another program, not a tracker log", hint=other)


def _open_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_TIMEOUT_SECONDS)


def _is_disk_full(path: str) -> bool:
    try:
        return shutil.disk_usage(Path(path).parent).free < _SPACE_NEEDED_BYTES
    except OSError:
        return False


@contextmanager
def _translated(path: str, *, done: str = "") -> Iterator[None]:
    """Turn SQLite's errors into one line that names the file; `done` says what was recorded before the error."""
    try:
        yield
    except TrackerError:
        raise
    except Exception as error:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        if not isinstance(cause, sqlite3.Error):
            raise
        text = str(cause)
        if "locked" in text or "busy" in text:
            raise StoreAwayError(
                f"{path} has been locked by another program for more than {LOCK_TIMEOUT_SECONDS} s",
                hint=f"{done + '; see' if done else 'See'} which program it is with: fuser {word(path)}",
            ) from error
        # On a full file system SQLite cannot create its shared memory: that is an I/O error.
        if "full" in text or ("disk I/O error" in text and _is_disk_full(path)):
            raise StoreAwayError(
                f"{path}: the disk is full" + ("" if done else "; nothing was recorded"),
                hint=f"Free some space (df -h {word(Path(path).parent)}), then type the same again"
                + (": the redaction is recorded, only the file is still to be rewritten" if done else ""),
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise StoreAwayError(
                f"{path} cannot be written: {text}",
                hint=f"Check its permissions: ls -ld {word(Path(path).parent)} {word(path)}",
            ) from error
        if text.startswith("no such table: "):
            raise LogNotWholeError(
                f"{path} is not whole: its table {text.removeprefix('no such table: ')} is missing",
                hint=_NOT_WHOLE_HINT,
            ) from error
        raise StoreError(f"{path} cannot be used as a log: {text}", hint=_NOT_WHOLE_HINT) from error
