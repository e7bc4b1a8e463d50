"""Runs whose end is not recorded yet: a file each, locked as long as its `tracker run` lives.

The file holds what is to be recorded should that process be killed. The kernel releases the lock of
a process however it ends, so a file that is not locked is of a run that was interrupted.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class OpenRun:
    """One run that has begun; closed when its end is recorded or kept."""

    def __init__(self, folder: Path, body: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Locked before it has the name by which others find it.
        descriptor, hidden = tempfile.mkstemp(dir=folder, prefix=".")
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._file.write(body)
            self._path = Path(hidden).rename(folder / f"{Path(hidden).name[1:]}.run")
        except OSError:
            Path(hidden).unlink(missing_ok=True)
            self._file.close()
            raise

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        self._file.close()


def interrupted(folder: Path) -> Iterator[bytes]:
    """Yield what is to be recorded of each run whose process is gone; what was taken is removed after it."""
    for path in sorted(folder.glob("*.run")):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file.read()
            path.unlink(missing_ok=True)
