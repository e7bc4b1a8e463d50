"""The inbox in a SQLite file of its own, so that no report and no import of the log's delays an answer."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tracker.errors import StoreAwayError, StoreError
from tracker.inbox.queue import Execute, Inbox, refuse_lost
from tracker.log.foreign_objects import in_sqlite
from tracker.log.lock_timeout import until_unlocked
from tracker.log.private_files import create_private
from tracker.log.sqlite import clean_file
from tracker.text.shell import word

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
_LANE = "ALTER TABLE deliveries ADD COLUMN lane INTEGER NOT NULL DEFAULT 0"
_WAITING = "CREATE INDEX deliveries_waiting ON deliveries (lane, number) WHERE parked IS NULL"


class SqliteInbox(Inbox):
    """The inbox in a file; threads and processes may share it."""

    table = "deliveries"

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        folder = Path(path).parent
        if not folder.is_dir():
            raise StoreError(f"{path}: the folder {folder} does not exist", hint=f"mkdir -p {word(folder)}")
        create_private(path)
        with self._translated():
            self._connection = sqlite3.connect(
                path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
            )
            until_unlocked(
                lambda: self._connection.execute("PRAGMA journal_mode=WAL"), seconds=LOCK_TIMEOUT_SECONDS
            )
            self._connection.execute("PRAGMA synchronous=FULL")
        with self._transaction() as execute:
            execute(_SCHEMA)
            if "lane" not in {row[1] for row in execute("PRAGMA table_info(deliveries)").fetchall()}:
                execute(_LANE)
                execute(_WAITING)

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._transaction() as execute:
            last = execute(
                "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name='deliveries'"
            ).fetchall()
            self._connection.executemany(
                "INSERT INTO deliveries (route, source, key, received_us, headers, body, lane) VALUES (?,?,?,?,?,?,?)",
                rows,
            )
            there = execute("SELECT COUNT(*) FROM deliveries WHERE number>?", last[0]).fetchall()
            refuse_lost(len(rows), there[0][0])

    def clean(self) -> None:
        with self._lock, self._translated():
            clean_file(self._connection)

    def foreign_objects(self) -> list[str]:
        with self._lock, self._translated():
            names = in_sqlite(
                lambda sql: self._connection.execute(sql).fetchall(), [_SCHEMA, _WAITING], may_grow=True
            )
        return [f"{name} in {self.path}" for name in names]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self, *, writes: bool = True) -> Iterator[Execute]:
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn SQLite's errors into one line that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            passes = any(word in str(error) for word in ("locked", "busy", "full", "I/O"))
            raise (StoreAwayError if passes else StoreError)(
                f"the inbox {self.path} cannot be used: {error}",
                hint=f"df -h {word(Path(self.path).parent)}; fuser {word(self.path)}; ls -l {word(self.path)}",
            ) from error
