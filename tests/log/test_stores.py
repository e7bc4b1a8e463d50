"""A store that is no good is told in a line with what to do; nothing of a feed is half there."""

import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests.builders import at, deploy, error, one_of_each, streams
from tracker.errors import SettingsError, StoreAwayError, StoreError, TrackerError
from tracker.events.base import Incoming
from tracker.log import Log

FACTS = streams(one_of_each())


@contextlib.contextmanager
def refused(kind, said):
    """Expect one line of this kind with a hint."""
    with pytest.raises(TrackerError, match=said) as found:
        yield
    assert type(found.value) is kind
    assert "\n" not in found.value.message
    assert found.value.hint


def raw(url):
    """The store's tables, past the log: a function that runs statements in one transaction."""

    def run(*statements):
        answer = []
        if "://" in url:
            with psycopg.connect(url) as connection:
                for statement in statements:
                    cursor = connection.execute(statement.encode())
                    answer = cursor.fetchall() if cursor.description else []
        else:
            connection = sqlite3.connect(url)
            with contextlib.closing(connection), connection:
                for statement in statements:
                    answer = connection.execute(statement).fetchall()
        return answer

    return run


# ── what is no log ───────────────────────────────────────────────────────────


def test_a_file_of_text_is_no_log(tmp_path):
    """
    And it stays as it was.
    """
    path = tmp_path / "notes.txt"
    path.write_text("14:50 the basket is empty\n" * 10)

    with refused(StoreError, "is not a tracker log: it is not a SQLite file"):
        Log(str(path))

    assert path.read_text() == "14:50 the basket is empty\n" * 10
    assert list(tmp_path.iterdir()) == [path]


def test_a_short_file_is_no_log(tmp_path):
    """
    A few bytes are not an empty file.
    """
    path = tmp_path / "short"
    path.write_bytes(b"SQLite")

    with refused(StoreError, "not a SQLite file"):
        Log(str(path))


def test_an_sqlite_file_of_another_program_is_left_alone(tmp_path):
    """
    A browser's history must not get our tables.
    """
    path = tmp_path / "places.sqlite"
    raw(str(path))("CREATE TABLE places (url TEXT)")
    before = path.read_bytes()

    with refused(StoreError, "SQLite file of another program"):
        Log(str(path))

    assert path.read_bytes() == before


def test_a_damaged_file_is_told(tmp_path):
    """
    The header is ours, what follows is not.
    """
    path = tmp_path / "tracker.db"
    with Log(str(path)) as log:
        log.append(FACTS)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))

    with refused(StoreError, "cannot be used as a log"), Log(str(path)) as log:
        log.read()


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_file_becomes_a_log(tmp_path, content):
    """
    `mktemp` makes an empty one first.
    """
    path = tmp_path / "new.db"
    if content is not None:
        path.write_bytes(content)

    with Log(str(path)) as log:
        assert log.append(FACTS).position == len(FACTS)


def test_a_folder_is_no_log(tmp_path):
    """
    The hint names a file.
    """
    with refused(StoreError, "is a folder"):
        Log(str(tmp_path))


def test_a_missing_folder_is_told(tmp_path):
    """
    The hint makes it.
    """
    with refused(StoreError, "does not exist"):
        Log(str(tmp_path / "a" / "b.db"))

    assert not (tmp_path / "a").exists()


def test_a_database_of_somebody_else_is_left_alone(postgres_url):
    """
    Its table has our table's name, as the library's own would have.
    """
    raw(postgres_url)("CREATE TABLE stored_events (id int)")

    with refused(StoreError, "not a tracker log's"):
        Log(postgres_url)

    names = raw(postgres_url)("SELECT tablename::text FROM pg_tables WHERE schemaname='public'")
    assert names == [("stored_events",)]


def test_settings_of_another_program_are_no_log(postgres_url):
    """
    A table log_settings alone does not make a log.
    """
    raw(postgres_url)("CREATE TABLE log_settings (id int)")

    with refused(StoreError, "table log_settings that is not"):
        Log(postgres_url)


