"""The only door to the store: append, decide, select, prove."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from eventsourcing.persistence import IntegrityError

from tracker.errors import BadInputError, LogNotWholeError, StoreError
from tracker.events.base import HANDLE_LENGTH, Decision, Event, Incoming, Recorded, Window, event_id, place
from tracker.events.corrections import EventRedacted
from tracker.gc_pause import collector_paused
from tracker.log.application import URL_SCHEMES, TrackerApplication
from tracker.log.erasure import Copy, bring, holding, mark, marked, remove, shared_files, unmark
from tracker.log.extract import Proof, StoredEvent, log_id, proof, stored
from tracker.log.recorder import Appended, Transaction, chunks
from tracker.log.rows import Hole, hole_row, row_of, rows_of, stream_of
from tracker.log.seals import SEAL_EVERY, Verified, head_at, last_seal, next_seal, verify
from tracker.log.selection import COLUMNS, FOREVER, by_ids, close, recorded_of, select
from tracker.times import from_us, to_us, utc

__all__ = ["Appended", "Log", "Verified", "Window"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_salts() -> Callable[[Event], bytes]:
    """Give 16 random bytes at each call; the system is asked once for 256 of them."""
    drawn: list[bytes] = []

    def salt(_: Event) -> bytes:
        if not drawn:
            many = os.urandom(16 * 256)
            drawn.extend(many[at : at + 16] for at in range(0, len(many), 16))
        return drawn.pop()

    return salt


class Log:
    """Every event that was ever recorded, in one sequence of positions.

    `store` is a file's path or a postgresql:// address. `now` and `salts` are only given by
    the demo and by tests, which want the same bytes each time.
    """

    def __init__(
        self,
        store: str,
        *,
        now: Callable[[], datetime] = _utc_now,
        salts: Callable[[Event], bytes] | None = None,
    ) -> None:
        self.store = store
        self.now = now
        self._salts = salts or _random_salts()
        self._sealed_through = 0
        self._application = TrackerApplication(store)
        self._recorder = self._application.rows

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._application.close()

    @property
    def application(self) -> TrackerApplication:
        """The `eventsourcing` application, for the library's own readers."""
        return self._application

    @property
    def is_server(self) -> bool:
        """Whether the store is a database server rather than a file."""
        return self.store.startswith(URL_SCHEMES)

    # ── writing ──────────────────────────────────────────────────────────────

    def append(self, facts: Iterable[Event | Incoming]) -> Appended:
        """Append facts that stand alone, leaving out those the log already has.

        A whole feed goes in as one transaction, or not at all.
        """
        with collector_paused():
            rows = rows_of(facts, self._salts)
            for row in rows:
                if row.decision_id is not None:
                    raise ValueError("an incident's decisions are appended by decide()")
            if not rows:
                return Appended((), (), self.position)
            appended = self._recorder.append(rows, to_us(self.now()))
        if appended.recorded:
            self._seal_if_due(appended.position)
        return appended

    def decide(
        self,
        stream: str,
        decision: Callable[[list[Recorded]], Sequence[Decision | Incoming]],
        *,
        attempts: int = 20,
    ) -> Appended:
        """Append decisions of one incident, made on all that the log holds of it.

        `decision` gets the incident's events with their corrections, in the order of
        recording, and returns what was decided; it is asked again when another writer was
        faster. What the log already has is left out.
        """
        for attempt in range(attempts):
            with self._recorder.reading() as transaction:
                held = self._incident(transaction, stream, FOREVER)
                last = transaction.rows(
                    "SELECT MAX(originator_version) FROM stored_events WHERE originator_id=?", (stream,)
                )
            version = last[0][0] or 0
            decided = decision(held)
            if not decided:
                return Appended((), (), self.position)
            known = {each.id for each in held}
            rows = []
            already = []
            for each in decided:
                incoming = each if isinstance(each, Incoming) else Incoming(event=each)
                if stream_of(incoming.event) != stream:
                    raise ValueError(f"a decision of {stream} names {stream_of(incoming.event)}")
                row = row_of(incoming, self._salts(incoming.event), version + 1)
                if row.id in known:
                    already.append(row.id)
                    continue
                known.add(row.id)
                version += 1
                rows.append(row)
            if not rows:
                return Appended((), tuple(already), self.position)
            try:
                appended = self._recorder.append(rows, to_us(self.now()))
            except IntegrityError:
                # Eight writers in step lost twenty times in a row; out of step none does.
                time.sleep(random.uniform(0, min(0.3, 0.005 * 2**attempt)))
                continue
            self._seal_if_due(appended.position)
            return appended._replace(known=tuple(already) + appended.known)
        raise StoreError(
            f"{stream}: other writers were faster {attempts} times in a row", hint="Type the same again"
        )

    def bring(self, wanted: Callable[[], Sequence[Incoming | Hole]], *, attempts: int = 20) -> Appended:
        """Append facts and decisions of several incidents in one transaction, or nothing.

        `wanted` is asked again when another writer took a place in one of the incidents. What the
        log has already is left out. With a hole all of it is sealed at once, as each redaction is.
        """
        for attempt in range(attempts):
            before = self.position
            incoming = list(wanted())
            ids = [each.id if isinstance(each, Hole) else event_id(each.event) for each in incoming]
            held = {each.id for each in self.by_ids(ids)}
            versions: dict[str, int] = {}
            rows = []
            for identity, each in zip(ids, incoming, strict=True):
                if identity in held:
                    continue
                held.add(identity)
                stream = stream_of(each.left if isinstance(each, Hole) else each.event)
                if stream is not None:
                    versions[stream] = versions.get(stream) or self._last_version(stream, before)
                    versions[stream] += 1
                version = versions[stream] if stream else 1
                if isinstance(each, Hole):
                    rows.append(hole_row(each, version))
                else:
                    rows.append(row_of(each, self._salts(each.event), version))
            fresh = {row.id for row in rows}
            known = tuple(dict.fromkeys(each for each in ids if each not in fresh))
            if not rows:
                return Appended((), known, self.position)
            try:
                now_us = to_us(self.now())
                if any(row.state is None for row in rows):
                    with self._recorder.writing() as transaction:
                        appended = bring(self._recorder, transaction, rows, now_us, self._salts)
                else:
                    appended = self._recorder.append(rows, now_us)
            except IntegrityError:
                time.sleep(random.uniform(0, min(0.3, 0.005 * 2**attempt)))
                continue
            self._seal_if_due(appended.position)
            return appended._replace(known=known + appended.known)
        raise StoreError(f"other writers were faster {attempts} times in a row", hint="Type the same again")

    def _last_version(self, stream: str, up_to: int) -> int:
        """Return the last version by a position: what came later makes the append collide, not mix."""
        with self._recorder.reading() as transaction:
            last = transaction.rows(
                "SELECT MAX(originator_version) FROM stored_events WHERE originator_id=? AND position<=?",
                (stream, up_to),
            )
        return last[0][0] or 0

    def seal(self, minimum: int = 1) -> int:
        """Seal what lies open now, when that is at least `minimum` events; return how many seals."""
        made = 0
        last = self.position
        while True:
            now_us = to_us(self.now())
            with self._recorder.reading() as transaction:
                due = next_seal(transaction, now_us, 1 if made else minimum)
            if due is None:
                return made
            version, seal = due
            try:
                self._recorder.append([row_of(Incoming(event=seal), self._salts(seal), version)], now_us)
            except IntegrityError:
                return made  # another sealer was faster, and goes on
            made += 1
            if seal.through >= last:
                return made

    def _seal_if_due(self, position: int) -> None:
        """Seal when a thousand events lie open; the events stand, whether that works now or later."""
        if position - self._sealed_through < SEAL_EVERY:
            return
        with contextlib.suppress(StoreError):
            with self._recorder.reading() as transaction:
                _, seal = last_seal(transaction, FOREVER)
            self._sealed_through = seal.through if seal else 0
            if position - self._sealed_through >= SEAL_EVERY:
                self.seal(SEAL_EVERY)

    # ── reading ──────────────────────────────────────────────────────────────

    @property
    def position(self) -> int:
        """The last position; 0 for an empty log."""
        return self._recorder.max_notification_id() or 0

    def select(
        self,
        windows: Iterable[Window],
        up_to: int | None = None,
        ids: Sequence[str] = (),
        *,
        topics: Sequence[str] = (),
    ) -> list[Recorded]:
        """Return the events of these windows, and of these ids, with their corrections, as recorded.

        With `topics` only events of these kinds are taken from the windows.
        """
        limit = FOREVER if up_to is None else up_to
        with self._recorder.reading() as transaction:
            found = select(transaction, windows, limit, topics)
            if ids:
                found = close(transaction, {**found, **by_ids(transaction, ids, limit)}, limit)
        return sorted(found.values(), key=lambda each: each.position)

    def incident(self, incident: str, up_to: int | None = None) -> list[Recorded]:
        """Return all decisions of one incident with their corrections, in the order of recording."""
        with self._recorder.reading() as transaction:
            return self._incident(transaction, incident, FOREVER if up_to is None else up_to)

    def _incident(self, transaction: Transaction, incident: str, up_to: int) -> list[Recorded]:
        found = select(transaction, [Window(f"incident:{incident}")], up_to)
        return sorted(found.values(), key=lambda each: each.position)

    def by_ids(self, ids: Sequence[str], up_to: int | None = None) -> list[Recorded]:
        """Return the events of these ids, without their corrections."""
        with self._recorder.reading() as transaction:
            found = by_ids(transaction, ids, FOREVER if up_to is None else up_to)
        return sorted(found.values(), key=lambda each: each.position)

    def with_corrections(self, found: Iterable[Recorded], up_to: int | None = None) -> list[Recorded]:
        """Return these events with all that was said about them, in the order of recording."""
        with self._recorder.reading() as transaction:
            closed = close(
                transaction, {each.id: each for each in found}, FOREVER if up_to is None else up_to
            )
        return sorted(closed.values(), key=lambda each: each.position)

    def resolve_handle(self, typed: str, up_to: int | None = None) -> Recorded:
        """Return the event that a full id or a seven-character handle names.

        Raises:
            BadInputError: If there is none, or more than one.
        """
        typed = typed.strip().lower()
        if len(typed) > HANDLE_LENGTH:
            found = self.by_ids([typed], up_to)
        else:
            if len(typed) < HANDLE_LENGTH:
                raise BadInputError(
                    f"{typed!r} is too short for an event",
                    hint="Type the seven characters that its row begins with",
                )
            found = self.by_ids(self._ids_that_end_with(typed), up_to)
        if not found:
            raise BadInputError(
                f"there is no event {typed!r} in this log",
                hint="Every row of the timeline begins with its handle: tracker timeline INC",
            )
        if len(found) > 1:
            names = ", ".join(
                f"{each.id} ({each.event.TOPIC}, {utc(each.event.occurred_at)})" for each in found
            )
            raise BadInputError(
                f"{typed!r} is the handle of {len(found)} events: {names}", hint="Type the full id"
            )
        return found[0]

    def _ids_that_end_with(self, handle: str) -> list[str]:
        """Look through the two indexes over ids: 25 characters an event, and none of the events themselves.

        An index over the last characters would grow at random places, which slows every append.
        """
        last = f"right(%s, {HANDLE_LENGTH})" if self.is_server else f"substr(%s, -{HANDLE_LENGTH})"
        found: list[str] = []
        with self._recorder.reading() as transaction:
            for column, fact in (
                ("originator_id", "AND originator_version=1"),
                ("decision_id", "AND decision_id IS NOT NULL"),
            ):
                sql = f"SELECT {column} FROM stored_events WHERE {last.replace('%s', column)}=? {fact}"
                found += [row[0] for row in transaction.rows(sql, (handle,))]
        return found

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

    def scope_names(self, prefix: str) -> list[str]:
        """Return the places of the index that begin with these characters."""
        names: list[str] = []
        last = prefix
        with self._recorder.reading() as transaction:
            while True:
                found = transaction.rows(
                    "SELECT scope FROM event_index WHERE scope>=? ORDER BY scope LIMIT 1", (last,)
                )
                if not found or not found[0][0].startswith(prefix):
                    return names
                names.append(found[0][0])
                last = found[0][0] + "\x01"

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
        """Return the bytes kept beside these events, by position; those of a file wherever they are kept once."""
        found: dict[int, bytes] = {}
        with self._recorder.reading() as transaction:
            for chunk in chunks(positions):
                marks = ",".join("?" * len(chunk))
                rows = transaction.rows(
                    f"SELECT position, data FROM event_payloads WHERE position IN ({marks})", chunk
                )
                found.update((row[0], bytes(row[1])) for row in rows)
            found.update(shared_files(transaction, [each for each in positions if each not in found]))
        return found

    def position_at(self, known_at: datetime) -> int:
        """Return the last position recorded at or before an instant; 0 if none was.

        Recording times never go back, so this is a binary search over positions.
        """
        wanted = to_us(known_at)
        with self._recorder.reading() as transaction:
            low, high = 0, transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
            while low < high:
                middle = (low + high + 1) // 2
                found = transaction.rows("SELECT recorded_us FROM stored_events WHERE position=?", (middle,))
                if not found:
                    raise LogNotWholeError(
                        f"position {middle} is missing from the log", hint="tracker verify"
                    )
                if found[0][0] <= wanted:
                    low = middle
                else:
                    high = middle - 1
        return low

    def recorded_at(self, position: int) -> datetime | None:
        """Return when a position was recorded; None if there is none."""
        with self._recorder.reading() as transaction:
            found = transaction.rows("SELECT recorded_us FROM stored_events WHERE position=?", (position,))
        return from_us(found[0][0]) if found else None

    # ── proof ────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str | None:
        """What this log is called, wherever it lies; None as long as it is empty."""
        with self._recorder.reading() as transaction:
            return log_id(transaction)

    def stored(self, positions: Sequence[int]) -> list[StoredEvent]:
        """Return events as they are stored, with the bytes beside them."""
        with self._recorder.reading() as transaction:
            return list(stored(transaction, positions))

    def proof(self, positions: Sequence[int], position: int) -> Proof:
        """Return what proves that these events stood in the log when it ended at `position`."""
        with self._recorder.reading() as transaction:
            return proof(transaction, positions, position)

    def head(self, position: int) -> str:
        """Return the head hash at a position."""
        with self._recorder.reading() as transaction:
            return head_at(transaction, position)

    def verify(
        self, wanted_heads: tuple[str, ...] = (), progress: Callable[[int, int], None] | None = None
    ) -> Verified:
        """Check the whole log against its own proof."""
        return verify(self._recorder, wanted_heads=wanted_heads, progress=progress, on_server=self.is_server)

    # ── redaction ────────────────────────────────────────────────────────────

    def redact(self, redactions: Sequence[EventRedacted]) -> Appended:
        """Record redactions, remove what they name, and seal both, in one transaction.

        The files may still hold it in parts that nothing uses: `clean` removes it from there.

        Raises:
            RefusedError: If another process redacted one of them meanwhile.
        """
        now_us = to_us(self.now())
        with self._recorder.writing() as transaction:
            appended = remove(self._recorder, transaction, redactions, now_us, self._salts)
            mark(transaction, [each.target for each in redactions])
        return appended

    def clean(self) -> list[str]:
        """Remove what was redacted from the unused parts of the store's files; return what stays to be said.

        Raises:
            StoreError: If that is not possible now; `unfinished` names it until it is done.
        """
        targets = self.unfinished()
        said = self._recorder.clean()
        with self._recorder.writing() as transaction:
            unmark(transaction, targets)
        return said

    def unfinished(self) -> list[str]:
        """Name the redacted events whose text may still lie in unused parts of the files."""
        with self._recorder.reading() as transaction:
            return marked(transaction)

    def holding(
        self,
        needles: Sequence[bytes],
        payload: bytes = b"",
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Copy]:
        """Return the events that hold one of these pieces, or these very bytes beside them. Reads the whole log."""
        return list(holding(self._recorder, needles, payload, progress))
