"""How the log proves itself: digests, seals, the head, and the check of all of it.

A seal names the positions (after, through], their count and the hash of their digests, and
chains to the seal before it. The head at N is the hash of the last seal recorded by N and
of the digests that follow what it covers. A tail that was cut off leaves a log that is
whole in itself: only a head kept elsewhere (every report prints one) shows that.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tracker.errors import StoreError
from tracker.events.base import REGISTRY, UPCASTERS, Event, decode, event_id
from tracker.events.housekeeping import LogSealed
from tracker.log.holes import GONE, Files, Holes, Hollow
from tracker.log.recorder import LogRecorder, Transaction
from tracker.log.rows import body_sha256, digest_of, stream_of
from tracker.times import from_us, utc

GENESIS = hashlib.sha256(b"tracker log 1").digest()
EVENTS_IN_A_SEAL = 10_000
SEAL_EVERY = 1_000
_PAGE = 2_000
_INDEX_PAGE = 100_000
"""Positions whose index rows are read at once: each page is one pass over the index."""


@dataclass(frozen=True)
class Problem:
    """The first place where the log does not fit its proof; position 0 is the store itself."""

    position: int
    event: str | None
    what: str


@dataclass
class Verified:
    """What the check found. `heads` maps each head that was asked for to its position; `redacted` counts holes."""

    events: int = 0
    position: int = 0
    unsealed: int = 0
    head: str = ""
    first_problem: Problem | None = None
    heads: dict[str, int] = field(default_factory=dict)
    redacted: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything fits."""
        return self.first_problem is None


_PARTS = (
    "table stored_events",
    "table event_index",
    "table event_payloads",
    "table log_settings",
    "index stored_events_stream",
    "index stored_events_decision",
)


def missing_part(transaction: Transaction, *, on_server: bool) -> str | None:
    """Name the first table or index that the log should have and has not."""
    names = "SELECT name FROM sqlite_master"
    if on_server:
        names = "SELECT relname::text FROM pg_class WHERE pg_table_is_visible(oid)"
    there = {row[0] for row in transaction.rows(names)}
    return next((part for part in _PARTS if part.split()[1] not in there), None)


def last_seal(transaction: Transaction, up_to: int) -> tuple[int, LogSealed | None]:
    """Return the version and content of the last seal recorded at or before a position."""
    found = transaction.rows(
        "SELECT originator_version, state FROM stored_events WHERE originator_id='seals' AND position<=? "
        "ORDER BY originator_version DESC LIMIT 1",
        (up_to,),
    )
    if not found:
        return 0, None
    seal = decode(LogSealed.TOPIC, bytes(found[0][1]))
    assert isinstance(seal, LogSealed)
    return found[0][0], seal


def head_at(transaction: Transaction, position: int) -> str:
    """Return the head hash at a position, 64 hexadecimal digits."""
    _, seal = last_seal(transaction, position)
    hashed = hashlib.sha256(seal.head if seal else GENESIS)
    after = seal.through if seal else 0
    while after < position:
        digests = transaction.rows(
            "SELECT position, digest FROM stored_events WHERE position>? AND position<=? ORDER BY position LIMIT ?",
            (after, position, _PAGE),
        )
        if not digests:
            break
        for found in digests:
            hashed.update(bytes(found[1]))
        after = digests[-1][0]
    return hashed.hexdigest()


def next_seal(transaction: Transaction, now_us: int, minimum: int) -> tuple[int, LogSealed] | None:
    """Make the seal that comes next, with its version; None when too few events lie open."""
    last = transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
    version, seal = last_seal(transaction, last)
    after = seal.through if seal else 0
    head = seal.head if seal else GENESIS
    seals = transaction.rows(
        "SELECT COUNT(*) FROM stored_events WHERE originator_id='seals' AND position>?", (after,)
    )
    if last - after - seals[0][0] < max(minimum, 1):
        return None
    through = min(last, after + EVENTS_IN_A_SEAL)
    found = transaction.rows(
        "SELECT digest FROM stored_events WHERE position>? AND position<=? ORDER BY position",
        (after, through),
    )
    count = len(found)
    digests = hashlib.sha256(b"".join([row[0] for row in found])).digest()
    return version + 1, LogSealed(
        occurred_at=from_us(now_us),
        after=after,
        through=through,
        count=count,
        digests_sha256=digests,
        previous_head=head,
        head=chained(head, after, through, count, digests),
    )