def test_a_log_of_a_newer_tracker_is_refused(store_url):
    """
    Its tables may mean something that we do not know.
    """
    with Log(store_url) as log:
        log.append(FACTS)
    raw(store_url)("UPDATE log_settings SET value='99' WHERE name='schema_version'")

    with refused(StoreError, "tables of version 99; this tracker supports version 2"):
        Log(store_url)


# ── a store that does not let us ─────────────────────────────────────────────


@contextlib.contextmanager
def somebody_else():
    """Be a user without rights: root may write anything."""
    if os.getuid():
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_store_that_may_not_be_written_is_told(what):
    """
    Neither the file nor its folder belong to us.
    """
    folder = Path(tempfile.mkdtemp(prefix="tracker-read-only-"))
    try:
        path = folder / "tracker.db"
        if what == "file":
            Log(str(path)).close()
            path.chmod(0o444)
        folder.chmod(0o555)
        with somebody_else(), refused(StoreAwayError, "cannot be written"), Log(str(path)) as log:
            log.append([deploy(1)])
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path):
    """
    Nothing of the feed is in, the line says so, and with room the same feed goes in whole.
    """
    with Log(str(tmp_path / "tracker.db")) as log:
        log.append([deploy(1)])
        [pages] = limit_pages(log, 40)
        feed = [Incoming(event=error(number), payload=os.urandom(5000)) for number in range(100)]

        with refused(StoreAwayError, "the disk is full; nothing was recorded"):
            log.append(feed)

        assert pages == 40
        assert log.position == 1
        assert log.verify().whole
        limit_pages(log, 100_000)
        assert log.append(feed).position == 101
        assert log.verify().whole


def limit_pages(log, pages):
    """Let a file grow to so many pages, as a disk of that size would."""
    with log._recorder.datastore.get_connection(commit=False) as connection:
        return connection._sqlite_conn.execute(f"PRAGMA max_page_count={pages}").fetchone()


