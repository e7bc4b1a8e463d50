"""A backup is the whole log with its inbox, made while others write, from either store into either."""

import contextlib
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.builders import alert, at, declared, deploy, error, file, note, samples
from tests.servers.postgres import Postgres
from tracker.application import backup
from tracker.application.backup import make_backup
from tracker.application.session import Options, Session
from tracker.decisions.redaction import redact
from tracker.errors import LogNotWholeError, RefusedError, StoreAwayError, StoreError
from tracker.events.base import Incoming, event_id
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Delivery
from tracker.log import Log

QUERIES = ("SELECT * FROM stored_events", "SELECT * FROM event_index", "SELECT * FROM event_payloads")


def delivery(number: int) -> Delivery:
    return Delivery(
        route="alertmanager",
        source="prod",
        key=f"k{number}",
        received_us=number,
        headers={"a": "b"},
        body=b"{}",
    )


def rows_of(store: str) -> list[list[str]]:
    """Return all rows of a log, whichever store it is in."""
    with contextlib.closing(
        psycopg.connect(store) if "://" in store else sqlite3.connect(store)
    ) as connection:
        return [sorted(map(repr, connection.execute(query).fetchall())) for query in QUERIES]


def backed_up(store: str, target: str) -> backup.Backup:
    session = Session(Options(store=store, by="ada"))
    try:
        return make_backup(session, target)
    finally:
        session.close()


@pytest.fixture
def written(store_url: str) -> str:
    """A log with facts, decisions, payloads, a shared file, samples, seals, a redaction, and events after it."""
    with Log(store_url, now=lambda: at(90)) as log:
        log.append(
            [
                deploy(1),
                Incoming(event=alert(2, annotations={"summary": "secret"}), payload=b'{"summary": "secret"}'),
                *(error(3 + number / 100) for number in range(50)),
                samples(),
            ]
        )
        log.decide("INC-1", lambda held: [declared(), note(text="the secret is out")])
        log.decide("INC-1", lambda held: [Incoming(event=file(), payload=b"x" * 300_000)])
        log.seal()
        [target] = log.by_ids([event_id(note(text="the secret is out"))])
        log.redact([redact(target, by="ada", now=at(80), why="typed by mistake", payload=b"")])
        log.clean()
        log.append([deploy(9)])
    return store_url


