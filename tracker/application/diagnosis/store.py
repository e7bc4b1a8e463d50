"""The log's store: there, ours, writable, not held by anybody, whole. Nothing is made and nothing appended."""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tracker.application import told_heads
from tracker.application.diagnosis.examination import Examination
from tracker.application.foreign_objects import foreign_objects
from tracker.errors import LogNotWholeError, StoreAwayError, StoreError, TrackerError
from tracker.events.housekeeping import LogSealed
from tracker.ingest.findings import Finding, broken, ok, warning
from tracker.log import Log
from tracker.log.foreign_objects import not_ours
from tracker.log.private_files import readable_by_others
from tracker.log.sqlite import refuse_foreign
from tracker.settings.store_address import SCHEMES, shown_address
from tracker.text.shell import command, word

#: A longer log takes more than a moment to prove.
PROVEN_AT_ONCE = 20_000
LOCK_SECONDS = 2


def check(examination: Examination) -> Iterator[Finding]:
    """Look at it."""
    store = examination.settings.store
    on_server = store.startswith(SCHEMES)
    try:
        there = _server_has_a_log(store) if on_server else _file_has_a_log(Path(store))
        if not there:
            where = "this database" if on_server else store
            yield ok("store", f"{where} holds no log yet; the first thing recorded makes it")
            return
        yield from _read(store)
        if not on_server:
            yield from _readable_by_others(Path(store))
        if on_server:
            _write_lock_of_server(store)
        else:
            _write_lock_of_file(store)
    except TrackerError as trouble:
        yield broken("store", trouble)


def _read(store: str) -> Iterator[Finding]:
    with Log(store) as log:
        if told := told_heads.lost(log, store):
            yield warning("store", *told_heads.described(told, store))
        position = log.position
        shown = shown_address(store)
        if foreign := foreign_objects(log):
            raise LogNotWholeError(
                not_ours(foreign), hint="Ask who made it and when, and drop it; see: tracker verify"
            )
        if position <= PROVEN_AT_ONCE:
            found = log.verify()
            if found.first_problem is not None:
                raise LogNotWholeError(
                    f"the log is not whole: position {found.first_problem.position}: {found.first_problem.what}",
                    hint="Keep it as it is, and put a copy from before beside it; see: tracker verify",
                )
            yield ok("store", f"{shown} is whole: {found.events} events, {found.unsealed} not sealed yet")
            return
        seal = log.latest("seals")
        through = seal.event.through if seal and isinstance(seal.event, LogSealed) else 0
        yield ok(
            "store",
            f"{shown} is at position {position}, sealed through {through}; prove that it is whole: tracker verify",
        )
        if position - through > 5_000:
            yield warning("store", f"{position - through} events are not sealed yet", "tracker verify")


def _readable_by_others(path: Path) -> Iterator[Finding]:
    """Warn of files with raw payloads that others may read: those of an earlier version, or copies."""
    beside = [
        path,
        *(Path(f"{path}{suffix}") for suffix in ("-wal", "-shm", ".inbox", ".inbox-wal", ".inbox-shm")),
    ]
    open_ones = [file for file in beside if readable_by_others(file)]
    if open_ones:
        names = ", ".join(file.name for file in open_ones)
        yield warning("store", f"other users may read {names}", command("chmod", "go-rwx", *open_ones))


# ── a file ───────────────────────────────────────────────────────────────────


def _file_has_a_log(path: Path) -> bool:
    hint = f"ls -ld {word(path.parent)} {word(path)}"
    try:
        refuse_foreign(path)
        there = path.exists() and path.stat().st_size > 0
    except OSError as wrong:
        raise StoreError(f"{path} cannot be read: {wrong.strerror}", hint=hint) from wrong
    except sqlite3.Error as wrong:
        raise StoreError(f"{path} cannot be read: {wrong}", hint=hint) from wrong
    # SQLite writes beside the file, too.
    for each in (path, path.parent) if there else (path.parent,):
        if not os.access(each, os.W_OK):
            raise StoreError(f"{each} cannot be written by us", hint=hint)
    return there


def _write_lock_of_file(store: str) -> None:
    connection = sqlite3.connect(
        f"file:{Path(store).as_posix().replace('?', '%3f').replace('#', '%23')}?mode=rw",
        uri=True,
        timeout=LOCK_SECONDS,
        isolation_level=None,
    )
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.Error as held:
        if "locked" not in str(held):
            raise StoreError(f"{store} cannot be written: {held}", hint=f"ls -l {word(store)}*") from held
        raise StoreAwayError(
            f"{store} is locked by another program for more than {LOCK_SECONDS} s",
            hint=f"See who holds it: fuser -v {word(store)}",
        ) from held
    finally:
        connection.close()


# ── a server ─────────────────────────────────────────────────────────────────


def _server_has_a_log(store: str) -> bool:
    import psycopg

    with _connected(store) as connection:
        found = connection.execute(
            "SELECT to_regclass('log_settings') IS NOT NULL, has_schema_privilege(current_schema(), 'CREATE'),"
            " current_setting('transaction_read_only'), current_user"
        ).fetchone()
        assert found is not None
        there, may_create, read_only, user = found
        if read_only == "on":
            raise StoreError(
                "the database takes no writes: it is a standby, or read only",
                hint="Name the primary in [tracker] store",
            )
        try:
            may = (
                there
                and connection.execute("SELECT has_table_privilege('stored_events', 'INSERT')").fetchone()
            )
        except psycopg.errors.UndefinedTable:
            may = (True,)  # the log says better what is missing
        if there and may and not may[0]:
            raise StoreError(
                f"{user} may not write the log",
                hint=f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {_identifier(user)}",
            )
        if not there and not may_create:
            raise StoreError(
                f"{user} may not make the log's tables",
                hint=f"GRANT CREATE ON SCHEMA public TO {_identifier(user)}",
            )
        return bool(there)


def _identifier(name: str) -> str:
    """Quote a name for SQL, unless it stands for itself."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _write_lock_of_server(store: str) -> None:
    import psycopg

    with _connected(store) as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
        except psycopg.errors.LockNotAvailable as held:
            raise StoreAwayError(
                f"the log is locked by another program for more than {LOCK_SECONDS} s",
                hint="See who holds it: SELECT * FROM pg_locks WHERE granted",
            ) from held


def _connected(store: str):  # type: ignore[no-untyped-def]
    import psycopg

    try:
        return psycopg.connect(store, connect_timeout=3, autocommit=True)
    except psycopg.Error as away:
        raise StoreAwayError(
            f"the store does not answer: {' '.join(str(away).split())}",
            hint="Check [tracker] store, TRACKER_STORE and the server",
        ) from away
