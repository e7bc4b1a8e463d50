"""Removing an event's content for good: its state, its salt, its payload, and its index rows.

The row stays, with its digest: the seals are made of digests. One transaction records the
redaction, removes what it names, and seals both, so that no crash leaves a hole without a reason.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from eventsourcing.persistence import IntegrityError

from tracker.errors import LogNotWholeError, RefusedError
from tracker.events.base import Event, Incoming, decode, event_id, handle_of, place
from tracker.events.corrections import EventRedacted
from tracker.events.incidents import FileAttached, file_scope
from tracker.log.holes import stored_body
from tracker.log.recorder import FILE_SQL, Appended, LogRecorder, Transaction, chunks
from tracker.log.rows import STORED_SQL, Row, digest_of, row_of, stored_of, stream_of
from tracker.log.seals import next_seal
from tracker.log.selection import last_version
from tracker.text.coded import look

_PAGE = 200
"""Few at a time: a payload may be 20 MB."""
_MARK = "redaction_unfinished:"
_NUMBERS = ("metric-sampled", "bundle-imported")
"""Kinds of events whose payload is numbers or hashes."""


class Copy(NamedTuple):
    """An event that contains what was searched for, in its fields or in its payload (`same` if that is all of it).

    If it was found in neither, `unread` says why the payload could not be looked into.
    """

    id: str
    in_state: bool
    in_payload: bool
    same: bool
    unread: str = ""


def remove(
    recorder: LogRecorder,
    transaction: Transaction,
    redactions: Sequence[EventRedacted],
    now_us: int,
    salts: Callable[[Event], bytes],
) -> Appended:
    """Append redactions, remove what they name, and seal, within a writer's transaction.

    Raises:
        RefusedError: If the content of one of them was removed already.
    """
    rows = []
    versions: dict[str, int] = {}
    redactions = [_with_body(transaction, redaction) for redaction in redactions]
    for redaction in redactions:
        stream = stream_of(redaction)
        if stream is not None:
            known = transaction.rows(
                "SELECT 1 FROM stored_events WHERE decision_id=?", (event_id(redaction),)
            )
            last = versions.get(stream) or last_version(transaction, stream)
            versions[stream] = last if known else last + 1
        version = versions[stream] if stream else 1
        rows.append(row_of(Incoming(event=redaction), salts(redaction), version))
    targets = {redaction.target for redaction in redactions}
    for redaction in redactions:
        _empty(transaction, redaction, targets)
    appended = recorder.append_in(transaction, rows, now_us)
    _seal_all(recorder, transaction, appended.position, now_us, salts)
    return appended


def _with_body(transaction: Transaction, redaction: EventRedacted) -> EventRedacted:
    """Add to a new redaction the hash of what it removes, which proves the row's recording time afterwards."""
    identity = event_id(redaction)
    if transaction.rows(
        "SELECT 1 FROM stored_events WHERE decision_id=? OR originator_id=?", (identity, identity)
    ):
        return redaction
    rows = transaction.rows(
        f"{STORED_SQL} WHERE e.originator_id=? AND e.decision_id IS NULL UNION ALL {STORED_SQL} WHERE e.decision_id=?",
        (redaction.target, redaction.target),
    )
    stored = stored_of(rows[0]) if rows else None
    if stored is None or stored.state is None or stored.salt is None:
        return redaction
    body = stored_body(stored)
    is_proven = digest_of(body, stored.position, stored.recorded_us) == stored.digest
    return msgspec.structs.replace(redaction, body=body) if is_proven else redaction


def append_with_holes(
    recorder: LogRecorder,
    transaction: Transaction,
    rows: Sequence[Row],
    now_us: int,
    salts: Callable[[Event], bytes],
) -> Appended:
    """Append rows of which some are holes, and seal them with their redactions, within a writer's transaction.

    Raises:
        IntegrityError: If another writer recorded one of the holes with its content meanwhile.
    """
    appended = recorder.append_in(transaction, rows, now_us)
    known = set(appended.known)
    for row in rows:
        if row.state is None and row.id in known:
            raise IntegrityError(f"{row.id} was recorded meanwhile")
    _seal_all(recorder, transaction, appended.position, now_us, salts)
    return appended


def _seal_all(
    recorder: LogRecorder,
    transaction: Transaction,
    position: int,
    now_us: int,
    salts: Callable[[Event], bytes],
) -> None:
    while (due := next_seal(transaction, now_us, 1)) is not None:
        version, seal = due
        recorder.append_in(transaction, [row_of(Incoming(event=seal), salts(seal), version)], now_us)
        if seal.through >= position:
            return


