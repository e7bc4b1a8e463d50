"""The file of a store's spool: an inbox of its own, and a lock that lets one process deliver at a time."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from tracker.inbox.queue import QueuedDelivery
from tracker.inbox.sqlite import SqliteInbox
from tracker.log.private_files import create_private

ALL = 1_000_000
"""More entries than a spool holds."""


def path_of(store: str) -> Path:
    """Return the file of one store's spool."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "spool" / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.inbox"


def runs_of(store: str) -> Path:
    return path_of(store).with_suffix(".runs")


@contextlib.contextmanager
def opened(store: str) -> Iterator[SqliteInbox]:
    queue = SqliteInbox(str(path_of(store)))
    try:
        yield queue
    finally:
        queue.close()


@contextlib.contextmanager
def locked(store: str, *, wait: bool = True) -> Iterator[None]:
    """Let one process deliver at a time.

    Raises:
        BlockingIOError: If another one does, and this one does not wait.
    """
    path = path_of(store)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock_path = path.with_suffix(".lock")
    create_private(lock_path)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def everything(queue: SqliteInbox) -> Iterator[QueuedDelivery]:
    last = 0
    while found := queue.after(last):
        yield from found
        last = found[-1].number
