"""Deliveries that are not processed yet: on disk before they are answered, kept until their events are in the log.

One inbox for each log: a SQLite file of its own next to a log in a file, a table in the
log's PostgreSQL. What was processed leaves the inbox; what could not be parsed is
parked there with the reason until somebody retries it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import IntEnum
from typing import Any, Protocol

import msgspec

from tracker.errors import StoreError

MOST_BYTES_AT_ONCE = 4 << 20
"""The most that is read from the inbox at a time."""
_LONGEST_REASON = 1_000
_COLUMNS = "number, route, source, key, received_us, headers, body, attempts, lane"


class Lane(IntEnum):
    """Which deliveries wait for which others: those of a lane for their own, and for the lanes before it."""

    KNOWN = 0
    """Of an authenticated sender, and small."""
    LARGE = 1
    """Of an authenticated sender, and large."""
    PUBLIC = 2
    """Of anybody who has the public key, and small."""
    PUBLIC_LARGE = 3
    AGAIN = 4
    """Took longer than its budget, and is tried once more."""


SMALL_BYTES = 64 << 10
"""What has more, once inflated, is large."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it was received, without what authenticated it.

    `route` names the reader for it, `source` comes from the path or the project.
    `key` is the sender's own id of the delivery, else a hash of the body.
    """

    route: str
    source: str
    key: str
    received_us: int
    headers: Mapping[str, str]
    body: bytes
    lane: Lane = Lane.KNOWN


class QueuedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery in the inbox; `attempts` is how often it was parked before."""

    number: int
    delivery: Delivery
    attempts: int = 0


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A parked delivery, without its body."""

    number: int
    route: str
    source: str
    key: str
    received_us: int
    reason: str
    attempts: int
    size_bytes: int


class Oldest(msgspec.Struct, frozen=True):
    """The delivery of a lane that has waited longest."""

    number: int
    route: str
    received_us: int


class Counts(msgspec.Struct, frozen=True):
    """How much the inbox holds; `oldest_us` is the arrival of the oldest delivery that waits."""

    waiting: int
    parked: int
    oldest_us: int | None

    def __bool__(self) -> bool:
        """Whether it holds anything."""
        return self.waiting + self.parked > 0


class _Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchall(self) -> list[Any]: ...


class Execute(Protocol):
    """Runs a statement written with `?` within a transaction."""

    def __call__(self, sql: str, parameters: Sequence[Any] = ..., /) -> _Cursor: ...


class Inbox(ABC):
    """An inbox in a table. Every method is one transaction and raises StoreError if it fails."""

    table: str

    @abstractmethod
    def _transaction(self, *, writes: bool = True) -> AbstractContextManager[Execute]:
        """Open a transaction."""

    @abstractmethod
    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert (route, source, key, received_us, headers, body, lane)."""

    @abstractmethod
    def clean(self) -> None:
        """Overwrite unused parts of the files, which still hold finished deliveries."""

    @abstractmethod
    def foreign_objects(self) -> list[str]:
        """Name what is in the inbox's own file and is not the tracker's; a table in the log's server is the log's."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on disk when this returns."""
        self._insert(
            [
                (d.route, d.source, d.key, d.received_us, msgspec.json.encode(d.headers), d.body, int(d.lane))
                for d in deliveries
            ]
        )

    def waiting(
        self, limit: int, most_bytes: int = MOST_BYTES_AT_ONCE, lanes: Collection[Lane] = tuple(Lane)
    ) -> list[QueuedDelivery]:
        """Return what waits in the first of these lanes that is not empty, in the order of arrival.

        At most `limit`, of at most so many bytes, but at least one.
        """
        for lane in sorted(lanes):
            if waiting := self._read("parked IS NULL AND lane=?", (int(lane),), limit, most_bytes):
                return waiting
        return []

    def after(self, number: int, most_bytes: int = MOST_BYTES_AT_ONCE) -> list[QueuedDelivery]:
        """Return what comes after a number, waiting or parked: of at most so many bytes, but at least one."""
        return self._read("number>?", (number,), 500, most_bytes)

    def copy_into(self, other: "Inbox") -> int:
        """Copy all deliveries into another inbox, where parked ones are tried again; return how many."""
        number = count = 0
        while page := self.after(number):
            other.put([queued.delivery for queued in page])
            number, count = page[-1].number, count + len(page)
        return count

    def _read(
        self, condition: str, parameters: tuple[Any, ...], limit: int, most_bytes: int
    ) -> list[QueuedDelivery]:
        with self._transaction(writes=False) as execute:
            sizes = execute(
                f"SELECT number, length(body) FROM {self.table} WHERE {condition} ORDER BY number LIMIT ?",
                (*parameters, limit),
            ).fetchall()
            numbers = _within(sizes, most_bytes)
            if not numbers:
                return []
            rows = execute(
                f"SELECT {_COLUMNS} FROM {self.table} WHERE {condition} AND number IN ({_marks(numbers)}) ORDER BY number",
                (*parameters, *numbers),
            ).fetchall()
        return [_queued(*row) for row in rows]

    def finish(self, numbers: Sequence[int]) -> None:
        """Delete what is in the log now."""
        with self._transaction() as execute:
            execute(f"DELETE FROM {self.table} WHERE number IN ({_marks(numbers)})", numbers)

    def park(self, number: int, reason: str) -> None:
        """Set a delivery aside that cannot be parsed."""
        # No store keeps NUL or half a surrogate pair as text.
        text = reason.replace("\0", "�").encode("utf-8", "replace").decode()[:_LONGEST_REASON]
        with self._transaction() as execute:
            execute(f"UPDATE {self.table} SET parked=?, attempts=attempts+1 WHERE number=?", (text, number))

    def move(self, number: int, lane: Lane) -> None:
        """Let a delivery wait in another lane."""
        with self._transaction() as execute:
            execute(f"UPDATE {self.table} SET lane=? WHERE number=?", (int(lane), number))

    def oldest(self) -> dict[Lane, Oldest]:
        """Return which delivery of each lane came first of those that wait."""
        with self._transaction(writes=False) as execute:
            rows = execute(
                f"SELECT lane, number, route, received_us FROM {self.table} WHERE number IN "
                f"(SELECT MIN(number) FROM {self.table} WHERE parked IS NULL GROUP BY lane)"
            ).fetchall()
        return {Lane(lane): Oldest(*rest) for lane, *rest in rows}

    def parked(self) -> list[Parked]:
        """Return what is parked, in the order of arrival."""
        with self._transaction(writes=False) as execute:
            rows = execute(
                "SELECT number, route, source, key, received_us, parked, attempts, length(body) "
                f"FROM {self.table} WHERE parked IS NOT NULL ORDER BY number"
            ).fetchall()
        names = Parked.__struct_fields__
        return [Parked(**dict(zip(names, row, strict=True))) for row in rows]

    def held(self, numbers: Sequence[int]) -> set[int]:
        """Return which of these numbers wait or are parked."""
        with self._transaction(writes=False) as execute:
            rows = execute(
                f"SELECT number FROM {self.table} WHERE number IN ({_marks(numbers)})", numbers
            ).fetchall()
        return {row[0] for row in rows}

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """Let parked deliveries wait again, all of them or these; return how many."""
        sql = f"UPDATE {self.table} SET parked=NULL WHERE parked IS NOT NULL"
        if numbers is not None:
            sql += f" AND number IN ({_marks(numbers)})"
        with self._transaction() as execute:
            return execute(sql, numbers or ()).rowcount

    def counts(self) -> Counts:
        """Count what waits and what is parked."""
        with self._transaction(writes=False) as execute:
            [row] = execute(
                "SELECT COUNT(*) FILTER (WHERE parked IS NULL), COUNT(*) FILTER (WHERE parked IS NOT NULL), "
                f"MIN(received_us) FILTER (WHERE parked IS NULL) FROM {self.table}"
            ).fetchall()
        return Counts(*row)


