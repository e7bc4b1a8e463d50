"""What is redacted is gone from the store's files, the log stays whole, and only on purpose."""

import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psycopg
import pytest

from tests.builders import alert, at, declared, deploy, error, file, note
from tests.log.test_seals import tamper
from tracker.decisions.redaction import redact
from tracker.errors import LogNotWholeError, RefusedError, StoreAwayError
from tracker.events.base import Incoming, Window, event_id
from tracker.log import Log

SECRET = "correct-horse-battery-staple"
PAYLOAD = b'{"annotations": {"summary": "' + SECRET.encode() + b'"}}'


@pytest.fixture
def written(store_url):
    """A log with the text in a note, in an alert and beside the alert, in a version, and in none of the others."""
    with Log(store_url) as log:
        log.append(
            [
                deploy(1),
                Incoming(event=alert(2, annotations={"summary": SECRET}), payload=PAYLOAD),
                deploy(3, version=SECRET),
                error(4),
            ]
        )
        log.decide("INC-1", lambda held: [declared(), note(text=f"it is {SECRET}"), note(13)])
        log.append([deploy(9)])
    return store_url


NOTE, ALERT, VERSION = (
    note(text=f"it is {SECRET}"),
    alert(2, annotations={"summary": SECRET}),
    deploy(3, version=SECRET),
)


def take_out(log, *events, **options):
    """Redact these events, as the command does, without cleaning the files."""
    found = log.by_ids([event_id(each) for each in events])
    payloads = log.payloads([each.position for each in found])
    return log.redact(
        [
            redact(
                each,
                by="ada",
                now=at(60),
                why="a password",
                payload=payloads.get(each.position, b""),
                **options,
            )
            for each in found
        ]
    )


def data_of(store_url, postgres_server=None):
    """All bytes of the files that hold the log's tables, and what lies beside a log in a file."""
    if "://" not in store_url:
        # Not in this process: closing the file would let go of SQLite's own locks on it.
        beside = sorted(Path(store_url).parent.glob(Path(store_url).name + "*"))
        return subprocess.run(["cat", *beside], capture_output=True, check=True).stdout
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        [oid] = connection.execute("SELECT oid FROM pg_database WHERE datname=current_database()").fetchone()
    folder = postgres_server.folder / "data" / "base" / str(oid)
    return b"".join(each.read_bytes() for each in folder.iterdir() if each.is_file())


@pytest.fixture
def data(store_url, request):
    """Read the store's files: data()."""
    server = request.getfixturevalue("postgres_server") if "://" in store_url else None
    return lambda: data_of(store_url, server)


def test_the_plaintext_is_in_no_file_of_the_store(written, data):
    """
    Neither in tables, nor in indexes, nor in unused parts, nor in a write-ahead log beside a file.
    """
    assert SECRET.encode() in data()
    with Log(written) as log:
        take_out(log, NOTE, ALERT, VERSION)
        log.clean()

        assert SECRET.encode() not in data()
        assert log.verify().first_problem is None

    assert SECRET.encode() not in data()


def test_the_plaintext_is_in_no_write_ahead_log_while_others_have_the_store_open(store_url, data):
    """
    Nor in a page that was free before: not every SQLite overwrites what it deletes.
    """
    with Log(store_url) as other:
        other.append([deploy(1)])
        with Log(store_url) as log:
            log.decide("INC-1", lambda held: [declared(), NOTE])
            log.append([Incoming(event=deploy(20 + n), payload=SECRET.encode() * 90) for n in range(40)])
            careless(store_url, "DELETE FROM event_payloads")
            assert SECRET.encode() in data()
            take_out(log, NOTE)
            log.clean()

            assert SECRET.encode() not in data()
        assert other.position == log_position(store_url)


