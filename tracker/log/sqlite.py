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
from tracker.log.lock_timeout import patience_ms
from tracker.log.mapper import EventMapper
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

    def clean(self) -> list[str]:
        """Write the file anew, so that nothing that was removed is left in unused parts of it, nor beside it.

        Other programs may have it open; what they are reading just now is waited for.
        """
        path = self.datastore.pool.db_name
        with (
            _named(path, "The redaction stands; type the same again to clean the files"),
            closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None)) as connection,
        ):
            clean_file(connection)
        return []


def clean_file(connection: sqlite3.Connection, patience_seconds: float = LOCK_TIMEOUT_SECONDS) -> None:
    """Rebuild a database in write-ahead mode, and empty its write-ahead log into it.

    Raises:
        sqlite3.OperationalError: If somebody else's transaction is in the way for so long.
    """
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("VACUUM")
    give_up = time.monotonic() + patience_seconds
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
        self.datastore.pool = _Pool(db_name=name, lock_timeout=LOCK_TIMEOUT_SECONDS)

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: Any = None) -> Mapper[Any]:
        """Events map themselves."""
        return EventMapper()


def refuse_foreign(path: Path) -> None:
    """Look at a file before opening it as a log; an empty or missing one is fine.

    Only SQLite itself may open it. Whoever closes a file lets go of all locks that his process
    has on it: another program that ends then takes itself for the last one, deletes the
    write-ahead log, and what this process appends is in no file any more.

    Raises:
        StoreError: If it is no SQLite file, or somebody else's.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist", hint=f"mkdir -p {path.parent}")
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a log", hint="Name a file: --store tracker.db")
    if not path.exists() or path.stat().st_size == 0:
        return
    other = "Name another file with --store FILE or [tracker] store in tracker.toml"
    with _named(str(path)), closing(_looking_at(path)) as connection:
        try:
            mine = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            empty = mine or not connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as broken:
            if "not a database" in str(broken):
                raise StoreError(f"{path} is not a tracker log: it is no SQLite file", hint=other) from broken
            raise StoreError(f"{path} cannot be read as a log: {broken}", hint=other) from broken
    if not (mine or empty):
        raise StoreError(f"{path} is an SQLite file of another program, not a tracker log", hint=other)


def _looking_at(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=LOCK_TIMEOUT_SECONDS)


def _without_space(path: str) -> bool:
    try:
        return shutil.disk_usage(Path(path).parent).free < _SPACE_NEEDED_BYTES
    except OSError:
        return False


@contextmanager
def _named(path: str, stands: str | None = None) -> Iterator[None]:
    """Turn what SQLite says into one line that names the file; `stands` says what was done all the same."""
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
                hint=f"{stands}; see who holds it with: fuser {path}"
                if stands
                else f"See who holds it with: fuser {path}",
            ) from error
        # On a file system without a free byte, SQLite cannot make its shared memory: that is an I/O error.
        if "full" in text or ("disk I/O error" in text and _without_space(path)):
            raise StoreAwayError(
                f"{path}: the disk is full" + ("" if stands else "; nothing of this was recorded"),
                hint=f"Free some space (df -h {Path(path).parent}), then type the same again"
                + (": the redaction stands, and the file is written anew for it" if stands else ""),
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
