"""What arrived and is not worked up yet: on disk before it is answered, kept until its events are in the log.

One inbox beside each log: a SQLite file of its own beside a log in a file, a table in the
log's PostgreSQL. What was worked up leaves the inbox; what could not be understood is
parked there with the reason until somebody retries it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

SUFFIX = ".inbox"
"""The inbox of tracker.db is tracker.db.inbox, beside it."""


TOGETHER_BYTES = 32 << 20
"""What waits is given out in pieces of so many bytes, or one delivery: five hundred can be five gigabytes."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came, without what authenticated it.

    `route` says which reader understands it, `source` what the path or the project named.
    `key` is the sender's own name for the delivery, else a hash of the body.
    """

    route: str
    source: str
    key: str
    received_us: int
    headers: Mapping[str, str]
    body: bytes


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as the inbox holds it; `parked` is why it was not understood, None while it waits."""

    number: int
    delivery: Delivery
    parked: str | None = None
    attempts: int = 0


class Counts(msgspec.Struct, frozen=True):
    """How much the inbox holds; `oldest_us` is the arrival of the oldest one that waits."""

    waiting: int
    parked: int
    oldest_us: int | None


class Inbox(Protocol):
    """Both kinds of inbox. Every method is one transaction and raises StoreError where it fails."""

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; on disk when this returns."""

    def waiting(self, limit: int, after: int = 0) -> list[Held]:
        """Return what waits, in the order of arrival, from behind a number on: no more than TOGETHER_BYTES, or one."""

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""

    def park(self, number: int, reason: str) -> None:
        """Set one aside that cannot be understood."""

    def parked(self) -> list[Held]:
        """Return what was set aside."""

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Let what was set aside wait again, all of it or these; return how many."""

    def counts(self) -> Counts:
        """Count."""

    def close(self) -> None:
        """Let go of the store."""


def open_inbox(store: str) -> Inbox:
    """Open the inbox beside a log.

    Raises:
        StoreError: If it cannot be opened.
    """
    if "://" in store:
        from tracker.inbox.postgres import PostgresInbox

        return PostgresInbox(store)
    from tracker.inbox.sqlite import SqliteInbox

    return SqliteInbox(store + SUFFIX)