def careless(store_url, statement):
    """Delete as an SQLite does that was built without SECURE_DELETE."""
    if "://" in store_url:
        tamper(store_url, (statement,))
        return
    with contextlib.closing(sqlite3.connect(store_url, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute(statement)


def log_position(store_url):
    with Log(store_url) as log:
        return log.position


def test_samples_of_columns_that_postgresql_keeps_are_gone(written, postgres_url, data, request):
    """
    ANALYZE keeps values of columns in a catalogue, where no row of ours is; a table made before we knew that, too.
    """
    if "://" not in written:
        pytest.skip("SQLite keeps none")
    with psycopg.connect(written, autocommit=True) as connection:
        connection.execute("ALTER TABLE stored_events ALTER COLUMN state SET STATISTICS 100")
        connection.execute("ANALYZE")
        assert connection.execute("SELECT 1 FROM pg_stats WHERE attname='state'").fetchone()
    with Log(written) as log:
        take_out(log, NOTE, ALERT, VERSION)
        log.clean()

    assert SECRET.encode() not in data()


def test_a_log_with_holes_is_whole_and_says_how_many(written):
    """
    Digests stay where they were: heads of before are still found.
    """
    with Log(written) as log:
        head = log.head(log.position)
        take_out(log, NOTE, ALERT)

        found = log.verify((head,))

        assert (found.first_problem, found.redacted, found.unsealed) == (None, 2, 0)
        assert found.heads == {head: 8}


def test_what_is_left_is_read_however_early_one_looks(written):
    """
    By window, by id, in order, by stream, from the library: structure, instants and who, and no text.
    """
    with Log(written) as log:
        before = log.position
        take_out(log, NOTE, ALERT, VERSION)

        for up_to in (None, before):
            [found] = log.by_ids([event_id(NOTE)], up_to)
            assert found.event == msgspec.structs.replace(NOTE, text="[redacted]")
            assert (found.redacted.by, found.redacted.why, found.redacted.at) == ("ada", "a password", at(60))
            assert found.id == event_id(NOTE)
            read = [each for each in log.read(up_to=up_to) if each.redacted]
            assert [each.id for each in read] == [event_id(ALERT), event_id(VERSION), event_id(NOTE)]
            assert event_id(NOTE) in [each.id for each in log.incident("INC-1", up_to)]
            assert event_id(ALERT) in [each.id for each in log.select([Window("service:checkout")], up_to)]
        texts = [str(each) for each in log.application.notification_log.select(1, 50)]
        assert len(texts) == log.position
        assert not [each for each in texts if SECRET in each]
        assert not [
            each for each in log.application.recorder.select_events("INC-1") if SECRET.encode() in each.state
        ]


def test_a_redacted_fact_that_is_told_again_stays_redacted(written):
    """
    Its id is known: a feed that is read again brings nothing back.
    """
    with Log(written) as log:
        take_out(log, ALERT)

        appended = log.append([Incoming(event=ALERT, payload=PAYLOAD)])

        assert (appended.recorded, appended.known) == ((), (event_id(ALERT),))
        assert log.payloads([2]) == {}


def test_a_place_that_holds_text_of_the_event_is_dropped_from_the_index(written):
    """
    And one that is structure stays.
    """
    with Log(written) as log:
        take_out(log, VERSION)

        assert log.scope_names("version:") == ["version:checkout@1.4.2", "version:checkout@[redacted]"]
        assert event_id(VERSION) in [each.id for each in log.select([Window("changes")])]


EMPTY = "UPDATE stored_events SET state=NULL, salt=NULL WHERE position=?"


@pytest.mark.parametrize(
    ("statements", "position", "said"),
    [
        ([(EMPTY, 4)], 4, "no sealed redaction names it"),
        ([("UPDATE stored_events SET salt=? WHERE position=6", b"salt")], 6, "not all of it was removed"),
        ([("INSERT INTO event_payloads VALUES (6, ?)", b"bytes")], 6, "not all of it was removed"),
        ([("UPDATE stored_events SET arrival=? WHERE position=6", b"\x80")], 6, "its arrival does not match"),
        (
            [("UPDATE stored_events SET topic='stage-changed' WHERE position=6",)],
            6,
            "its kind does not match",
        ),
        ([("UPDATE stored_events SET digest=? WHERE position=6", b"0" * 32)], 6, "names another digest"),
        (
            [("UPDATE stored_events SET recorded_us=recorded_us+1 WHERE position=6",)],
            6,
            "recording time does not match",
        ),
        ([("DELETE FROM event_index WHERE position=6",)], 6, "does not name it under 'incident:INC-1'"),
        ([("INSERT INTO event_index VALUES ('service:x', 5, 6)",)], 6, "names it under 'service:x'"),
        (
            [("UPDATE stored_events SET originator_id='INC-2' WHERE position=6",)],
            6,
            "another incident's stream",
        ),
        ([("DELETE FROM event_index WHERE position=9",)], 6, "no sealed redaction names it"),
        (
            [("UPDATE stored_events SET state=NULL, salt=NULL WHERE position=9",)],
            6,
            "no sealed redaction names it",
        ),
    ],
    ids=[
        *(
            "emptied by hand",
            "salt kept",
            "bytes kept",
            "arrival",
            "topic",
            "digest",
            "recording time",
            "index row gone",
        ),
        *("index row added", "moved", "redaction not found", "redaction emptied"),
    ],
)
def test_a_hole_that_does_not_fit_its_redaction_is_named(written, statements, position, said):
    """
    At the hole: nothing is gone without a reason that is sealed.
    """
    with Log(written) as log:
        take_out(log, NOTE)
    tamper(written, *statements)

    with Log(written) as log:
        found = log.verify().first_problem

    assert found.position == position
    assert said in found.what


def test_a_redaction_that_was_cut_off_before_its_seal_is_no_reason(written):
    """
    Somebody who empties a row can write a redaction beside it; the seal is what others hold him to.
    """
    with Log(written) as log:
        take_out(log, NOTE)
    tamper(
        written,
        ("DELETE FROM stored_events WHERE position=10",),
        ("DELETE FROM event_index WHERE position=10",),
    )

    with Log(written) as log:
        found = log.verify().first_problem
        assert (found.position, found.event) == (6, event_id(NOTE))
        assert f"tracker redact {found.event[-7:]}" in found.what
        log.seal()
        assert log.verify().whole


def test_content_that_came_back_is_named_with_what_to_type(written):
    """
    Rows of a copy from before, put back beside the redaction.
    """
    with Log(written) as log:
        columns = "state, salt"
        with log._recorder.reading() as transaction:
            [(state, salt)] = transaction.rows(f"SELECT {columns} FROM stored_events WHERE position=6")  # noqa: S608
        take_out(log, NOTE)
    tamper(written, ("UPDATE stored_events SET state=?, salt=? WHERE position=6", bytes(state), bytes(salt)))

    with Log(written) as log:
        found = log.verify().first_problem

        assert found.position == 9
        assert f"which still has its content: tracker redact {event_id(NOTE)[-7:]}" in found.what
        with pytest.raises(LogNotWholeError):
            log.redact([msgspec.structs.replace(log.read(after=8)[0].event, digest=bytes(32))])
        log.redact([log.read(after=8)[0].event])
        assert log.verify().whole


def test_reading_what_was_emptied_by_hand_says_so(written):
    """
    One line, with what to type.
    """
    tamper(written, (EMPTY, 4))

    with Log(written) as log, pytest.raises(LogNotWholeError, match="no redaction names it") as told:
        log.read()

    assert "tracker verify" in told.value.hint


def test_two_that_redact_the_same_at_once_make_one_hole_with_one_reason(written):
    """
    The slower one is told, and nothing of his is recorded.
    """
    start = threading.Barrier(4)

    def work(number):
        with Log(written) as log:
            [found] = log.by_ids([event_id(NOTE)])
            decided = redact(found, by=f"person {number}", now=at(60), why="a password")
            start.wait()
            try:
                log.redact([decided])
            except RefusedError:
                return 0
            return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 1

    with Log(written) as log:
        assert log.verify().first_problem is None
        assert len(list(log.read_all(["event-redacted"]))) == 1


def test_writers_go_on_while_something_is_redacted_and_the_files_are_written_anew(written, data):
    """
    No event is lost, none of them waits for good, and the log is whole.
    """
    stop = threading.Event()

    def write(number):
        count = 0
        with Log(written) as log:
            while not stop.is_set():
                log.append([error(1000 * (number + 1) + count)])
                count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        with Log(written) as log:
            take_out(log, NOTE, ALERT, VERSION)
            log.clean()
        stop.set()
        wrote = sum(each.result() for each in writers)

    with Log(written) as log:
        assert log.verify().first_problem is None
        assert len(list(log.read_all(["error-seen"]))) == wrote + 1
    assert SECRET.encode() not in data()


def test_a_reader_of_an_older_state_is_waited_for_and_then_named(written, monkeypatch, data):
    """
    The redaction stands; what is left to do is remembered until it is done.
    """
    monkeypatch.setattr("tracker.log.sqlite.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("tracker.log.sqlite.clean_file.__defaults__", (0.5,))
    monkeypatch.setattr("tracker.log.postgres_cleaning.clean_tables.__defaults__", (0.5,))
    with contextlib.ExitStack() as reader:
        if "://" in written:
            other = reader.enter_context(psycopg.connect(written))
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        else:
            other = reader.enter_context(contextlib.closing(sqlite3.connect(written, isolation_level=None)))
            other.execute("BEGIN")
        other.execute("SELECT * FROM stored_events").fetchone()
        with Log(written) as log:
            take_out(log, NOTE, ALERT, VERSION)
            with pytest.raises(StoreAwayError) as told:
                log.clean()
            assert "redaction is recorded" in told.value.hint
            assert sorted(log.unfinished_redactions()) == sorted(map(event_id, (NOTE, ALERT, VERSION)))
            assert log.verify().whole

    with Log(written) as log:
        log.clean()
        assert log.unfinished_redactions() == []
    assert SECRET.encode() not in data()


_KILLED = """
import os, sys
from tests.log import test_redaction as t
from tracker.log import Log, appending, erasure
step, url = sys.argv[1], sys.argv[2]
def die(*_, **__):
    os.kill(os.getpid(), 9)
with Log(url) as log:
    if step == "before the hole":
        erasure._empty = die
    elif step == "before the redaction":
        type(log._recorder).append_in = die
    elif step == "before the seal":
        erasure.next_seal = die
    elif step == "before the commit":
        appending.mark_unfinished = die
    elif step == "before the files":
        type(log._recorder).clean = die
    elif step == "after the files":
        appending.mark_finished = die
    t.take_out(log, t.NOTE, t.ALERT, t.VERSION)
    log.clean()
"""


@pytest.mark.parametrize(
    ("step", "stands"),
    [
        ("before the hole", False),
        ("before the redaction", False),
        ("before the seal", False),
        ("before the commit", False),
        ("before the files", True),
        ("after the files", True),
    ],
)
def test_killed_between_any_two_steps_it_is_done_or_not_begun(written, data, step, stands):
    """
    One transaction holds the redaction, the hole and the seal; the files are remembered until they are clean.
    """
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, step, written],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL

    with Log(written) as log:
        found = log.verify()
        assert found.first_problem is None
        assert found.redacted == (3 if stands else 0)
        assert bool(log.unfinished_redactions()) is stands
        if not stands:
            take_out(log, NOTE, ALERT, VERSION)
        log.clean()
        assert log.unfinished_redactions() == []
    assert SECRET.encode() not in data()


# ── files kept once ──────────────────────────────────────────────────────────


def attached(data, minute=13, **fields):
    event = file(minute, sha256=hashlib.sha256(data).digest(), size_bytes=len(data), by_hash=True, **fields)
    return Incoming(event=event, payload=data)


def test_a_content_is_kept_once_and_found_from_each_event(store_url):
    """
    By two incidents, under two names; the size of the store shows it.
    """
    content = os.urandom(2_000_000)
    with Log(store_url) as log:
        sizes = []
        for incident, name in (("INC-1", "a.bin"), ("INC-1", "b.bin"), ("INC-2", "c.bin")):
            log.decide(incident, lambda held, i=incident, n=name: [attached(content, incident=i, name=n)])
            sizes.append(size_of(store_url))
        log.decide("INC-2", lambda held: [attached(content + b"!", incident="INC-2", name="d.bin")])

        assert log.payloads([1, 2, 3]) == {1: content, 2: content, 3: content}
        assert log.payloads([4]) == {4: content + b"!"}
        assert sizes[2] - sizes[0] < 500_000
        assert size_of(store_url) - sizes[2] > 1_500_000
        assert log.verify().first_problem is None


def size_of(store_url):
    if "://" in store_url:
        with psycopg.connect(store_url) as connection:
            return connection.execute("SELECT pg_total_relation_size('event_payloads')").fetchone()[0]
    with contextlib.closing(sqlite3.connect(store_url)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(store_url).stat().st_size


def test_two_that_attach_the_same_at_once_keep_it_once(store_url):
    """
    Under the writer's lock: the second one finds what the first one kept.
    """
    start = threading.Barrier(4)

    def work(number):
        with Log(store_url) as log:
            start.wait()
            log.decide(f"INC-{number}", lambda held: [attached(b"the same", incident=f"INC-{number}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(1, 5)))

    with Log(store_url) as log:
        assert log.payloads([1, 2, 3, 4]) == dict.fromkeys([1, 2, 3, 4], b"the same")
        with log._recorder.reading() as transaction:
            assert transaction.rows("SELECT COUNT(*) FROM event_payloads") == [(1,)]
        assert log.verify().whole


@pytest.mark.parametrize(
    ("statement", "position", "said"),
    [
        (("UPDATE event_payloads SET data=?", b"others"), 1, "do not match its digest"),
        (("DELETE FROM event_payloads",), 1, "the bytes of its file are missing"),
        (("UPDATE event_payloads SET position=2",), None, None),
    ],
)
def test_bytes_of_a_file_that_do_not_fit_are_named(store_url, statement, position, said):
    """
    Beside which of its events they lie does not matter: the hash is what counts.
    """
    with Log(store_url) as log:
        for incident in ("INC-1", "INC-2"):
            log.decide(incident, lambda held, i=incident: [attached(b"content", incident=i)])
    tamper(store_url, statement)

    with Log(store_url) as log:
        found = log.verify().first_problem
        assert (found and found.position) == position
        assert said is None or said in found.what


def test_bytes_are_not_taken_from_an_event_that_stays(store_url):
    """
    Whoever attached them meanwhile keeps a whole log; the redaction is to be typed again.
    """
    with Log(store_url) as log:
        for incident in ("INC-1", "INC-2"):
            log.decide(incident, lambda held, i=incident: [attached(b"content", incident=i)])
        first, second = log.read()

        with pytest.raises(RefusedError, match="attached again"):
            log.redact([redact(first, by="ada", now=at(60), why="a customer", payload=b"content")])

        log.redact(
            [redact(each, by="ada", now=at(60), why="x", payload=b"content") for each in (first, second)]
        )
        assert log.payloads([1, 2]) == {}
        assert log.verify().first_problem is None
        assert log.scope_names("file:") == []
        log.decide("INC-1", lambda held: [attached(b"content", 20)])
        assert log.payloads([log.position]) == {log.position: b"content"}
        assert log.verify().whole


def test_time_goes_on(store_url):
    """
    A redaction that was decided before the last event was recorded does not put the log's clock back.
    """
    with Log(store_url) as log:
        log.decide("INC-1", lambda held: [declared(), note()])
        then = time.time()
        take_out(log, note())

        assert [each.recorded_us for each in log.read()] == sorted(each.recorded_us for each in log.read())
        assert log.read(after=2)[0].recorded_us >= (then - 1) * 1_000_000


def test_all_that_lies_open_is_sealed_with_it(store_url, monkeypatch):
    """
    In as many seals as it takes: the redaction stands at the end.
    """
    monkeypatch.setattr("tracker.log.seals.EVENTS_IN_A_SEAL", 4)
    with Log(store_url) as log:
        log.append([deploy(number) for number in range(13)])
        log.decide("INC-1", lambda held: [declared(), note()])
        take_out(log, note())

        found = log.verify()
        assert (found.first_problem, found.unsealed, found.redacted) == (None, 0, 1)