def chained(head: bytes, after: int, through: int, count: int, digests: bytes) -> bytes:
    """Return the head of a seal: the seal before it, and its own content."""
    return hashlib.sha256(head + f"{after} {through} {count} ".encode() + digests).digest()


def verify(
    recorder: LogRecorder,
    *,
    wanted_heads: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
    on_server: bool = False,
) -> Verified:
    """Read the whole log once and name the first place that does not fit.

    Checked are: that every table and index is there, positions without gaps, recording times
    that never go back, each digest over its stored bytes, each id over its content, each
    seal over its digests and its predecessor, the index against the events, each hole against
    the sealed redaction that names it, and each file against its hash.
    """
    answer = Verified()
    wanted = {head.lower() for head in wanted_heads}
    seal_head, seal_through = GENESIS, 0
    since_seal: list[tuple[int, bytes, bool]] = []
    running = hashlib.sha256(seal_head)
    previous_us = -(2**62)
    if running.hexdigest() in wanted:
        answer.heads[running.hexdigest()] = 0
    with recorder.reading() as transaction:
        missing = missing_part(transaction, on_server=on_server)
        if missing is not None:
            answer.first_problem = Problem(0, None, f"its {missing} is missing")
            return answer
        total = transaction.rows("SELECT COUNT(*) FROM stored_events")[0][0]
        index = _IndexReader(transaction)
        holes = Holes(transaction)
        files = Files()
        for row, payload in _all_rows(transaction):
            position, originator, _, decision, topic, recorded_us, state, arrival, salt, digest = row
            answer.events += 1
            problem = None
            if position != answer.position + 1:
                problem = f"positions {answer.position + 1} to {position - 1} are missing"
            elif recorded_us < previous_us:
                problem = "it was recorded before the event that precedes it"
            answer.position, previous_us = position, recorded_us
            event = None
            identity = decision or originator
            if problem is None and state is None:
                hollow = Hollow(identity, originator, topic, digest, arrival, salt, payload)
                event, problem = holes.check(hollow, position)
                if event is not None:
                    problem = index.compare(position, event.index_rows())
                    answer.redacted += 1
            elif problem is None:
                event, problem = _content(row, payload, files)
            if event is not None and state is not None:
                problem = (
                    _misplaced(event, state, topic, identity, originator)
                    or index.compare(position, event.index_rows())
                    or files.check(event, payload, position, identity)
                    or holes.named_by(event)
                )
            if problem is None and isinstance(event, LogSealed):
                problem = _check_seal(event, seal_head, seal_through, since_seal)
            if problem is not None:
                answer.first_problem = Problem(position, identity, problem)
                break
            is_seal = isinstance(event, LogSealed)
            since_seal.append((position, digest, is_seal))
            if isinstance(event, LogSealed):
                seal_head, seal_through = event.head, event.through
                since_seal = [each for each in since_seal if each[0] > seal_through]
                running = hashlib.sha256(seal_head)
                for each in since_seal:
                    running.update(each[1])
            else:
                running.update(digest)
            if wanted and running.hexdigest() in wanted:
                answer.heads[running.hexdigest()] = position
            if progress and not answer.events % 500:
                progress(answer.events, total)
        if answer.first_problem is None:
            later = [each for each in (holes.unsealed(seal_through), files.missing()) if each is not None]
            answer.first_problem = Problem(*min(later)) if later else None
        if answer.first_problem is None:
            stray = index.stray()
            if stray is not None:
                answer.first_problem = Problem(stray, None, "the index names an event that is not there")
            alone = transaction.rows(
                "SELECT MIN(p.position) FROM event_payloads p "
                "LEFT JOIN stored_events e ON e.position=p.position WHERE e.position IS NULL"
            )[0][0]
            if alone is not None and (stray is None or alone < stray):
                answer.first_problem = Problem(alone, None, "bytes are kept for an event that is not there")
    answer.unsealed = sum(1 for _, _, is_seal in since_seal if not is_seal)
    answer.head = running.hexdigest()
    return answer


