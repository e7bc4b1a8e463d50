"""Opening the inbox that belongs to a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import cast

from tracker.inbox.queue import Inbox
from tracker.inbox.sqlite import SqliteInbox

SUFFIX = ".inbox"
"""The inbox of tracker.db is tracker.db.inbox, in the same folder."""


def open_inbox(store: str) -> Inbox:
    """Open the inbox of the log in this store.

    Raises:
        StoreError: If it cannot be opened.
    """
    if "://" in store:
        # psycopg is only imported where the log is in PostgreSQL.
        return cast("Inbox", import_module("tracker.inbox.postgres").PostgresInbox(store))
    return SqliteInbox(store + SUFFIX)


@contextmanager
def existing_inbox(store: str) -> Iterator[Inbox | None]:
    """Open the inbox of the log in this store; None if there is no file of it."""
    if "://" not in store and not Path(store + SUFFIX).exists():
        yield None
        return
    inbox = open_inbox(store)
    try:
        yield inbox
    finally:
        inbox.close()
