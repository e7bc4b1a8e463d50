"""Which `tracker serve` runs on a log: a file that is locked as long as the server lives."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from tracker.settings.schema import Settings


class RunningServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server listens, since when, and what it has read: `settings` is a path, `digest` of its bytes."""

    pid: int
    host: str
    port: int
    started_at: datetime
    settings: str | None
    digest: str | None

    @property
    def address(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def path_of(store: str) -> Path:
    """Return the file of a store's server: beside a log in a file, else with this user's state."""
    if "://" not in store:
        return Path(f"{store}.serve")
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "serve" / hashlib.sha256(store.encode()).hexdigest()[:16]


def digest_of(path: Path | None) -> str | None:
    """Return the hash of a tracker.toml as it is now."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else None
    return None


class ServerMark:
    """The file of a server, for that server."""

    def __init__(self, settings: Settings, host: str, port: int, started_at: datetime) -> None:
        self._path = path_of(settings.store)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with contextlib.suppress(BlockingIOError):  # a second server on one log
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._where = RunningServer(
            pid=os.getpid(), host=host, port=port, started_at=started_at, settings=None, digest=None
        )
        self.read(settings)

    def read(self, settings: Settings) -> None:
        """Say which settings were read last."""
        path = settings.path
        shown = msgspec.structs.replace(
            self._where, settings=str(path) if path else None, digest=digest_of(path)
        )
        data = msgspec.json.encode(shown)
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextlib.contextmanager
def marked(settings: Settings, host: str, port: int, started_at: datetime) -> Iterator[ServerMark | None]:
    """Mark a server as running; where no file can be written, it runs unmarked."""
    mark: ServerMark | None = None
    with contextlib.suppress(OSError):
        mark = ServerMark(settings, host, port, started_at)
    try:
        yield mark
    finally:
        if mark is not None:
            mark.remove()


def running(store: str) -> RunningServer | None:
    """Return the server that runs on a log, None where none does on this machine for all that we can read."""
    try:
        with path_of(store).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return msgspec.json.decode(file.read(), type=RunningServer)
    except (OSError, msgspec.DecodeError):
        return None
    return None
