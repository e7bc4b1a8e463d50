"""Files that hold what was recorded: only their owner may read them."""

import contextlib
import os
from pathlib import Path


def create_private(path: str | Path) -> None:
    """Create an empty file for its owner alone; one that is there keeps the mode that its owner chose.

    SQLite gives the files beside a database the mode of the database.
    """
    # What cannot be created here is reported by whoever writes to it.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def readable_by_others(path: Path) -> bool:
    """Whether another user may read or write an existing file."""
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False
