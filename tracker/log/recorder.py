"""Appending and reading rows, the same on every store.

One method appends events, their index rows and their payloads in one transaction, under
the writer's lock: positions are handed out in commit order, so a reader that follows them
never misses one. The positions are explicit integers without gaps; no sequence is used,
because cached sequences and unlocked functions were both measured to lose events for readers.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProgrammingError,
    StoredEvent,
    Subscription,
)

from tracker.errors import LogNotWholeError, StoreError
from tracker.events.base import decode
from tracker.events.corrections import EventRedacted
from tracker.log.rows import EVENT_COLUMNS, INDEX_COLUMNS, PAYLOAD_COLUMNS, Row, digest_of

LOOKUP_SIZE = 500
SCHEMA_VERSION = "2"
"""Of the tables and of what is derived from events in them: the index rows. See `tracker.log.upgrade`."""
OLDER_SCHEMA_VERSIONS = ("1",)
"""What `tracker.log.upgrade` can bring up to date."""
FILE_SQL = (
    "SELECT p.position FROM event_index i JOIN event_payloads p ON p.position=i.position "
    "WHERE i.scope=? ORDER BY i.position LIMIT 1"
)
"""Finds the position that the bytes of a file are stored at, by the scope made of its hash."""


def schema(integer: str, text: str, key: str, blob: str, index_options: str = "") -> tuple[str, ...]:
    """Return the statements that create the log's tables with a store's types; `key` is text compared by bytes."""
    return (
        f"""CREATE TABLE IF NOT EXISTS stored_events (
        position {integer} PRIMARY KEY,
        originator_id {key} NOT NULL,
        originator_version {integer} NOT NULL,
        decision_id {key},
        topic {text} NOT NULL,
        recorded_us {integer} NOT NULL,
        state {blob},
        arrival {blob} NOT NULL,
        salt {blob},
        digest {blob} NOT NULL)""",
        "CREATE UNIQUE INDEX IF NOT EXISTS stored_events_stream ON stored_events (originator_id, originator_version)",
        """CREATE UNIQUE INDEX IF NOT EXISTS stored_events_decision ON stored_events (decision_id)
        WHERE decision_id IS NOT NULL""",
        f"""CREATE TABLE IF NOT EXISTS event_index (
        scope {key} NOT NULL,
        occurred_us {integer} NOT NULL,
        position {integer} NOT NULL,
        PRIMARY KEY (scope, occurred_us, position)){index_options}""",
        f"CREATE TABLE IF NOT EXISTS event_payloads (position {integer} PRIMARY KEY, data {blob} NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS log_settings (name {text} PRIMARY KEY, value {text} NOT NULL)",
        f"INSERT INTO log_settings VALUES ('schema_version', '{SCHEMA_VERSION}') ON CONFLICT DO NOTHING",
    )


class Transaction(Protocol):
    """An open transaction, of either store."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement written with `?` and return its rows."""

    def stored_among(self, column: str, values: Sequence[str]) -> Iterator[str]:
        """Return which of these values a column of the events has."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, and look that they are there: see `refuse_lost`."""


class Appended(NamedTuple):
    """Which ids were new and which the log had already, in the order given."""

    recorded: tuple[str, ...]
    known: tuple[str, ...]
    position: int


class RecordedRedaction(NamedTuple):
    """A redaction with its id and position."""

    id: str
    position: int
    event: EventRedacted