def _empty(transaction: Transaction, redaction: EventRedacted, targets: set[str]) -> None:
    rows = transaction.rows(
        "SELECT position, topic, state, digest FROM stored_events WHERE originator_id=? AND decision_id IS NULL "
        "UNION ALL SELECT position, topic, state, digest FROM stored_events WHERE decision_id=?",
        (redaction.target, redaction.target),
    )
    handle = handle_of(redaction.target)
    if not rows:
        raise LogNotWholeError(f"{redaction.target} is not in this log", hint="tracker verify")
    position, topic, state, digest = rows[0]
    if state is None:
        raise RefusedError(
            f"{handle} was redacted by another process meanwhile", hint=f"See: tracker history {handle}"
        )
    if bytes(digest) != redaction.digest:
        raise LogNotWholeError(
            f"the digest of {handle} is not the one that its redaction names", hint="tracker verify"
        )
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
    """Refuse to remove a file that an event which stays attached, too: its bytes are stored once for all."""
    rows = transaction.rows(
        "SELECT e.originator_id, e.decision_id FROM event_index i JOIN stored_events e ON e.position=i.position "
        "WHERE i.scope=?",
        (place(file_scope(event.sha256)),),
    )
    if any((row[1] or row[0]) not in targets for row in rows):
        raise RefusedError(
            f"{event.name} was attached again meanwhile",
            hint=f"Type it again: tracker redact {handle} --why …",
        )


# ── redactions whose text may still be in unused parts of the files ──────────


def mark_unfinished(transaction: Transaction, targets: Sequence[str]) -> None:
    known = set(unfinished_redactions(transaction))
    transaction.insert(
        "log_settings",
        ("name", "value"),
        [(_MARK + target, "") for target in dict.fromkeys(targets) if target not in known],
    )


def unfinished_redactions(transaction: Transaction) -> list[str]:
    """Return the ids of the events whose text the files may still hold."""
    rows = transaction.rows("SELECT name FROM log_settings WHERE name LIKE ? ORDER BY name", (_MARK + "%",))
    return [row[0].removeprefix(_MARK) for row in rows]


def mark_finished(transaction: Transaction, targets: Sequence[str]) -> None:
    for target in targets:
        transaction.rows("DELETE FROM log_settings WHERE name=? RETURNING name", (_MARK + target,))


# ── copies ───────────────────────────────────────────────────────────────────


def find_copies(
    recorder: LogRecorder,
    needles: Sequence[bytes],
    payload: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Copy]:
    """Search every event and its payload, in whatever coding; also yield those that cannot be looked into."""
    with recorder.reading() as transaction:
        total = transaction.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
        after = 0
        while rows := transaction.rows(
            "SELECT e.position, e.originator_id, e.decision_id, e.topic, e.state, p.data FROM stored_events e "
            "LEFT JOIN event_payloads p ON p.position=e.position WHERE e.position>? ORDER BY e.position LIMIT ?",
            (after, _PAGE),
        ):
            for _, originator, decision, topic, state, data in rows:
                stored = bytes(data) if data is not None and topic not in _NUMBERS else b""
                same = bool(payload) and data is not None and bytes(data) == payload
                in_state = look(bytes(state or b""), needles, is_packed=False).found
                in_payload, unread = (True, "") if same else look(stored, needles)
                if in_state or in_payload or unread:
                    yield Copy(decision or originator, in_state, in_payload, same, unread)
            after = rows[-1][0]
            if progress:
                progress(after, total)


# ── files stored once ────────────────────────────────────────────────────────


def shared_files(transaction: Transaction, positions: Sequence[int]) -> dict[int, bytes]:
    """Return the bytes of attached files that are stored with an earlier event of the same content."""
    files: dict[int, bytes] = {}
    for chunk in chunks(positions):
        marks = ",".join("?" * len(chunk))
        rows = transaction.rows(
            f"SELECT position, state FROM stored_events WHERE position IN ({marks}) AND topic=? AND state IS NOT NULL",
            (*chunk, FileAttached.TOPIC),
        )
        for position, state in rows:
            event = decode(FileAttached.TOPIC, bytes(state))
            if not isinstance(event, FileAttached) or not event.by_hash:
                continue
            at = transaction.rows(FILE_SQL, (place(file_scope(event.sha256)),))
            if at:
                data = transaction.rows("SELECT data FROM event_payloads WHERE position=?", (at[0][0],))
                files[position] = bytes(data[0][0])
    return files
