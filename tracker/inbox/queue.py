"""What arrived and is not worked up yet: on disk before it is answered, kept until its events are in the log.

One inbox beside each log: a SQLite file of its own beside a log in a file, a table in the
log's PostgreSQL. What was worked up leaves the inbox; what could not be understood is
parked there with the reason until somebody retries it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

MOST_BYTES_AT_ONCE = 32 << 20
"""So much is read out of the inbox at a time, however much waits."""


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
    """A delivery that waits; `attempts` is how often it was set aside before."""

    number: int
    delivery: Delivery
    attempts: int = 0


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a delivery that was set aside; its body stays where it is."""

    number: int
    route: str
    source: str
    key: str
    received_us: int
    reason: str
    attempts: int
    size_bytes: int


class Counts(msgspec.Struct, frozen=True):
    """How much the inbox holds; `oldest_us` is the arrival of the oldest one that waits."""

    waiting: int
    parked: int
    oldest_us: int | None


class Inbox(Protocol):
    """Both kinds of inbox. Every method is one transaction and raises StoreError where it fails."""

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; on disk when this returns."""

    def waiting(self, limit: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what waits, in the order of arrival: so many, of no more bytes together, but one at least."""

    def after(self, number: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[Held]:
        """Return what comes after a number, whether it waits or was set aside: of so many bytes, but one at least."""

    def finish(self, numbers: Sequence[int]) -> None:
        """Let go of what stands in the log now."""

    def clean(self) -> None:
        """Leave nothing of what was let go in unused parts of the files; a table of the log's is cleaned with the log."""

    def park(self, number: int, reason: str) -> None:
        """Set one aside that cannot be understood."""

    def parked(self) -> list[Parked]:
        """Return what was set aside, in the order of arrival."""

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Let what was set aside wait again, all of it or these; return how many."""

    def counts(self) -> Counts:
        """Count."""

    def close(self) -> None:
        """Let go of the store."""


def within(sizes: Iterable[tuple[int, int]], most_bytes: int) -> list[int]:
    """Choose from numbers with their sizes, in order, what has no more bytes together; the first in any case."""
    chosen: list[int] = []
    total = 0
    for number, size in sizes:
        total += size
        if chosen and total > most_bytes:
            break
        chosen.append(number)
    return chosen
