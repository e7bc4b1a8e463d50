"""A whole copy of the log and of its inbox, while others write; from either store into a file or a database.

What the inbox holds is copied first: a delivery that is processed meanwhile is in both, and the log
skips the second. The other way round it could be in neither.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracker.application.session import Session
from tracker.errors import BadInputError, LogNotWholeError, RefusedError, StoreAwayError
from tracker.events.base import handle_of
from tracker.inbox.opening import SUFFIX, existing_inbox, open_inbox
from tracker.log import Log
from tracker.settings.store_address import check_address, is_address, shown_address

REDACTION_SECONDS = 30.0
"""How long a backup waits for a redaction that runs: until it is done, the inbox may hold its text."""


@dataclass(frozen=True)
class Backup:
    """What was copied; `head` is the log's at `position`, and `deliveries` waited or were parked in the inbox."""

    target: str
    log: str | None
    position: int
    head: str
    deliveries: int


def make_backup(session: Session, target: str) -> Backup:
    """Copy the log and its inbox into a new file, or into an empty PostgreSQL database.

    Raises:
        RefusedError: If the target is there already.
        BadInputError: If the folder is not there.
        LogNotWholeError: If the copy is not whole, so that the log itself may be damaged.
    """
    if is_address(target):
        check_address(target)
        with _refused_if_taken(target):
            return _copied(session, target, target)
    path = Path(target)
    _refuse_existing(path)
    if not path.parent.is_dir():
        raise BadInputError(f"{path}: there is no folder {path.parent}", hint="Name another FILE")
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent)
    except OSError as wrong:
        raise BadInputError(
            f"{path}: cannot be written: {wrong.strerror}", hint="Name another FILE"
        ) from wrong
    with folder as made:
        copy = Path(made) / path.name
        backup = _copied(session, str(copy), target)
        _refuse_existing(path)
        # The log comes last: where FILE is, the backup is complete.
        for suffix in (SUFFIX, ""):
            if (written := Path(f"{copy}{suffix}")).exists():
                _onto_disk(written)
                written.rename(f"{path}{suffix}")
        _onto_disk(path.parent)
    return backup


def _copied(session: Session, store: str, target: str) -> Backup:
    """Copy into a new store; a redaction that runs meanwhile is waited for, so that neither part holds its text."""
    give_up = time.monotonic() + REDACTION_SECONDS
    while unfinished := session.log.unfinished_redactions():
        if time.monotonic() > give_up:
            handle = handle_of(unfinished[0])
            raise StoreAwayError(
                f"the redaction of {handle} is not finished, and the inbox may still hold its text",
                hint=f"Finish it: tracker redact {handle}",
            )
        time.sleep(0.2)
    with existing_inbox(session.settings.store) as inbox, Log(store) as copy:
        before = session.log.count("event-redacted")
        deliveries = 0
        if inbox is not None and inbox.counts():
            other = open_inbox(store)
            try:
                deliveries = inbox.copy_into(other)
            finally:
                other.close()
        position, head = session.log.copy_into(copy)
        again = "Drop that database, and type it again" if is_address(target) else "Type it again"
        if copy.count("event-redacted") != before:
            raise StoreAwayError(
                "an event was redacted meanwhile: the copy may hold its text, and is of no use", hint=again
            )
        found = copy.verify()
        if not found.whole or found.head != head:
            what = found.first_problem.what if found.first_problem else "its head is another"
            raise LogNotWholeError(
                f"the copy is not whole: {what}", hint=f"Check the log itself: tracker verify. {again}"
            )
        return Backup(shown_address(target), copy.id, position, head, deliveries)


def _refuse_existing(path: Path) -> None:
    for file in (path, Path(f"{path}{SUFFIX}")):
        if file.exists() or file.is_symlink():
            raise RefusedError(f"{file} already exists and was not overwritten", hint="Name another FILE")


@contextlib.contextmanager
def _refused_if_taken(target: str) -> Iterator[None]:
    """Refuse a database that has a log or deliveries, before anything is written to it."""
    shown = shown_address(target)
    with Log(target) as log, existing_inbox(target) as inbox:
        if log.position or (inbox is not None and inbox.counts()):
            raise RefusedError(
                f"{shown} holds a log already, and was not overwritten",
                hint="Name an empty database: createdb NAME",
            )
    yield


def _onto_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