def test_a_disk_that_is_really_full_leaves_the_log_as_it_was(tmp_path):
    """
    A small file system in memory, where the machine lets us mount one.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        path = tmp_path / "tracker.db"
        with Log(str(path)) as log:
            log.append([deploy(1)])
            feed = [Incoming(event=error(number), payload=os.urandom(5000)) for number in range(200)]
            with refused(StoreAwayError, "the disk is full; nothing was recorded"):
                log.append(feed)
            assert log.position == 1
            assert log.append([deploy(2)]).position == 2
            assert log.verify().whole
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_log_that_another_program_holds_is_told(store_url, monkeypatch):
    """
    After the time it may take, and the log is whole afterwards.
    """
    with Log(store_url) as log:
        log.append([deploy(1)])
    monkeypatch.setattr("tracker.log.sqlite.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("tracker.log.postgres.LOCK_TIMEOUT_SECONDS", 1)
    with Log(store_url) as log:
        with held(store_url):
            with refused(StoreAwayError, "locked by another program for more than 1 s"):
                log.append([deploy(2)])
            assert [each.event for each in log.read()] == [deploy(1)]

        assert log.append([deploy(2)]).position == 2
        assert log.verify().whole


@contextlib.contextmanager
def held(url):
    """Hold the store against all writers."""
    if "://" in url:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            yield
            connection.rollback()
    else:
        with contextlib.closing(sqlite3.connect(url)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()


def test_readers_do_not_wait_for_a_writer(store_url):
    """
    A timeline is read while a large feed goes in.
    """
    with Log(store_url) as log:
        log.append([deploy(1)])
        with held(store_url):
            assert log.position == 1
            assert log.select([]) == []


# ── PostgreSQL away ──────────────────────────────────────────────────────────


def test_a_server_that_is_not_there_is_told():
    """
    Nobody listens on port 1.
    """
    with refused(StoreAwayError, "the store does not answer"):
        Log("postgresql://tracker@127.0.0.1:1/tracker")


def test_a_database_that_is_not_there_is_told(postgres_server):
    """
    The server answers, the database is missing.
    """
    with refused(StoreAwayError, 'database "nowhere" does not exist'):
        Log(postgres_server.url("nowhere"))


def test_an_address_that_cannot_be_read_is_a_setting():
    """
    It is tracker.toml that is wrong, not the server.
    """
    with refused(SettingsError, "the PostgreSQL address of the store cannot be read"):
        Log("postgresql://tracker@127.0.0.1/tracker?colour=red")


def test_a_secret_in_the_address_is_not_told():
    """
    The address may hold a password; what is told goes to terminals and chats.
    """
    with pytest.raises(StoreAwayError) as found:
        Log("postgresql://tracker:hunter2@127.0.0.1:1/tracker")

    assert "hunter2" not in found.value.message + found.value.hint


def test_a_connection_that_was_cut_is_made_anew(postgres_url):
    """
    A restart of the server is no trouble of those who come after it: `serve` goes on.
    """
    with Log(postgres_url) as log:
        log.append([deploy(1)])
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

        log.append([deploy(2)])

        assert [each.event for each in log.read()] == [deploy(1), deploy(2)]


# ── the environment ──────────────────────────────────────────────────────────

STRAY = {
    "PERSISTENCE_MODULE": "eventsourcing.popo",
    "TRACKER_PERSISTENCE_MODULE": "eventsourcing.popo",
    "COMPRESSOR_TOPIC": "zlib",
    "TRACKER_COMPRESSOR_TOPIC": "zlib",
    "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
    "CIPHER_KEY": "AAAA",
    "MAPPER_TOPIC": "nowhere:Mapper",
    "TRANSCODER_TOPIC": "nowhere:Transcoder",
    "CREATE_TABLE": "n",
    "TRACKER_CREATE_TABLE": "n",
    "ORIGINATOR_ID_TYPE": "uuid",
    "IS_SNAPSHOTTING_ENABLED": "y",
    "TRACKER_IS_SNAPSHOTTING_ENABLED": "y",
    "SQLITE_DBNAME": "/nowhere/else.db",
    "TRACKER_SQLITE_DBNAME": "/nowhere/else.db",
    "POSTGRES_DBNAME": "else",
    "POSTGRES_HOST": "nowhere.example",
    "TRACKER_POSTGRES_DBNAME": "else",
    "POSTGRES_ORIGINATOR_ID_TYPE": "uuid",
    "POSTGRES_POOL_SIZE": "0",
    "AGGREGATE_CACHE_MAXSIZE": "10",
}


def test_a_stray_environment_changes_nothing(store_url, tmp_path, monkeypatch):
    """
    The library would let each of these change what is stored, or where.
    """

    def rows(url):
        with Log(url, now=lambda: at(0), salts=lambda event: bytes(16)) as log:
            log.append(FACTS)
        return raw(url)(
            "SELECT position, originator_id, topic, recorded_us, state, digest FROM stored_events ORDER BY position"
        )

    plain = rows(str(tmp_path / "plain.db"))
    for name, value in STRAY.items():
        monkeypatch.setenv(name, value)

    assert rows(store_url) == plain


@pytest.mark.parametrize("name", ["POSTGRES_ENABLE_DB_FUNCTIONS", "TRACKER_POSTGRES_ENABLE_DB_FUNCTIONS"])
def test_the_setting_that_loses_events_is_refused(name, monkeypatch, postgres_url):
    """
    With it a reader that follows positions was measured to miss events.
    """
    monkeypatch.setenv(name, "y")

    with refused(SettingsError, f"{name} is switched on"):
        Log(postgres_url)


def test_a_second_log_in_one_process_leaves_the_first_one_its_locks(tmp_path):
    """
    A server opens its log in several threads; a command that comes and goes must not take the write-ahead log along.

    It did: opening the file to look at its head, and closing it, let go of all locks of the process.
    """
    path = str(tmp_path / "tracker.db")
    command = [sys.executable, "-c", f"from tracker.log import Log; print(Log({path!r}).position)"]
    with Log(path) as first, Log(path) as second:
        first.append([deploy(1)])
        assert second.position == 1
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"

        first.append([deploy(2)])

        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2\n"
