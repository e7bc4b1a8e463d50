"""What waits to be recorded: the spool of this machine, and the inbox of `tracker serve`."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tracker.application.diagnosis.examination import Examination
from tracker.application.spool import contents
from tracker.ingest.findings import Finding, ok, warning

_COUNTS = "SELECT COUNT(*), COUNT(parked) FROM"


def check(examination: Examination) -> Iterator[Finding]:
    """Count both; one that is not there is no finding."""
    store = examination.settings.store
    waiting, refused = len(contents.waiting(store)), len(contents.refused(store))
    if waiting:
        yield warning(
            "spool",
            f"{waiting} typed while the store was away wait",
            "Any command delivers them: tracker list",
        )
    if refused:
        yield warning("spool", f"{refused} were refused when they were delivered", "tracker spool list")
    held = _server(store) if "://" in store else _file(Path(f"{store}.inbox"))
    if held is None:
        return
    total, parked = held
    if parked:
        yield warning("inbox", f"{parked} deliveries could not be understood", "tracker inbox list")
    if total - parked:
        yield warning("inbox", f"{total - parked} deliveries wait to be worked up", "Start it: tracker serve")
    if not total:
        yield ok("inbox", "nothing waits")


def _file(path: Path) -> tuple[int, int] | None:
    if not path.is_file():
        return None
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(
            sqlite3.connect(
                f"file:{path.as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro", uri=True, timeout=2
            )
        ) as connection,
    ):
        found: tuple[int, int] = connection.execute(f"{_COUNTS} deliveries").fetchone()
        return found
    return None


def _server(store: str) -> tuple[int, int] | None:
    import psycopg

    with contextlib.suppress(psycopg.Error), psycopg.connect(store, connect_timeout=3) as connection:
        found = connection.execute(f"{_COUNTS} inbox_deliveries".encode()).fetchone()
        return (int(found[0]), int(found[1])) if found else None
    return None
