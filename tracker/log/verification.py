"""Checking all of a log against its own proof."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tracker.errors import StoreError
from tracker.events.base import REGISTRY, UPCASTERS, Event, decode, event_id
from tracker.events.housekeeping import LogSealed
from tracker.log.foreign_objects import not_ours
from tracker.log.holes import CONTENT_MISSING, FileCheck, HoleCheck, stored_digest
from tracker.log.recorder import LogRecorder, Transaction
from tracker.log.rows import STORED_SQL, StoredEvent, stored_of, stream_of
from tracker.log.seals import GENESIS, chained
from tracker.times import from_us, utc

_PAGE = 2_000
_INDEX_PAGE = 100_000
"""Positions whose index rows are read at once: each page is one pass over the index."""
_PARTS = (
    "table stored_events",
    "table event_index",
    "table event_payloads",
    "table log_settings",
    "index stored_events_stream",
    "index stored_events_decision",
)


@dataclass(frozen=True)
class Problem:
    """The first place where the log does not match its proof; position 0 is the store itself."""

    position: int
    event: str | None
    what: str


@dataclass
class Verified:
    """The result of the check. `heads` maps each requested head to its position; `redacted` counts holes.

    `foreign_objects` are not the tracker's, and may decide which rows are stored and shown: none of it is
    whole with them.
    """

    events: int = 0
    position: int = 0
    unsealed: int = 0
    head: str = ""
    first_problem: Problem | None = None
    heads: dict[str, int] = field(default_factory=dict)
    redacted: int = 0
    foreign_objects: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return self.first_problem is None

    @property
    def is_only_foreign(self) -> bool:
        """Whether all rows match their proof, and what is not the tracker's is the only problem."""
        problem = self.first_problem
        return problem is not None and problem.what == not_ours(self.foreign_objects)


def verify(
    recorder: LogRecorder,
    *,
    wanted_heads: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
    on_server: bool = False,
) -> Verified:
    """Read the whole log once and name the first place that does not match its proof.

    Checked are: that every table and index exists and nothing else does, positions without gaps, recording times
    that never decrease, each digest over its stored bytes, each id over its content, each
    seal over its digests and its predecessor, the index against the events, each hole against
    the sealed redaction that names it, and each file against its hash.
    """
    result = Verified(foreign_objects=recorder.foreign_objects())
    wanted = {head.lower() for head in wanted_heads}
    lengths = {len(head) for head in wanted}
    seal_head, seal_through = GENESIS, 0
    since_seal: list[tuple[int, bytes, bool]] = []
    running = hashlib.sha256(seal_head)
    previous_us = -(2**62)

    def compare_head(position: int) -> None:
        head = running.hexdigest()
        result.heads.update({head[:n]: position for n in lengths if head[:n] in wanted})

    compare_head(0)
    with recorder.reading() as transaction:
        missing = _missing_part(transaction, on_server=on_server)
        if missing is not None:
            result.first_problem = Problem(0, None, f"its {missing} is missing")
            return result
        total = transaction.rows("SELECT COUNT(*) FROM stored_events")[0][0]
        index = _IndexReader(transaction)
        holes = HoleCheck(transaction)
        files = FileCheck()
        for stored in _all_stored(transaction):
            position = stored.position
            result.events += 1
            problem = None
            if position != result.position + 1:
                problem = f"positions {result.position + 1} to {position - 1} are missing"
            elif stored.recorded_us < previous_us:
                problem = "it was recorded before the event that precedes it"
            result.position, previous_us = position, stored.recorded_us
            event = None
            if problem is None and stored.state is None:
                event, problem = holes.check(stored)
                if event is not None:
                    problem = index.compare(position, event.index_rows())
                    result.redacted += 1
            elif problem is None:
                event, problem = _content(stored)
                if event is not None:
                    problem = (
                        _misplaced(event, stored)
                        or index.compare(position, event.index_rows())
                        or files.check(event, stored)
                        or holes.not_removed(event)
                    )
            if problem is None and isinstance(event, LogSealed):
                problem = _check_seal(event, seal_head, seal_through, since_seal)
            if problem is not None:
                result.first_problem = Problem(position, stored.id, problem)
                break
            is_seal = isinstance(event, LogSealed)
            since_seal.append((position, stored.digest, is_seal))
            if isinstance(event, LogSealed):
                seal_head, seal_through = event.head, event.through
                since_seal = [each for each in since_seal if each[0] > seal_through]
                running = hashlib.sha256(seal_head)
                for each in since_seal:
                    running.update(each[1])
            else:
                running.update(stored.digest)
            if wanted:
                compare_head(position)
            if progress and not result.events % 500:
                progress(result.events, total)
        if result.first_problem is None:
            result.first_problem = _problem_at_the_end(transaction, index, holes, files, seal_through)
        if result.first_problem is None and result.foreign_objects:
            result.first_problem = Problem(0, None, not_ours(result.foreign_objects))
    result.unsealed = sum(1 for _, _, is_seal in since_seal if not is_seal)
    result.head = running.hexdigest()
    return result


def events_with_index(
    transaction: Transaction,
) -> Iterator[tuple[int, set[tuple[str, int]], set[tuple[str, int]]]]:
    """Yield of each event that can be decoded its position, the index rows it should have, and those it has."""
    index, holes = _IndexReader(transaction), HoleCheck(transaction)
    for stored in _all_stored(transaction):
        event, _ = holes.check(stored) if stored.state is None else _content(stored)
        actual = index.actual(stored.position)
        if event is not None:
            yield stored.position, set(event.index_rows()), actual


