"""Finding an event by its full id, or by the handle that people type."""

from tracker.errors import BadInputError
from tracker.events.base import HANDLE_LENGTH, Recorded
from tracker.log.recorder import Transaction
from tracker.log.selection import by_ids, in_order
from tracker.times import utc


def find_by_handle(transaction: Transaction, typed: str, up_to: int, *, on_server: bool) -> Recorded:
    """Return the event that a full id or a handle names.

    Raises:
        BadInputError: If there is none, or more than one.
    """
    typed = typed.strip().lower()
    if len(typed) < HANDLE_LENGTH:
        raise BadInputError(
            f"{typed!r} is too short for an event",
            hint=f"Type the {HANDLE_LENGTH} characters that its row begins with",
        )
    ids = [typed] if len(typed) > HANDLE_LENGTH else _ids_that_end_with(transaction, typed, on_server)
    events = in_order(by_ids(transaction, ids, up_to))
    if not events:
        raise BadInputError(
            f"there is no event {typed!r} in this log",
            hint="Every row of the timeline begins with its handle: tracker timeline INC",
        )
    if len(events) > 1:
        names = ", ".join(
            f"{event.id} ({event.event.TOPIC}, {utc(event.event.occurred_at)})" for event in events
        )
        raise BadInputError(
            f"{typed!r} is the handle of {len(events)} events: {names}", hint="Type the full id"
        )
    return events[0]


def _ids_that_end_with(transaction: Transaction, handle: str, on_server: bool) -> list[str]:
    """Scan the two indexes over ids: 25 characters an event, and none of the events themselves.

    An index over the last characters would grow at random places, which slows every append.
    """
    last = f"right(%s, {HANDLE_LENGTH})" if on_server else f"substr(%s, -{HANDLE_LENGTH})"
    ids: list[str] = []
    for column, condition in (
        ("originator_id", "originator_version=1"),
        ("decision_id", "decision_id IS NOT NULL"),
    ):
        sql = f"SELECT {column} FROM stored_events WHERE {last.replace('%s', column)}=? AND {condition}"
        ids += [row[0] for row in transaction.rows(sql, (handle,))]
    return ids