@pytest.fixture(params=["file", "database"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place for a backup in each store."""
    if request.param == "file":
        yield str(tmp_path / "copy.db")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


def test_a_copy_has_every_row_and_the_same_head(written: str, target: str, tmp_path: Path):
    """
    From a file and from PostgreSQL, into each of them, and back into a file: positions, digests and seals stay.
    """
    inbox = open_inbox(written)
    inbox.put([delivery(number) for number in range(3)])
    inbox.park(2, "no JSON")
    inbox.close()
    with Log(written) as log:
        position, head, identity = log.position, log.head(log.position), log.id

    there = backed_up(written, target)
    back = str(tmp_path / "back.db")
    again = backed_up(target, back)

    assert (there.position, there.head, there.deliveries) == (position, head, 3)
    assert (again.position, again.head, again.deliveries) == (position, head, 3)
    for store in (target, back):
        with Log(store) as log:
            assert log.id == identity
            assert log.verify((head,)).heads == {head: position}
            log.append([deploy(99)])
            assert log.verify().whole
        restored = open_inbox(store)
        assert [queued.delivery for queued in restored.waiting(9)] == [
            delivery(number) for number in range(3)
        ]
        restored.close()


def test_a_copy_has_the_same_rows(written: str, tmp_path: Path):
    """
    A file's copy compares row by row.
    """
    if "://" in written:
        middle = written
        written = str(tmp_path / "first.db")
        backed_up(middle, written)
    backed_up(written, str(tmp_path / "copy.db"))

    assert rows_of(str(tmp_path / "copy.db")) == rows_of(written)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith((".", "copy"))) == [
        "copy.db"
    ]


def test_a_copy_under_load_has_all_that_was_acknowledged_before_it_began(store_url: str, tmp_path: Path):
    """
    What was answered 202 is in the inbox or in the log of the copy, wherever it was when its turn came.
    """
    with Log(store_url) as log:
        log.append([deploy(1)])
    acknowledged: list[int] = []
    stop = threading.Event()
    failures: list[BaseException] = []

    def running(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as failure:  # noqa: BLE001 - shown by the test
                failures.append(failure)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def receive() -> None:
        inbox, number = open_inbox(store_url), 0
        while not stop.is_set():
            inbox.put([delivery(number)])
            acknowledged.append(number)
            number += 1
        inbox.close()

    def process() -> None:
        inbox = open_inbox(store_url)
        with Log(store_url) as log:
            while not stop.is_set():
                for queued in inbox.waiting(20):
                    log.append([deploy(1, version=queued.delivery.key)])
                    inbox.finish([queued.number])
        inbox.close()

    threads = [running(receive), running(process)]
    try:
        for number in range(4):
            while len(acknowledged) < 30 * (number + 1):
                assert not failures, failures
                stop.wait(0.05)
            before = list(acknowledged)
            copy = str(tmp_path / f"copy-{number}.db")
            made = backed_up(store_url, copy)

            inbox = open_inbox(copy)
            held = {queued.delivery.key for page in iter_pages(inbox) for queued in page}
            inbox.close()
            with Log(copy) as log:
                assert log.head(log.position) == made.head
                held |= {getattr(recorded.event, "version", "") for recorded in log.read()}
            assert {f"k{one}" for one in before} - held == set()
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not failures, failures


def iter_pages(inbox) -> Iterator[list]:
    number = 0
    while page := inbox.after(number):
        yield page
        number = page[-1].number


def test_nothing_is_overwritten(written: str, target: str, tmp_path: Path):
    """
    A file that is there, whatever it is, and a database that has a log already.
    """
    backed_up(written, target)
    before = rows_of(target)

    with pytest.raises(RefusedError):
        backed_up(written, target)
    assert rows_of(target) == before
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "left.db.inbox").write_text("mine")
    for name in ("notes.txt", "left.db", ""):
        with pytest.raises(RefusedError):
            backed_up(written, str(tmp_path / name))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_redaction_that_is_not_finished_is_not_copied(written: str, tmp_path: Path, monkeypatch):
    """
    Its text may still be in the inbox: it would come back with the copy.
    """
    monkeypatch.setattr(backup, "REDACTION_SECONDS", 0.3)
    with Log(written) as log:
        [target] = log.by_ids([event_id(alert(2, annotations={"summary": "secret"}))])
        payload = log.payloads([target.position])[target.position]
        log.redact([redact(target, by="ada", now=at(95), why="x", payload=payload)])

    with pytest.raises(StoreAwayError, match="is not finished"):
        backed_up(written, str(tmp_path / "copy.db"))
    with Log(written) as log:
        log.clean()
    backed_up(written, str(tmp_path / "copy.db"))


def test_a_redaction_during_the_copy_leaves_no_copy(written: str, tmp_path: Path, monkeypatch):
    """
    The inbox was copied with the text, the log without it.
    """
    real = Log.copy_into

    def late(self, other):
        with Log(written) as log:
            [target] = log.by_ids([event_id(alert(2, annotations={"summary": "secret"}))])
            payload = log.payloads([target.position])[target.position]
            log.redact([redact(target, by="ada", now=at(95), why="x", payload=payload)])
        return real(self, other)

    monkeypatch.setattr(Log, "copy_into", late)

    with pytest.raises(StoreAwayError, match="redacted meanwhile"):
        backed_up(written, str(tmp_path / "copy.db"))
    assert not list(tmp_path.glob("*copy.db*"))


def test_a_damaged_log_has_no_backup(tmp_path: Path):
    """
    It is named, and no copy is left that looks like one.
    """
    store = str(tmp_path / "tracker.db")
    with Log(store) as log:
        log.append([deploy(1), deploy(2)])
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE stored_events SET recorded_us=recorded_us+1 WHERE position=2")
    connection.close()

    with pytest.raises(LogNotWholeError, match="the copy is not whole"):
        backed_up(store, str(tmp_path / "copy.db"))
    assert not list(tmp_path.glob("*copy.db*"))


def test_a_full_disk_leaves_nothing(tmp_path: Path):
    """
    One line says so; the log goes on.
    """
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs a user that may mount a tmpfs")
    try:
        store = str(tmp_path / "tracker.db")
        with Log(store) as log:
            log.append([Incoming(event=alert(2), payload=b"x" * 2_000_000)])
        with pytest.raises(StoreError, match="full"):
            backed_up(store, str(small / "copy.db"))
        assert list(small.iterdir()) == []
        with Log(store) as log:
            assert log.verify().whole
    finally:
        subprocess.run(["umount", str(small)], check=False)
