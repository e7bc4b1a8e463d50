"""A store that is locked, full, or started again, while deliveries come in."""

import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults.load import Load, sending
from tests.faults.outcome import Outcome, outcome
from tests.servers.postgres import Postgres, database_user
from tests.servers.serving import TrackerServer, tracker_server

HELD_SECONDS = 1.5
"""So long a lock is held, longer where a fault is asked for ten times or more: then past the server's patience."""
LONG_SECONDS = 14.0


def locked(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Let another process hold the inbox, then the log, then both, against every writer."""
    chance = random.Random(seed)
    began = time.monotonic()
    held = LONG_SECONDS if times >= 10 else HELD_SECONDS
    with tracker_server(folder, store=store, serve="") as server, sending(server.url, seed=seed) as load:
        load.wait_for(10)
        for what in (("inbox",), ("log",), ("inbox", "log")):
            with contextlib.ExitStack() as locks:
                for each in what:
                    locks.enter_context(_lock(store, each))
                time.sleep(held * chance.uniform(0.8, 1))
            load.wait_for(10)
        load.stop()
        return outcome(
            server,
            load,
            fault="locked",
            seed=seed,
            times=3,
            seconds=time.monotonic() - began,
            notes={"held_seconds": held},
        )


@contextlib.contextmanager
def _lock(store: str, what: str) -> Iterator[None]:
    if "://" in store:
        table = "inbox_deliveries" if what == "inbox" else "stored_events"
        with psycopg.connect(store) as connection:
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            yield
        return
    path = store + ".inbox" if what == "inbox" else store
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def full(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Let the disk fill up while deliveries come in, then free some.

    A SQLite store lies on a small file system of its own. Of PostgreSQL it is the inbox's
    table that does: its write-ahead log must find room, or the whole server ends.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as around:
        # Not below pytest's folder, which PostgreSQL's user may not enter.
        outside = Path(around.enter_context(tempfile.TemporaryDirectory(prefix="tracker-disk-")))
        disk = around.enter_context(small_disk(12, outside / "disk"))
        if "://" not in store:
            store = str(disk / "tracker.db")
        with (
            # The disk is smaller than what is kept free of strangers by default.
            tracker_server(folder, store=store, serve="public_free_disk_bytes = 0") as server,
            _on(disk, store, around),
            sending(server.url, seed=seed) as load,
        ):
            load.wait_for(10)
            filler = disk / "filler"
            for _ in range(max(1, times // 10)):
                _fill(filler)
                _until_refused(load)
                during = len(load.acknowledged)
                time.sleep(0.5)
                filler.unlink()
                load.wait_for(10)
            load.stop()
            return outcome(
                server,
                load,
                fault="full",
                seed=seed,
                times=max(1, times // 10),
                seconds=time.monotonic() - began,
                notes={"acknowledged_before_the_last_refusal": during, "disk": "tmpfs of 12 MB"},
            )


@contextlib.contextmanager
def _on(disk: Path, store: str, around: contextlib.ExitStack) -> Iterator[None]:
    """Move PostgreSQL's inbox onto the disk; a file is there already."""
    if "://" not in store:
        yield
        return
    place = disk / "tablespace"
    place.mkdir()
    owner = database_user()
    if owner:
        os.chown(place, owner.pw_uid, owner.pw_gid)
    for folder in (disk, disk.parent):
        folder.chmod(0o755)
    with psycopg.connect(store, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        connection.execute("ALTER TABLE inbox_deliveries SET TABLESPACE small")
    try:
        yield
    finally:
        with psycopg.connect(store, autocommit=True) as connection:
            connection.execute("ALTER TABLE inbox_deliveries SET TABLESPACE pg_default")
            connection.execute("DROP TABLESPACE small")


@contextlib.contextmanager
def small_disk(megabytes: int, place: Path) -> Iterator[Path]:
    """Mount a file system of so many megabytes, or skip and say why not."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tracker-small-disk", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"needs a user that may mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _fill(filler: Path) -> None:
    """Write until nothing more fits."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def _until_refused(load: Load, timeout_seconds: float = 60.0) -> None:
    before = load.answers["503"]
    give_up = time.monotonic() + timeout_seconds
    while load.answers["503"] < before + 20:
        if time.monotonic() > give_up:
            raise TimeoutError(f"the store took everything: {dict(load.answers)}")
        time.sleep(0.01)


def limited(folder: Path, store: str, seed: int, times: int) -> Outcome:
    """Let files of the server grow no further, which SQLite tells as an I/O error, and then again."""
    if "://" in store:
        pytest.skip("the files are PostgreSQL's own")
    began = time.monotonic()
    with tracker_server(folder, store=store, serve="") as server, sending(server.url, seed=seed) as load:
        load.wait_for(10)
        for _ in range(max(1, times // 10)):
            with _no_larger_files(server):
                _until_refused(load)
                time.sleep(0.3)
            load.wait_for(10)
        load.stop()
        return outcome(
            server,
            load,
            fault="limited",
            seed=seed,
            times=max(1, times // 10),
            seconds=time.monotonic() - began,
        )


@contextlib.contextmanager
def _no_larger_files(server: TrackerServer) -> Iterator[None]:
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1 << 15, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


def restarted(folder: Path, store: str, seed: int, times: int, postgres: Postgres | None = None) -> Outcome:
    """Start PostgreSQL again and again: in turns as an operator does, and as a crash does."""
    if postgres is None:
        pytest.skip("SQLite has no server")
    chance = random.Random(seed)
    began = time.monotonic()
    restarts = max(2, times // 10)
    with tracker_server(folder, store=store, serve="") as server, sending(server.url, seed=seed) as load:
        load.wait_for(10)
        for turn in range(restarts):
            time.sleep(chance.uniform(0, 0.5))
            postgres.restart(by=signal.SIGQUIT if turn % 2 else signal.SIGINT)
            load.wait_for(10)
        load.stop()
        return outcome(
            server,
            load,
            fault="restarted",
            seed=seed,
            times=restarts,
            seconds=time.monotonic() - began,
        )
