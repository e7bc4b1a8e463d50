"""The heads that `tracker serve` told, kept apart from the log: a log that was put back does not have the last ones."""

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from tracker.application.session import Session
from tracker.log import Log
from tracker.log.private_files import create_private
from tracker.text.shell import command
from tracker.times import utc

_MOST_ASKED = 100


class ToldHead(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a log at a position, and when serve logged it."""

    log: str
    position: int
    head: str
    told_at: str


def path_of(store: str) -> Path:
    """Return the file of a store's told heads, with this user's state."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "heads" / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.jsonl"


def tell(session: Session) -> ToldHead | None:
    """Return the log's head and keep it; None for an empty log."""
    log = session.log
    position = log.position
    if not position:
        return None
    told = ToldHead(log=log.id or "", position=position, head=log.head(position), told_at=utc(session.now))
    path = path_of(session.settings.store)
    # What cannot be kept is told all the same.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_private(path)
        with path.open("ab") as file:
            file.write(msgspec.json.encode(told) + b"\n")
    return told


def lost(log: Log, store: str) -> ToldHead | None:
    """Return the last told head that the log does not have; None if it has all of them."""
    try:
        lines = path_of(store).read_bytes().splitlines()[-_MOST_ASKED:]
    except OSError:
        return None
    for line in reversed(lines):
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            told = msgspec.json.decode(line, type=ToldHead)
            if told.log != log.id or told.position > log.position or log.head(told.position) != told.head:
                return told
    return None


def described(told: ToldHead, store: str) -> tuple[str, str]:
    """Say what is lost, and what to type."""
    says = (
        f"this log does not have the head that the server told at {told.told_at}: position {told.position}, "
        f"head {told.head}. It was cut off, put back from an earlier copy, or is another log"
    )
    return says, f"If that was on purpose: {command('rm', path_of(store))}; else see docs/backup.md"