class LogRecorder(ApplicationRecorder):
    """The log's tables, on top of the library's recorder of one store."""

    events_table = "stored_events"

    @abstractmethod
    def foreign_objects(self) -> list[str]:
        """Name what is in the store and is not the tracker's: see `tracker.log.foreign_objects`."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that sees one state of the store."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that holds the writer's lock from its first statement."""

    @abstractmethod
    def clean(self) -> list[str]:
        """Overwrite unused parts of the store, which still hold what was removed; return what could not be cleaned."""

    def append(self, rows: Sequence[Row], now_us: int) -> Appended:
        """Append what is new, in one transaction.

        Raises:
            IntegrityError: If another decision took the same version of a stream.
        """
        with self.writing() as transaction:
            return self.append_in(transaction, rows, now_us)

    def append_in(self, transaction: Transaction, rows: Sequence[Row], now_us: int) -> Appended:
        """Append what is new, within a transaction that holds the writer's lock."""
        last = transaction.rows(
            f"SELECT position, recorded_us FROM {self.events_table} ORDER BY position DESC LIMIT 1"
        )
        position, recorded_us = last[0] if last else (0, now_us)
        known = self._known(transaction, rows)
        fresh: dict[str, Row] = {}
        for row in rows:
            if row.id not in known and row.id not in fresh:
                fresh[row.id] = row
        if not fresh:
            return Appended((), tuple(dict.fromkeys(row.id for row in rows)), position)
        self._refuse_taken(transaction, [row for row in fresh.values() if row.decision_id])
        recorded_us = max(now_us, recorded_us)
        events, index, payloads = [], [], []
        files: set[str] = set()
        # Unpacked, not read by name: a million of these are appended.
        for (
            _,
            originator,
            version,
            decision,
            topic,
            state,
            arrival,
            salt,
            body,
            places,
            payload,
        ) in fresh.values():
            position += 1
            digest = digest_of(body, position, recorded_us)
            events.append(
                (position, originator, version, decision, topic, recorded_us, state, arrival, salt, digest)
            )
            for scope, occurred_us in places if len(places) == 1 else set(places):
                index.append((scope, occurred_us, position))
            if payload and not self._is_stored_file(transaction, topic, places, files):
                payloads.append((position, payload))
        transaction.insert(self.events_table, EVENT_COLUMNS, events)
        if index:
            transaction.insert("event_index", INDEX_COLUMNS, sorted(index))
        if payloads:
            transaction.insert("event_payloads", PAYLOAD_COLUMNS, payloads)
        skipped = tuple(dict.fromkeys(row.id for row in rows if row.id in known))
        return Appended(tuple(fresh), skipped, position)

    def _is_stored_file(
        self, transaction: Transaction, topic: str, places: Sequence[tuple[str, int]], files: set[str]
    ) -> bool:
        """Whether these bytes are a file that is stored with an earlier event: each content is stored once."""
        if topic != "file-attached":
            return False
        scope = next((scope for scope, _ in places if scope.startswith("file:")), None)
        if scope is None:
            return False
        if scope in files or transaction.rows(FILE_SQL, (scope,)):
            return True
        files.add(scope)
        return False

    def _known(self, transaction: Transaction, rows: Sequence[Row]) -> set[str]:
        facts = [row.id for row in rows if row.decision_id is None]
        decisions = [row.id for row in rows if row.decision_id is not None]
        known: set[str] = set()
        for column, ids in (("originator_id", facts), ("decision_id", decisions)):
            if ids:
                known.update(transaction.stored_among(column, ids))
        return known

    def _refuse_taken(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        for row in rows:
            taken = transaction.rows(
                f"SELECT 1 FROM {self.events_table} WHERE originator_id=? AND originator_version=?",
                (row.originator_id, row.originator_version),
            )
            if taken:
                raise IntegrityError(f"{row.originator_id} version {row.originator_version} is taken")

    # What the library's own readers (notification log, subscriptions, tools) call.

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Refuse: an event without its index rows and digest would be a hole in the proof."""
        raise ProgrammingError("events are appended by tracker.log.Log, never by Application.save()")

    def select_events(
        self,
        originator_id: Any,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return one stream, as the library defines it."""
        condition = (
            "originator_id=? AND originator_version>? AND originator_version<=? "
            f"ORDER BY originator_version {'DESC' if desc else 'ASC'}"
        )
        rows = self._rows(condition, [str(originator_id), gt or 0, lte or 2**62, limit or 2**62])
        return [StoredEvent(*row) for _, *row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return the log in the order of recording, as the library defines it."""
        first = 0 if start is None else (start if inclusive_of_start else start + 1)
        of_topics = f" AND topic IN ({','.join('?' * len(topics))})" if topics else ""
        condition = f"position>=? AND position<=?{of_topics} ORDER BY position"
        rows = self._rows(condition, [first, 2**62 if stop is None else stop, *topics, limit])
        return [Notification(row[1], row[2], row[3], row[4], id=row[0]) for row in rows]

    def _rows(self, condition: str, parameters: list[Any]) -> list[list[Any]]:
        """Return position, stream, version, topic and bytes of events; of redacted ones what is left of them."""
        rows = []
        with self.reading() as transaction:
            for position, stream, version, topic, state, decision in transaction.rows(
                "SELECT position, originator_id, originator_version, topic, state, decision_id "
                f"FROM {self.events_table} WHERE {condition} LIMIT ?",
                parameters,
            ):
                if state is None:
                    identity = decision or stream
                    recorded = redactions(transaction, [identity]).get(identity)
                    if recorded is None:
                        raise content_missing(identity)
                    topic, state = recorded.event.target_topic, recorded.event.left
                rows.append([position, stream, version, topic, bytes(state)])
        return rows

    def max_notification_id(self) -> int | None:
        """Return the last position, or None for an empty log."""
        with self.reading() as transaction:
            last: int | None = transaction.rows(f"SELECT MAX(position) FROM {self.events_table}")[0][0]
        return last

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Refuse: the library's subscriptions can lose a wake-up; `Log.read` follows positions."""
        raise NotImplementedError("follow the log with tracker.log.Log.read(after=...)")


def redactions(transaction: Transaction, ids: Sequence[str]) -> dict[str, RecordedRedaction]:
    """Return the first recorded redaction of each of these events, by target, wherever in the log it is."""
    by_target: dict[str, RecordedRedaction] = {}
    for chunk in chunks([f"target:{identity}" for identity in ids]):
        marks = ",".join("?" * len(chunk))
        rows = transaction.rows(
            "SELECT e.position, e.originator_id, e.decision_id, e.state FROM event_index i "
            f"JOIN stored_events e ON e.position=i.position WHERE i.scope IN ({marks}) AND e.topic=? ORDER BY e.position",
            (*chunk, EventRedacted.TOPIC),
        )
        for position, originator, decision, state in rows:
            event = decode(EventRedacted.TOPIC, bytes(state)) if state is not None else None
            if isinstance(event, EventRedacted):
                by_target.setdefault(event.target, RecordedRedaction(decision or originator, position, event))
    return by_target


IDENTIFYING = {
    "stored_events": ("position", "digest"),
    "event_index": INDEX_COLUMNS,
    "event_payloads": ("position",),
    "log_settings": ("name", "value"),
}
"""The columns by which an insert looks whether its rows are there."""


def refuse_lost(table: str, inserted: int, there: int) -> None:
    """Refuse an insert of which rows are missing: a trigger, a rule or a view has left them out.

    Raises:
        LogNotWholeError: If some are; the transaction is rolled back.
    """
    if inserted != there:
        raise LogNotWholeError(
            f"the store did not keep what was written to its table {table}: {there} of {inserted} rows are there; "
            "nothing was recorded",
            hint="Something in the store acts on rows; this names it: tracker verify",
        )


def content_missing(identity: str) -> LogNotWholeError:
    """Return the error for an event without content that no redaction explains."""
    return LogNotWholeError(
        f"the content of {identity} is missing, and no redaction names it",
        hint="Check the whole log with: tracker verify",
    )


def refuse_newer(schema_version: str) -> None:
    """Refuse a log that a newer tracker wrote.

    Raises:
        StoreError: If its schema is newer than ours, or none that ever was.
    """
    if schema_version not in (*OLDER_SCHEMA_VERSIONS, SCHEMA_VERSION):
        raise StoreError(
            f"this log has tables of version {schema_version}; this tracker supports version {SCHEMA_VERSION}",
            hint="It was written by a newer tracker: upgrade this one",
        )


def chunks(items: Sequence[Any], size: int = LOOKUP_SIZE) -> Iterator[Sequence[Any]]:
    """Cut a sequence into pieces that fit one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
