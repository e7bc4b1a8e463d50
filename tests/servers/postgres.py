"""A real PostgreSQL of our own, as careful as in production: it syncs to disk."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.servers.process import end, start, start_on_a_free_port, until


@dataclass
class Postgres:
    """A running cluster."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    _launch: Callable[[], subprocess.Popen[bytes]] = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://tracker@127.0.0.1:{self.port}/{database}"

    def _say(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, give its URL, and drop it with whoever is still connected."""
        name = f"db_{next(self._numbers)}"
        self._say(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            if self.process.poll() is None:
                self._say(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def standby(self, data: str) -> Iterator["Postgres"]:
        """Run a synchronous standby from a new folder `data` beside ours; what is written from now on is on both."""
        owner = database_user()
        place = self.folder / data
        _made(
            [
                _binaries() / "pg_basebackup",
                "-d",
                self.url(),
                "-D",
                place,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
            ],
            self.folder,
            owner,
        )
        standby = start_on_a_free_port(lambda port: _launched(port, self.folder, place, owner))
        try:
            self._say(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = '*'"))
            self._say(sql.SQL("SELECT pg_reload_conf()"))
            until(self._synchronous)
            yield standby
        finally:
            standby.stop()
            if self.process.poll() is None:
                # Else whatever is written waits for a standby that is gone.
                self._say(sql.SQL("ALTER SYSTEM RESET synchronous_standby_names"))
                self._say(sql.SQL("SELECT pg_reload_conf()"))

    def _synchronous(self) -> bool:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            rows = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
        return rows == [("sync",)]

    def crash(self) -> None:
        """End it as a lost machine does, whoever is connected."""
        end(self.process, by=signal.SIGQUIT)

    def promote(self) -> None:
        """Make a standby take writes."""
        self._say(sql.SQL("SELECT pg_promote()"))

    def restart(self, *, by: signal.Signals = signal.SIGINT) -> None:
        """End it, whoever is connected (SIGQUIT: as a crash does), and start it again on the same port."""
        end(self.process, by=by)
        self.process = self._launch()

    def stop(self) -> None:
        """End it now, whoever is connected; a second time does nothing."""
        end(self.process, by=signal.SIGINT)


def _binaries() -> Path:
    """Find the newest PostgreSQL; Debian keeps its programs out of the PATH."""

    def version(folder: Path) -> int:
        name = folder.parent.name
        return int(name) if name.isdigit() else 0

    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    if (found := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(found).parent
    pytest.skip("needs Debian's package postgresql: apt-get install postgresql")


def database_user() -> pwd.struct_passwd | None:
    """Choose who runs it: PostgreSQL refuses root. None is ourselves."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("needs a user other than root to run PostgreSQL: adduser --system postgres")


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Make a cluster and start it.

    Its folder is not below pytest's, which only root may enter when the tests are run by root.
    """
    binaries = _binaries()
    owner = database_user()
    folder = Path(tempfile.mkdtemp(prefix="tracker-postgres-"))
    try:
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        _made(
            [
                *(binaries / "initdb", "-D", data, "-U", "tracker"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            folder,
            owner,
        )
        running = start_on_a_free_port(lambda port: _launched(port, folder, data, owner))
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(command: list[str | Path], folder: Path, owner: pwd.struct_passwd | None) -> None:
    """Run a program that makes a data folder."""
    made = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
        cwd=folder,
    )
    if made.returncode:
        raise RuntimeError(f"{command[0]} failed: {made.stdout}{made.stderr}")


def _launched(port: int, folder: Path, data: Path, owner: pwd.struct_passwd | None) -> Postgres:
    """Start a server on a data folder."""

    def ready() -> bool:
        try:
            psycopg.connect(f"postgresql://tracker@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def process() -> subprocess.Popen[bytes]:
        return start(
            [
                *(_binaries() / "postgres", "-D", data, "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "fsync=on", "-c", "max_connections=100", "-c", "timezone=UTC"),
            ],
            ready=ready,
            log=folder / "postgres.log",
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
        )

    return Postgres(port, folder, process(), process)
