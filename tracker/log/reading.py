"""What can be read of a log. Each method is one transaction, which sees one state of the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from tracker.errors import LogNotWholeError
from tracker.events.base import Recorded, Window, place
from tracker.events.housekeeping import LogSealed
from tracker.events.repeats import Repeats
from tracker.log.copying import copy_log
from tracker.log.erasure import Copy, find_copies, shared_files, unfinished_redactions
from tracker.log.extract import Proof, digests, log_id, proof, read_seals, seal_states, stored
from tracker.log.handles import find_by_handle
from tracker.log.recorder import LogRecorder, chunks
from tracker.log.rows import StoredEvent
from tracker.log.seals import head_at
from tracker.log.selection import (
    COLUMNS,
    FOREVER,
    by_ids,
    close,
    in_order,
    recorded_of,
    select,
    select_folded,
)
from tracker.log.verification import Verified, verify
from tracker.settings.store_address import SCHEMES
from tracker.times import from_us, to_us


class LogReader:
    """Reads events, their payloads, and the proof of them. `up_to` is a position; None is all."""

    def __init__(self, store: str, recorder: LogRecorder) -> None:
        self.store = store
        self._recorder = recorder

    @property
    def _is_server(self) -> bool:
        return self.store.startswith(SCHEMES)

    @property
    def position(self) -> int:
        """The last position; 0 for an empty log."""
        return self._recorder.max_notification_id() or 0

    def select(
        self,
        windows: Iterable[Window],
        up_to: int | None = None,
        ids: Sequence[str] = (),
    ) -> list[Recorded]:
        """Return the events of these windows, and of these ids, with their corrections, as recorded."""
        limit = FOREVER if up_to is None else up_to
        with self._recorder.reading() as transaction:
            events = select(transaction, windows, limit)
            if ids:
                events = close(transaction, {**events, **by_ids(transaction, ids, limit)}, limit)
        return in_order(events)

    def select_folded(
        self, windows: Iterable[Window], up_to: int | None = None, ids: Sequence[str] = ()
    ) -> tuple[list[Recorded], list[Repeats]]:
        """Return what `select` does, apart from further events of errors, as they are stored."""
        limit = FOREVER if up_to is None else up_to
        with self._recorder.reading() as transaction:
            events, repeats = select_folded(transaction, windows, limit)
            if ids:
                events = close(transaction, {**events, **by_ids(transaction, ids, limit)}, limit)
        return in_order(events), repeats

    def incident(self, incident: str, up_to: int | None = None) -> list[Recorded]:
        """Return all decisions of one incident with their corrections, in the order of recording."""
        return self.select([Window(f"incident:{incident}")], up_to)

    def by_ids(self, ids: Sequence[str], up_to: int | None = None) -> list[Recorded]:
        """Return the events of these ids, without their corrections."""
        with self._recorder.reading() as transaction:
            return in_order(by_ids(transaction, ids, FOREVER if up_to is None else up_to))

    def with_corrections(self, events: Iterable[Recorded], up_to: int | None = None) -> list[Recorded]:
        """Return these events with all their corrections, in the order of recording."""
        by_id = {event.id: event for event in events}
        with self._recorder.reading() as transaction:
            return in_order(close(transaction, by_id, FOREVER if up_to is None else up_to))

    def resolve_handle(self, typed: str, up_to: int | None = None) -> Recorded:
        """Return the event that a full id or a seven-character handle names.

        Raises:
            BadInputError: If there is none, or more than one.
        """
        with self._recorder.reading() as transaction:
            limit = FOREVER if up_to is None else up_to
            return find_by_handle(transaction, typed, limit, on_server=self._is_server)

    def read(
        self, after: int = 0, limit: int = 1000, up_to: int | None = None, topics: Sequence[str] = ()
    ) -> list[Recorded]:
        """Return the next events after a position; payloads and samples are not read."""
        sql = f"SELECT {COLUMNS} FROM stored_events e WHERE e.position>? AND e.position<=?"
        parameters: list[Any] = [after, FOREVER if up_to is None else up_to]
        if topics:
            sql += f" AND e.topic IN ({','.join('?' * len(topics))})"
            parameters += topics
        with self._recorder.reading() as transaction:
            rows = transaction.rows(sql + " ORDER BY e.position LIMIT ?", [*parameters, limit])
            return recorded_of(transaction, rows)

    def read_all(self, topics: Sequence[str] = (), up_to: int | None = None) -> Iterator[Recorded]:
        """Return every event in the order of recording, page by page."""
        after = 0
        while page := self.read(after, 2000, up_to, topics):
            yield from page
            after = page[-1].position

    def scope_names(self, prefix: str, up_to: int | None = None) -> list[str]:
        """Return the places of the index that begin with these characters and have an event by a position."""
        names: list[str] = []
        last = prefix
        limit = FOREVER if up_to is None else up_to
        with self._recorder.reading() as transaction:
            while True:
                rows = transaction.rows(
                    "SELECT scope FROM event_index WHERE scope>=? AND scope<? AND position<=? "
                    "ORDER BY scope LIMIT 1",
                    (last, f"{prefix}{chr(0x10FFFF)}", limit),
                )
                if not rows:
                    return names
                names.append(rows[0][0])
                last = rows[0][0] + "\x01"

    def latest(self, scope: str, up_to: int | None = None) -> Recorded | None:
        """Return the event of one place with the latest instant, the last recorded of those."""
        with self._recorder.reading() as transaction:
            rows = transaction.rows(
                f"SELECT {COLUMNS} FROM event_index i JOIN stored_events e ON e.position=i.position "
                "WHERE i.scope=? AND i.position<=? ORDER BY i.occurred_us DESC, i.position DESC LIMIT 1",
                (place(scope), FOREVER if up_to is None else up_to),
            )
            return recorded_of(transaction, rows)[0] if rows else None

    def payloads(self, positions: Sequence[int]) -> dict[int, bytes]:
        """Return the bytes stored with these events, by position; a file's, whichever event they are stored with."""
        payloads: dict[int, bytes] = {}
        with self._recorder.reading() as transaction:
            for chunk in chunks(positions):
                marks = ",".join("?" * len(chunk))
                rows = transaction.rows(
                    f"SELECT position, data FROM event_payloads WHERE position IN ({marks})", chunk
                )
                payloads.update((row[0], bytes(row[1])) for row in rows)
            missing = [position for position in positions if position not in payloads]
            payloads.update(shared_files(transaction, missing))
        return payloads

    def position_at(self, known_at: datetime) -> int:
        """Return the last position recorded at or before an instant; 0 if none was.

        Recording times never decrease, so this is a binary search over positions.
        """
        known_us = to_us(known_at)
        with self._recorder.reading() as transaction:
            low, high = 0, transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
            while low < high:
                middle = (low + high + 1) // 2
                rows = transaction.rows("SELECT recorded_us FROM stored_events WHERE position=?", (middle,))
                if not rows:
                    raise LogNotWholeError(
                        f"position {middle} is missing from the log", hint="tracker verify"
                    )
                if rows[0][0] <= known_us:
                    low = middle
                else:
                    high = middle - 1
        return low

    def recorded_at(self, position: int) -> datetime | None:
        """Return when a position was recorded; None if there is none."""
        with self._recorder.reading() as transaction:
            rows = transaction.rows("SELECT recorded_us FROM stored_events WHERE position=?", (position,))
        return from_us(rows[0][0]) if rows else None

    # ── proof ────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str | None:
        """The log's own id, the same in every copy of it; None while it is empty."""
        with self._recorder.reading() as transaction:
            return log_id(transaction)

    def stored(self, positions: Sequence[int]) -> list[StoredEvent]:
        """Return events as they are stored, with their payloads."""
        with self._recorder.reading() as transaction:
            return list(stored(transaction, positions))

    def proof(self, positions: Sequence[int], position: int) -> Proof:
        """Return what proves that the log held these events when it ended at `position`."""
        with self._recorder.reading() as transaction:
            return proof(transaction, positions, position)

    def seals(self) -> list[LogSealed]:
        """Return the log's seals, in their order."""
        with self._recorder.reading() as transaction:
            return read_seals(seal_states(transaction, self.position))

    def digests(self, after: int, through: int) -> bytes:
        """Return the digests of the positions (after, through], one after the other."""
        with self._recorder.reading() as transaction:
            return b"".join(digest for _, digest in digests(transaction, after, through))

    def head(self, position: int) -> str:
        """Return the head hash at a position."""
        with self._recorder.reading() as transaction:
            return head_at(transaction, position)

    def verify(
        self, wanted_heads: tuple[str, ...] = (), progress: Callable[[int, int], None] | None = None
    ) -> Verified:
        """Check the whole log against its own proof."""
        return verify(self._recorder, wanted_heads=wanted_heads, progress=progress, on_server=self._is_server)

    @property
    def foreign_objects(self) -> list[str]:
        """What is in the store and is not the tracker's: triggers, views, rules, tables."""
        return self._recorder.foreign_objects()

    def copy_into(self, other: "LogReader") -> tuple[int, str]:
        """Copy the whole log, as it is at one instant, into an empty one; return its position and head."""
        return copy_log(self._recorder, other._recorder)

    def count(self, topic: str) -> int:
        """Return how many events of a kind there are."""
        with self._recorder.reading() as transaction:
            number: int = transaction.rows("SELECT COUNT(*) FROM stored_events WHERE topic=?", (topic,))[0][0]
        return number

    def unfinished_redactions(self) -> list[str]:
        """Return the redacted events whose text may still be in unused parts of the store's files."""
        with self._recorder.reading() as transaction:
            return unfinished_redactions(transaction)

    def find_copies(
        self,
        needles: Sequence[bytes],
        payload: bytes = b"",
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Copy]:
        """Return the events that contain one of these pieces, or have this very payload. Reads the whole log."""
        return list(find_copies(self._recorder, needles, payload, progress))
