"""Removing an event's content for good: its state, its salt, its bytes, and what the index tells of it.

The row stays, with its digest: the seals are made of digests. One transaction records the
redaction, removes what it names, and seals both, so that no stop leaves a hole without a reason.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from eventsourcing.persistence import IntegrityError

from tracker.errors import LogNotWholeError, RefusedError
from tracker.events.base import Event, Incoming, decode, event_id, handle_of, place
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import FileAttached, file_scope
from tracker.log.recorder import FILE_SQL, Appended, LogRecorder, Transaction, chunks
from tracker.log.rows import Row, row_of, stream_of
from tracker.log.seals import next_seal

_PAGE = 200
"""Few at a time: bytes beside an event may be 20 MB."""
_MARK = "redaction_unfinished:"


class Copy(NamedTuple):
    """An event that holds what was looked for: in what it says, or in the bytes beside it (`same` if all of them)."""

    id: str
    in_state: bool
    in_payload: bool
    same: bool


def remove(
    recorder: LogRecorder,
    transaction: Transaction,
    redactions: Sequence[EventRedacted],
    now_us: int,
    salts: Callable[[Event], bytes],
) -> Appended:
    """Append redactions that the log has not yet, remove what they name, and seal, within a writer's transaction.

    Raises:
        RefusedError: If the content of one of them is gone already.
    """
    rows = []
    versions: dict[str, int] = {}
    for each in redactions:
        stream = stream_of(each)
        if stream is not None and stream not in versions:
            found = transaction.rows(
                "SELECT MAX(originator_version) FROM stored_events WHERE originator_id=?", (stream,)
            )
            versions[stream] = found[0][0] or 0
        if stream is not None and not _is_known(transaction, event_id(each)):
            versions[stream] += 1
        rows.append(row_of(Incoming(event=each), salts(each), versions[stream] if stream else 1))
    targets = {each.target for each in redactions}
    for each in redactions:
        _empty(transaction, each, targets)
    appended = recorder.append_in(transaction, rows, now_us)
    seal_all(recorder, transaction, appended.position, now_us, salts)
    return appended


def bring(
    recorder: LogRecorder,
    transaction: Transaction,
    rows: Sequence[Row],
    now_us: int,
    salts: Callable[[Event], bytes],
) -> Appended:
    """Append rows of which some are holes, and seal the redactions that came with them, within a writer's transaction.

    Raises:
        IntegrityError: If another writer recorded one of the holes in full meanwhile.
    """
    appended = recorder.append_in(transaction, rows, now_us)
    known = set(appended.known)
    for row in rows:
        if row.state is None and row.id in known:
            raise IntegrityError(f"{row.id} was recorded meanwhile")
    seal_all(recorder, transaction, appended.position, now_us, salts)
    return appended


def seal_all(
    recorder: LogRecorder,
    transaction: Transaction,
    position: int,
    now_us: int,
    salts: Callable[[Event], bytes],
) -> None:
    """Seal everything up to a position."""
    while (due := next_seal(transaction, now_us, 1)) is not None:
        version, seal = due
        recorder.append_in(transaction, [row_of(Incoming(event=seal), salts(seal), version)], now_us)
        if seal.through >= position:
            return


def _is_known(transaction: Transaction, identity: str) -> bool:
    return bool(transaction.rows("SELECT 1 FROM stored_events WHERE decision_id=?", (identity,)))


def _empty(transaction: Transaction, redaction: EventRedacted, targets: set[str]) -> None:
    found = transaction.rows(
        "SELECT position, topic, state, digest FROM stored_events WHERE originator_id=? AND decision_id IS NULL "
        "UNION ALL SELECT position, topic, state, digest FROM stored_events WHERE decision_id=?",
        (redaction.target, redaction.target),
    )
    handle = handle_of(redaction.target)
    if not found:
        raise LogNotWholeError(f"{redaction.target} is not in this log", hint="tracker verify")
    position, topic, state, digest = found[0]
    if state is None:
        raise RefusedError(
            f"{handle} was redacted by somebody else meanwhile", hint=f"See: tracker history {handle}"
        )
    if bytes(digest) != redaction.digest:
        raise LogNotWholeError(f"{handle} is not what its redaction names", hint="tracker verify")
    event = decode(topic, bytes(state))
    if isinstance(event, FileAttached) and event.by_hash:
        _refuse_shared(transaction, event, targets, handle)
    before = set(event.index_rows())
    after = set(decode(redaction.target_topic, redaction.left).index_rows())
    # RETURNING: both stores then answer a statement that changes rows as one that reads them.
    transaction.rows(
        "UPDATE stored_events SET state=NULL, salt=NULL WHERE position=? RETURNING position", (position,)
    )
    transaction.rows("DELETE FROM event_payloads WHERE position=? RETURNING position", (position,))
    for scope, occurred_us in before - after:
        transaction.rows(
            "DELETE FROM event_index WHERE scope=? AND occurred_us=? AND position=? RETURNING position",
            (scope, occurred_us, position),
        )
    new = sorted((scope, occurred_us, position) for scope, occurred_us in after - before)
    if new:
        transaction.insert("event_index", ("scope", "occurred_us", "position"), new)


def _refuse_shared(transaction: Transaction, event: FileAttached, targets: set[str], handle: str) -> None:
    """Refuse to take bytes away from an event that stays: they are kept once for all that attached them."""
    rows = transaction.rows(
        "SELECT e.originator_id, e.decision_id FROM event_index i JOIN stored_events e ON e.position=i.position "
        "WHERE i.scope=?",
        (place(file_scope(event.sha256)),),
    )
    if any((row[1] or row[0]) not in targets for row in rows):
        raise RefusedError(
            f"{event.name} was attached once more meanwhile",
            hint=f"Type it again: tracker redact {handle} --why …",
        )


# ── what is not finished ─────────────────────────────────────────────────────


def mark(transaction: Transaction, targets: Sequence[str]) -> None:
    """Remember that the files are still to be cleaned of these."""
    known = set(marked(transaction))
    transaction.insert(
        "log_settings",
        ("name", "value"),
        [(_MARK + each, "") for each in dict.fromkeys(targets) if each not in known],
    )


def marked(transaction: Transaction) -> list[str]:
    """Name the events of which the files may still hold something."""
    rows = transaction.rows("SELECT name FROM log_settings WHERE name LIKE ? ORDER BY name", (_MARK + "%",))
    return [row[0].removeprefix(_MARK) for row in rows]


def unmark(transaction: Transaction, targets: Sequence[str]) -> None:
    """Remember that the files are clean of these."""
    for each in targets:
        transaction.rows("DELETE FROM log_settings WHERE name=? RETURNING name", (_MARK + each,))


# ── what holds the same ──────────────────────────────────────────────────────


def holding(
    recorder: LogRecorder,
    needles: Sequence[bytes],
    payload: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Copy]:
    """Look through every event and the bytes beside it."""
    with recorder.reading() as transaction:
        total = transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
        after = 0
        while rows := transaction.rows(
            "SELECT e.position, e.originator_id, e.decision_id, e.state, p.data FROM stored_events e "
            "LEFT JOIN event_payloads p ON p.position=e.position WHERE e.position>? ORDER BY e.position LIMIT ?",
            (after, _PAGE),
        ):
            for _, originator, decision, state, data in rows:
                beside = bytes(data) if data is not None else b""
                same = bool(payload) and beside == payload
                said, kept = _holds(bytes(state or b""), needles), same or _holds(beside, needles)
                if said or kept:
                    yield Copy(decision or originator, said, kept, same)
            after = rows[-1][0]
            if progress:
                progress(after, total)


def _holds(data: bytes, needles: Sequence[bytes]) -> bool:
    if any(needle in data for needle in needles):
        return True
    # Markdown writes a backslash before what it would take for its own signs.
    return b"\\" in data and any(needle in data.replace(b"\\", b"") for needle in needles)


# ── files kept once ──────────────────────────────────────────────────────────


def shared_files(transaction: Transaction, positions: Sequence[int]) -> dict[int, bytes]:
    """Return the bytes of attached files that lie beside an earlier event of the same content."""
    found: dict[int, bytes] = {}
    for chunk in chunks(positions):
        marks = ",".join("?" * len(chunk))
        rows = transaction.rows(
            f"SELECT position, state FROM stored_events WHERE position IN ({marks}) AND topic=? AND state IS NOT NULL",
            (*chunk, FileAttached.TOPIC),
        )
        for position, state in rows:
            event = decode(FileAttached.TOPIC, bytes(state))
            if isinstance(event, FileAttached) and event.by_hash:
                kept = transaction.rows(FILE_SQL, (place(file_scope(event.sha256)),))
                if kept:
                    data = transaction.rows("SELECT data FROM event_payloads WHERE position=?", (kept[0][0],))
                    found[position] = bytes(data[0][0])
    return found
