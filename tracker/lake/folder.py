"""The folder of an export: one writer at a time, of one log, in one format."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import BadInputError, RefusedError, StoreAwayError
from tracker.lake.table import SCHEMA
from tracker.text.shell import command

MARK = "tracker-lake.json"
WAIT_SECONDS = 600.0
"""How long an export waits for another one into the same folder."""


@dataclass(frozen=True)
class Mark:
    """What a folder holds: of which log, in which format, and which tables are expected there."""

    log: str
    format: str
    schema: int = SCHEMA
    tables: tuple[str, ...] = ()


def read_mark(folder: Path) -> Mark:
    """Return what a folder says that it holds.

    Raises:
        BadInputError: If it is no export, or its file is damaged.
        RefusedError: If a newer version wrote it.
    """
    try:
        text = (folder / MARK).read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        what = (
            f"there is no folder {folder}" if not folder.is_dir() else f"{folder} was not made by an export"
        )
        raise BadInputError(what, hint=f"Make it: {command('tracker', 'export', str(folder))}") from missing
    except OSError as wrong:
        raise unreadable(folder, wrong) from wrong
    try:
        said = json.loads(text)
        mark = Mark(str(said["log"]), str(said["format"]), int(said["schema"]), tuple(said["tables"]))
    except (ValueError, KeyError, TypeError) as broken:
        raise BadInputError(
            f"{folder / MARK} is damaged: {type(broken).__name__}", hint=start_again(folder)
        ) from broken
    if mark.schema > SCHEMA:
        raise RefusedError(
            f"the lake in {folder} has schema {mark.schema}, this tracker knows up to {SCHEMA}",
            hint="A newer tracker wrote it; upgrade this one: pip install -U tracker",
        )
    return mark


def write_mark(folder: Path, mark: Mark) -> None:
    """Write the mark in one step; nothing is written where it says so already."""
    text = json.dumps(
        {"log": mark.log, "format": mark.format, "schema": mark.schema, "tables": list(mark.tables)}, indent=2
    )
    target = folder / MARK
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return
    temporary = folder / f".{MARK}.new"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)


def prepare(folder: Path, log: str, form: str) -> None:
    """Make sure that a folder can take the export of this log in this format.

    Raises:
        RefusedError: If it holds another log's, another format's, a newer one's, or other files.
        BadInputError: If it cannot be made.
    """
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / MARK).exists():
            others = [one.name for one in folder.iterdir() if not one.name.startswith(".")]
            if others:
                raise RefusedError(
                    f"{folder} holds other files ({min(others)}) and is no export",
                    hint="Name an empty folder",
                )
            return
    mark = read_mark(folder)
    if mark.log != log:
        raise RefusedError(
            f"the lake in {folder} is of the log {mark.log}, this one is {log}",
            hint="Name another folder, or the other log: --store FILE|URL",
        )
    if mark.format != form:
        raise RefusedError(
            f"{folder} was exported as {mark.format}",
            hint=command("tracker", "export", str(folder), "--format", mark.format),
        )


@contextlib.contextmanager
def locked(folder: Path, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process: one export at a time.

    Raises:
        StoreAwayError: If another export holds it for too long.
    """
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / ".tracker-lake.lock").open("w")
    with lock:
        give_up = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise StoreAwayError(
                        f"{folder}: another process has been exporting into it for {wait_seconds:.0f} s",
                        hint="Wait for it, or stop it, and type it again",
                    ) from None
                time.sleep(0.05)
        yield


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        raise unreadable(folder, wrong) from wrong


def unreadable(folder: Path, wrong: OSError) -> BadInputError:
    """Say in one line what the disk refused."""
    reason = wrong.strerror or str(wrong)
    hint = "Name another folder"
    if wrong.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = (
            f"Free some space and type it again: what is complete stays ({command('df', '-h', str(folder))})"
        )
    return BadInputError(f"{wrong.filename or folder}: {reason.lower()}", hint=hint)


def start_again(folder: Path, table: str | None = None) -> str:
    """Return how to make an export, or one of its tables, again from the log."""
    gone = str(folder / table) if table else str(folder)
    return f"Make it again from the log: {command('rm', '-r', gone)} && {command('tracker', 'export', str(folder))}"


def fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