def refuse_lost(inserted: int, there: int) -> None:
    """Refuse deliveries that something in the store left out: they would be answered as kept.

    Raises:
        StoreError: If some are missing; the transaction is rolled back.
    """
    if inserted != there:
        raise StoreError(
            f"the inbox did not keep what was received: {there} of {inserted} deliveries are there",
            hint="Something in the store acts on rows; this names it: tracker verify",
        )


def _marks(numbers: Sequence[int]) -> str:
    return ",".join("?" * len(numbers)) or "NULL"


def _within(sizes: Iterable[tuple[int, int]], most_bytes: int) -> list[int]:
    """Return the first numbers whose sizes add up to no more than so many bytes; one in any case."""
    numbers: list[int] = []
    total = 0
    for number, size in sizes:
        total += size
        if numbers and total > most_bytes:
            break
        numbers.append(number)
    return numbers


def _queued(
    number: int,
    route: str,
    source: str,
    key: str,
    received_us: int,
    headers: bytes,
    body: bytes,
    attempts: int,
    lane: int,
) -> QueuedDelivery:
    delivery = Delivery(
        route=route,
        source=source,
        key=key,
        received_us=received_us,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        body=bytes(body),
        lane=Lane(lane),
    )
    return QueuedDelivery(number=number, delivery=delivery, attempts=attempts)
