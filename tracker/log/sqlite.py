"""The log in one SQLite file: write-ahead log, synchronous=FULL, one writer at a time."""

import os
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from tracker.log.mapper import EventMapper
from tracker.log.patience import patience_ms
from tracker.log.recorder import SCHEMA_VERSION, LogRecorder, refuse_newer

APPLICATION_ID = 0x7472636B
"""Written into the file's header: "trck"."""

LOCK_TIMEOUT_SECONDS = 10
_SPACE_NEEDED_BYTES = 64 * 1024
"""The shared memory beside the file takes 32 KiB at least, and the first write as much again."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS stored_events (
        position INTEGER PRIMARY KEY,
        originator_id TEXT NOT NULL,
        originator_version INTEGER NOT NULL,
        decision_id TEXT,
        topic TEXT NOT NULL,
        recorded_us INTEGER NOT NULL,
        state BLOB,
        arrival BLOB NOT NULL,
        salt BLOB,
        digest BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS stored_events_stream ON stored_events (originator_id, originator_version)",
    """CREATE UNIQUE INDEX IF NOT EXISTS stored_events_decision ON stored_events (decision_id)
        WHERE decision_id IS NOT NULL""",
    """CREATE TABLE IF NOT EXISTS event_index (
        scope TEXT NOT NULL,
        occurred_us INTEGER NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (scope, occurred_us, position)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS event_payloads (position INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS log_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    f"INSERT OR IGNORE INTO log_settings VALUES ('schema_version', '{SCHEMA_VERSION}')",
    f"PRAGMA application_id={APPLICATION_ID}",
)


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
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

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ",".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows)


# The library types max_notification_id() of an empty SQLite file as int; it gives None there too.
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
        with _named(path), self.datastore.get_connection(commit=True) as connection:
            raw = connection._sqlite_conn
            if raw.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
                found = raw.execute("SELECT value FROM log_settings WHERE name='schema_version'").fetchone()
                if found is None:
                    raise LogNotWholeError(
                        f"{path} is not whole: its log_settings do not name the version of its tables",
                        hint="Keep this file as it is, and put a copy from before beside it",
                    )
                refuse_newer(found[0])
                return
            raw.execute("BEGIN IMMEDIATE")
            try:
                for statement in _SCHEMA:
                    raw.execute(statement)
                raw.execute("COMMIT")
            except BaseException:
                raw.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[_Transaction]:
        """Open a transaction that sees one state of the file."""
        with _named(self.datastore.pool.db_name), self.datastore.get_connection(commit=False) as connection:
            raw = connection._sqlite_conn
            raw.execute("BEGIN")
            try:
                yield _Transaction(raw)
            finally:
                raw.rollback()

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        """Open a transaction that holds the file's write lock."""
        with _named(self.datastore.pool.db_name), self.datastore.get_connection(commit=True) as connection:
            raw = connection._sqlite_conn
            raw.execute(f"PRAGMA busy_timeout={patience_ms(LOCK_TIMEOUT_SECONDS)}")
            raw.execute("BEGIN IMMEDIATE")
            try:
                yield _Transaction(raw)
                raw.commit()
            except BaseException:
                raw.rollback()
                raise


class SQLiteLogFactory(SQLiteFactory):
    """Builds the library's parts for a log in a file."""

    application_recorder_class = SQLiteLogRecorder

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        name = env["SQLITE_DBNAME"]
        self.datastore.pool = _Pool(db_name=name, lock_timeout=LOCK_TIMEOUT_SECONDS)

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        """Events map themselves."""
        return EventMapper()


_open_here: Counter[str] = Counter()
_looking = threading.RLock()
# Of one thread, too: the collector may close a log at any moment.


def begin(path: str) -> None:
    """Look at a file before opening it as a log, unless this process has it open; `end` it afterwards.

    The system lets go of all locks that a process has on a file as soon as it closes the file
    once, whoever in it did. SQLite knows that of itself, not of us: after a look at a log that
    is open here, the next program to close it would take its write-ahead log away under us.

    Raises:
        StoreError: If it is no SQLite file, or somebody else's.
    """
    name = os.path.realpath(path)
    with _looking:
        if not _open_here[name]:
            _refuse_foreign(Path(path))
        _open_here[name] += 1


def end(path: str) -> None:
    """Say that this log is closed."""
    with _looking:
        _open_here[os.path.realpath(path)] -= 1


def _refuse_foreign(path: Path) -> None:
    """Refuse what is no SQLite file, or somebody else's; an empty or missing one is fine."""
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist", hint=f"mkdir -p {path.parent}")
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a log", hint="Name a file: --store tracker.db")
    if not path.exists() or path.stat().st_size == 0:
        return
    other = "Name another file with --store FILE or [tracker] store in tracker.toml"
    with path.open("rb") as file:
        head = file.read(72)
    if head[:16] != b"SQLite format 3\0":
        raise StoreError(f"{path} is not a tracker log: it is no SQLite file", hint=other)
    if int.from_bytes(head[68:72]) != APPLICATION_ID:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            mine = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            empty = not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as broken:
            raise StoreError(f"{path} cannot be read as a log: {broken}", hint=other) from broken
        finally:
            connection.close()
        if not (mine or empty):
            raise StoreError(f"{path} is an SQLite file of another program, not a tracker log", hint=other)


def _without_space(path: str) -> bool:
    try:
        return shutil.disk_usage(Path(path).parent).free < _SPACE_NEEDED_BYTES
    except OSError:
        return False


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Turn what SQLite says into one line that names the file."""
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
                f"{path} is locked by another program for more than {LOCK_TIMEOUT_SECONDS} s",
                hint=f"See who holds it with: fuser {path}",
            ) from error
        # On a file system without a free byte, SQLite cannot make its shared memory: that is an I/O error.
        if "full" in text or ("disk I/O error" in text and _without_space(path)):
            raise StoreAwayError(
                f"{path}: the disk is full; nothing of this was recorded",
                hint=f"Free some space (df -h {Path(path).parent}), then type the same again",
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise StoreAwayError(
                f"{path} cannot be written: {text}",
                hint=f"Check its permissions: ls -ld {Path(path).parent} {path}",
            ) from error
        if text.startswith("no such table: "):
            raise LogNotWholeError(
                f"{path} is not whole: its table {text.removeprefix('no such table: ')} is missing",
                hint="Keep this file as it is, and put a copy from before beside it",
            ) from error
        raise StoreError(
            f"{path} cannot be used as a log: {text}",
            hint="Keep this file as it is, and put a copy from before beside it",
        ) from error
