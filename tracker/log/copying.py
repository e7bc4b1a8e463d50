"""Copying a whole log into an empty one, of either store: positions, digests and seals stay as they are."""

from collections.abc import Iterator, Sequence

from tracker.errors import RefusedError
from tracker.log.recorder import LogRecorder, Transaction
from tracker.log.rows import EVENT_COLUMNS, INDEX_COLUMNS, PAYLOAD_COLUMNS
from tracker.log.seals import head_at

_ROWS_AT_ONCE = 2_000
_BYTES_AT_ONCE = 8 << 20


def copy_log(source: LogRecorder, target: LogRecorder) -> tuple[int, str]:
    """Copy what the source holds at one instant, in one transaction; return its position and head.

    Writers go on meanwhile. Marks of unfinished redactions stay behind: a copy has no unused parts.

    Raises:
        RefusedError: If the target has events.
    """
    with source.reading() as read, target.writing() as write:
        if write.rows("SELECT 1 FROM stored_events LIMIT 1"):
            raise RefusedError("there is a log already", hint="Name a new file, or an empty database")
        _copy_rows(read, write, "stored_events", EVENT_COLUMNS, "COALESCE(LENGTH(state),0)+LENGTH(arrival)")
        _copy_rows(read, write, "event_payloads", PAYLOAD_COLUMNS, "LENGTH(data)")
        _copy_index(read, write)
        position = read.rows("SELECT MAX(position) FROM stored_events")[0][0] or 0
        return position, head_at(read, position)


def _copy_rows(read: Transaction, write: Transaction, table: str, columns: Sequence[str], size: str) -> None:
    for first, last in _pages(read, table, size):
        rows = read.rows(
            f"SELECT {','.join(columns)} FROM {table} WHERE position>=? AND position<=? ORDER BY position",
            (first, last),
        )
        write.insert(table, columns, rows)


def _pages(read: Transaction, table: str, size: str) -> Iterator[tuple[int, int]]:
    """Cut a table into spans of positions that take a bounded memory, but for one row that is larger."""
    last = 0
    while sizes := read.rows(
        f"SELECT position, {size} FROM {table} WHERE position>? ORDER BY position LIMIT ?",
        (last, _ROWS_AT_ONCE),
    ):
        total = 0
        for position, length in sizes:
            if total and total + length > _BYTES_AT_ONCE:
                break
            total += length
            last = position
        yield sizes[0][0], last


def _copy_index(read: Transaction, write: Transaction) -> None:
    after: tuple[str, int, int] = ("", -(2**62), 0)
    while rows := read.rows(
        f"SELECT {','.join(INDEX_COLUMNS)} FROM event_index WHERE ({','.join(INDEX_COLUMNS)}) > (?,?,?) "
        f"ORDER BY {','.join(INDEX_COLUMNS)} LIMIT ?",
        (*after, _ROWS_AT_ONCE * 10),
    ):
        write.insert("event_index", INDEX_COLUMNS, rows)
        after = rows[-1]
