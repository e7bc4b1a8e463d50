"""What is in the store or its inbox and is not the tracker's; in PostgreSQL the inbox is one of the log's tables."""

from pathlib import Path

from tracker.inbox.opening import SUFFIX, existing_inbox
from tracker.log import Log, Verified
from tracker.log.foreign_objects import not_ours
from tracker.log.verification import Problem


def foreign_objects(log: Log) -> list[str]:
    """Name all of it."""
    return [*log.foreign_objects, *_in_inbox(log.store)]


def add_inbox(verified: Verified, store: str) -> None:
    """Add what is in the inbox to the result of a log's check."""
    replaces = verified.whole or verified.is_only_foreign
    verified.foreign_objects += _in_inbox(store)
    if replaces and verified.foreign_objects:
        verified.first_problem = Problem(0, None, not_ours(verified.foreign_objects))


def _in_inbox(store: str) -> list[str]:
    if not Path(store + SUFFIX).exists():
        return []
    with existing_inbox(store) as inbox:
        return inbox.foreign_objects() if inbox else []
