"""Bringing a log of an earlier tracker up to date: the index rows are derived anew from the events.

Earlier trackers indexed events under fewer scopes, without a version of their own. An answer that
is read through such an index misses facts, so it is corrected before the first answer, once.
"""

from tracker.errors import StoreError
from tracker.log.recorder import SCHEMA_VERSION, LogRecorder, Transaction
from tracker.log.rows import INDEX_COLUMNS
from tracker.log.verification import events_with_index


def bring_up_to_date(recorder: LogRecorder) -> None:
    """Correct the index of a log with an older schema, in one transaction; a current log is only asked its version.

    Raises:
        StoreError: If it has to be corrected and cannot be written.
    """
    with recorder.reading() as transaction:
        if _version(transaction) == SCHEMA_VERSION:
            return
    try:
        with recorder.writing() as transaction:
            if _version(transaction) != SCHEMA_VERSION:
                _correct_index(transaction)
                transaction.rows(
                    "UPDATE log_settings SET value=? WHERE name='schema_version' RETURNING value",
                    (SCHEMA_VERSION,),
                )
    except StoreError as failure:
        raise StoreError(
            f"this log was written by an earlier tracker and must be brought up to date: {failure.message}",
            hint=f"Type once, as a user who may write it: tracker verify. {failure.hint}",
        ) from failure


def _version(transaction: Transaction) -> str:
    value: str = transaction.rows("SELECT value FROM log_settings WHERE name='schema_version'")[0][0]
    return value


def _correct_index(transaction: Transaction) -> None:
    """Add the index rows that are missing, delete those that no event has; events that cannot be decoded keep theirs."""
    missing: list[tuple[str, int, int]] = []
    extra: list[tuple[str, int, int]] = []
    for position, expected, actual in events_with_index(transaction):
        missing += [(scope, occurred_us, position) for scope, occurred_us in expected - actual]
        extra += [(scope, occurred_us, position) for scope, occurred_us in actual - expected]
    for row in extra:
        transaction.rows(
            "DELETE FROM event_index WHERE scope=? AND occurred_us=? AND position=? RETURNING position", row
        )
    if missing:
        transaction.insert("event_index", INDEX_COLUMNS, sorted(missing))