def _missing_part(transaction: Transaction, *, on_server: bool) -> str | None:
    """Name the first table or index that the log should have and has not."""
    names = "SELECT name FROM sqlite_master"
    if on_server:
        names = "SELECT relname::text FROM pg_class WHERE pg_table_is_visible(oid)"
    existing = {row[0] for row in transaction.rows(names)}
    return next((part for part in _PARTS if part.split()[1] not in existing), None)


def _problem_at_the_end(
    transaction: Transaction, index: "_IndexReader", holes: HoleCheck, files: FileCheck, sealed_through: int
) -> Problem | None:
    """Return what is wrong although each event matches its own digest."""
    later = [found for found in (holes.unsealed(sealed_through), files.missing()) if found is not None]
    if later:
        return Problem(*min(later))
    stray = index.stray()
    alone = transaction.rows(
        "SELECT MIN(p.position) FROM event_payloads p "
        "LEFT JOIN stored_events e ON e.position=p.position WHERE e.position IS NULL"
    )[0][0]
    if alone is not None and (stray is None or alone < stray):
        return Problem(alone, None, "a payload is stored for an event that does not exist")
    return None if stray is None else Problem(stray, None, "the index names an event that does not exist")


def _check_seal(
    seal: LogSealed, head: bytes, through: int, since: list[tuple[int, bytes, bool]]
) -> str | None:
    covered = [digest for position, digest, _ in since if position <= seal.through]
    digests = hashlib.sha256(b"".join(covered)).digest()
    if seal.previous_head != head or seal.after != through:
        return "this seal does not follow the seal before it"
    if len(covered) != seal.count or digests != seal.digests_sha256:
        return f"the events at positions {seal.after + 1} to {seal.through} do not match this seal"
    if seal.head != chained(head, seal.after, seal.through, seal.count, digests):
        return "this seal's head is not the hash of its content"
    return None


def _all_stored(transaction: Transaction) -> Iterator[StoredEvent]:
    after = 0
    while rows := transaction.rows(
        f"{STORED_SQL} WHERE e.position>? ORDER BY e.position LIMIT ?", (after, _PAGE)
    ):
        yield from map(stored_of, rows)
        after = rows[-1][0]


def _content(stored: StoredEvent) -> tuple[Event | None, str | None]:
    """Return the event, or what is wrong with its bytes; an event that only a newer version knows is an error."""
    if stored.salt is None or stored.state is None:
        return None, CONTENT_MISSING
    if stored.digest != stored_digest(stored):
        return None, "its stored bytes do not match its digest"
    try:
        return decode(stored.topic, stored.state), None
    except StoreError:
        if stored.topic not in REGISTRY and stored.topic not in UPCASTERS:
            raise
        return None, "its content cannot be decoded, although it matches its digest"


def _misplaced(event: Event, stored: StoredEvent) -> str | None:
    """Return what is wrong with an event that is not stored under its own id."""
    own = event_id(event, stored.state, stored.topic)
    if own != stored.id:
        return f"its id is not that of its content ({own})"
    return "it is in another incident's stream" if (stream_of(event) or own) != stored.originator_id else None


class _IndexReader:
    """Compares the index with the events, both in the order of positions, a page at a time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._read_to = -1
        self._stray: int | None = None
        self._rows = transaction.rows(
            "SELECT position, scope, occurred_us FROM event_index WHERE position<=? ORDER BY position", (-1,)
        )
        self._next = 0

    def compare(self, position: int, expected: list[tuple[str, int]]) -> str | None:
        actual = self.actual(position)
        if self._stray is not None:
            return f"the index names position {self._stray}, which does not exist"
        wanted = set(expected)
        if actual == wanted:
            return None
        scope, occurred_us = min(wanted - actual or actual - wanted)
        verb = "does not name it under" if wanted - actual else "names it under"
        return f"the index {verb} {scope!r} at {_instant(occurred_us)}"

    def actual(self, position: int) -> set[tuple[str, int]]:
        """Return the index rows of an event; positions are asked for in order."""
        if position > self._read_to:
            self._read_page(position + _INDEX_PAGE)
        actual = set()
        while self._next < len(self._rows) and self._rows[self._next][0] <= position:
            row = self._rows[self._next]
            if row[0] < position:
                self._stray = self._stray or row[0]
            else:
                actual.add((row[1], row[2]))
            self._next += 1
        return actual

    def stray(self) -> int | None:
        """Return the first position that the index names beyond the last event."""
        if self._next < len(self._rows):
            return int(self._rows[self._next][0])
        beyond = self._transaction.rows(
            "SELECT MIN(position) FROM event_index WHERE position>?", (self._read_to,)
        )
        return None if beyond[0][0] is None else int(beyond[0][0])

    def _read_page(self, through: int) -> None:
        left = self._rows[self._next :]
        self._rows = left + self._transaction.rows(
            "SELECT position, scope, occurred_us FROM event_index WHERE position>? AND position<=? ORDER BY position",
            (self._read_to, through),
        )
        self._next, self._read_to = 0, through


def _instant(microseconds: int) -> str:
    try:
        return utc(from_us(microseconds))
    except OverflowError:
        return f"{microseconds} µs"
