"""How long a writer waits for another one to release the log's lock."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_AT_MOST: ContextVar[float | None] = ContextVar("at_most_seconds", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Limit how long writes within this context wait."""
    token = _AT_MOST.set(seconds)
    try:
        yield
    finally:
        _AT_MOST.reset(token)


def lock_timeout_ms(usual_seconds: float) -> int:
    limit = _AT_MOST.get()
    return round(1000 * (usual_seconds if limit is None else min(limit, usual_seconds)))


def until_unlocked(work: Callable[[], T], seconds: float) -> T:
    """Do work that SQLite refuses at once where it should wait, such as switching a new file to write-ahead mode.

    Two programs that open a new file at the same time both switch it, and SQLite asks its busy handler for neither:
    https://www.sqlite.org/c3ref/busy_handler.html

    Raises:
        sqlite3.OperationalError: If it is still locked after that many seconds.
    """
    give_up = time.monotonic() + seconds
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
        time.sleep(0.02)