def _check_seal(
    seal: LogSealed, head: bytes, through: int, since: list[tuple[int, bytes, bool]]
) -> str | None:
    covered = [digest for position, digest, _ in since if position <= seal.through]
    digests = hashlib.sha256(b"".join(covered)).digest()
    if seal.previous_head != head or seal.after != through:
        return "this seal does not follow the seal before it"
    if len(covered) != seal.count or digests != seal.digests_sha256:
        return f"the events at positions {seal.after + 1} to {seal.through} do not fit this seal"
    if seal.head != chained(head, seal.after, seal.through, seal.count, digests):
        return "this seal's head is not the hash of its content"
    return None


def _all_rows(transaction: Transaction) -> Iterator[tuple[Any, bytes]]:
    after = 0
    while True:
        rows = transaction.rows(
            "SELECT e.position, originator_id, originator_version, decision_id, topic, recorded_us, state, "
            "arrival, salt, digest, data FROM stored_events e "
            "LEFT JOIN event_payloads p ON p.position=e.position "
            "WHERE e.position>? ORDER BY e.position LIMIT ?",
            (after, _PAGE),
        )
        if not rows:
            return
        for row in rows:
            fixed = [bytes(value) if isinstance(value, memoryview) else value for value in row]
            yield tuple(fixed[:10]), fixed[10] or b""
        after = rows[-1][0]


def _content(row: tuple[Any, ...], payload: bytes, files: Files) -> tuple[Event | None, str | None]:
    """Return the event of a row, or what is wrong with its bytes."""
    position, originator, version, _, topic, recorded_us, state, arrival, salt, digest = row
    if salt is None:
        return None, GONE
    beside = files.sha256_beside(topic, state, payload)
    body = body_sha256(originator, version, topic, state, arrival, salt, payload, beside)
    if digest != digest_of(body, position, recorded_us):
        return None, "its stored bytes do not fit its digest"
    return _read(topic, state)


def _misplaced(event: Event, state: bytes, topic: str, identity: str, originator: str) -> str | None:
    """Say what is wrong where an event does not stand under its own id."""
    own = event_id(event, state, topic)
    if own != identity:
        return f"its id is not that of its content ({own})"
    return "it stands in another incident's stream" if (stream_of(event) or own) != originator else None


def _read(topic: str, state: bytes) -> tuple[Event | None, str | None]:
    """Return the event, or what is wrong with it; what only a newer version knows is no damage."""
    try:
        return decode(topic, state), None
    except StoreError:
        if topic not in REGISTRY and topic not in UPCASTERS:
            raise
        return None, "its content cannot be read, though it fits its digest"


class _IndexReader:
    """Holds the index against the events, both in the order of positions, a page at a time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._read_to = -1
        self._rows = transaction.rows(
            "SELECT position, scope, occurred_us FROM event_index WHERE position<=? ORDER BY position", (-1,)
        )
        self._next = 0

    def compare(self, position: int, expected: list[tuple[str, int]]) -> str | None:
        if position > self._read_to:
            self._turn(position + _INDEX_PAGE)
        found = set()
        while self._next < len(self._rows) and self._rows[self._next][0] <= position:
            row = self._rows[self._next]
            if row[0] < position:
                return f"the index names position {row[0]}, which is not there"
            found.add((row[1], row[2]))
            self._next += 1
        wanted = set(expected)
        if found != wanted:
            missing = sorted(wanted - found) or sorted(found - wanted)
            verb = "does not name it under" if wanted - found else "names it under"
            return f"the index {verb} {missing[0][0]!r} at {_instant(missing[0][1])}"
        return None

    def stray(self) -> int | None:
        if self._next < len(self._rows):
            return int(self._rows[self._next][0])
        beyond = self._transaction.rows(
            "SELECT MIN(position) FROM event_index WHERE position>?", (self._read_to,)
        )
        return None if beyond[0][0] is None else int(beyond[0][0])

    def _turn(self, through: int) -> None:
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
