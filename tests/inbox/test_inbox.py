"""An inbox keeps what came, in order, until somebody lets go of it: the same in both stores."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.stores import small_disk
from tracker.errors import StoreAwayError, StoreError
from tracker.inbox import postgres as in_postgres
from tracker.inbox import sqlite
from tracker.inbox.opening import open_inbox
from tracker.inbox.queue import Counts, Delivery
from tracker.log import Log


def delivery(number=1, **fields):
    return Delivery(
        **{
            "route": "alertmanager",
            "source": "prod",
            "key": f"key-{number}",
            "received_us": 1_700_000_000_000_000 + number,
            "headers": {"content-type": "application/json"},
            "body": b'{"number": %d}' % number,
            **fields,
        }
    )


@pytest.fixture
def inbox(store_url):
    """A new, empty inbox."""
    with contextlib.closing(open_inbox(store_url)) as opened:
        yield opened


def deliveries(inbox, limit=1000):
    return [held.delivery for held in inbox.waiting(limit)]


# ── what is kept ─────────────────────────────────────────────────────────────


def test_what_came_waits_in_the_order_of_arrival(inbox):
    """
    Byte for byte, over several transactions, and no more than was asked for.
    """
    came = [delivery(number, body=bytes([0, 255, number])) for number in range(1, 6)]
    inbox.put(came[:2])
    inbox.put(came[2:])

    assert deliveries(inbox) == came
    assert deliveries(inbox, limit=3) == came[:3]
    assert inbox.counts() == Counts(5, 0, came[0].received_us)


def test_what_is_finished_is_gone(inbox):
    """
    The others wait on; finishing again what is gone does nothing.
    """
    inbox.put([delivery(1), delivery(2), delivery(3)])
    first, second, _ = inbox.waiting(10)

    inbox.finish([first.number, second.number])
    inbox.finish([first.number])

    assert deliveries(inbox) == [delivery(3)]
    assert inbox.counts().waiting == 1


def test_the_same_delivery_twice_is_kept_twice(inbox):
    """
    The log knows what is known; the inbox asks nobody before it answers.
    """
    inbox.put([delivery(1)])
    inbox.put([delivery(1)])

    assert deliveries(inbox) == [delivery(1), delivery(1)]


def test_what_is_parked_waits_no_more_and_tells_why(inbox):
    """
    It keeps its number, its size is told, its body stays where it is; others are not held up.
    """
    inbox.put([delivery(1), delivery(2, body=b"x" * 100), delivery(3)])
    held = inbox.waiting(10)[1]

    inbox.park(held.number, "no JSON\0 at all \ud800")

    [parked] = inbox.parked()
    assert deliveries(inbox) == [delivery(1), delivery(3)]
    assert (parked.number, parked.size_bytes, parked.attempts) == (held.number, 100, 1)
    assert (parked.route, parked.source, parked.key) == ("alertmanager", "prod", "key-2")
    assert parked.reason.startswith("no JSON")
    assert inbox.counts() == Counts(2, 1, delivery(1).received_us)


def test_what_is_retried_waits_at_its_old_place(inbox):
    """
    All of it or these numbers only; how often it failed is remembered.
    """
    inbox.put([delivery(1), delivery(2), delivery(3)])
    numbers = [held.number for held in inbox.waiting(10)]
    for number in numbers[:2]:
        inbox.park(number, "why")

    assert inbox.retry([numbers[1], numbers[2], 999]) == 1
    assert deliveries(inbox) == [delivery(2), delivery(3)]
    assert inbox.retry() == 1
    assert deliveries(inbox) == [delivery(1), delivery(2), delivery(3)]
    assert [held.attempts for held in inbox.waiting(10)] == [1, 1, 0]
    assert inbox.retry() == 0


def test_the_oldest_that_waits_is_by_its_arrival(inbox):
    """
    After a clock that jumped, the last one may have the earliest instant.
    """
    inbox.put([delivery(9), delivery(2)])

    assert inbox.counts().oldest_us == delivery(2).received_us


def test_an_empty_inbox_is_empty(inbox):
    """
    Nothing waits, nothing is parked, nothing is the oldest.
    """
    assert inbox.waiting(10) == []
    assert inbox.parked() == []
    assert inbox.counts() == Counts(0, 0, None)
    inbox.finish([])
    inbox.put([])


def test_no_more_is_read_at_once_than_fits(inbox):
    """
    Many large bodies come out in several pieces, in order; one that is too large alone comes alone.
    """
    inbox.put([delivery(number, body=b"x" * size) for number, size in enumerate((400, 400, 900, 3000, 10))])

    sizes = []
    while batch := inbox.waiting(100, most_bytes=1000):
        sizes.append([len(held.delivery.body) for held in batch])
        inbox.finish([held.number for held in batch])

    assert sizes == [[400, 400], [900], [3000], [10]]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Delivery,
            route=TEXT,
            source=TEXT,
            key=TEXT,
            received_us=st.integers(0, 2**60),
            headers=st.dictionaries(TEXT, TEXT, max_size=3),
            body=st.binary(max_size=200),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_whatever_came_comes_out_as_it_was(inbox, came):
    """
    Any text that the door lets in, any bytes.
    """
    inbox.put(came)
    held = inbox.waiting(100)
    inbox.finish([each.number for each in held])

    assert [each.delivery for each in held] == came
    assert inbox.counts().waiting == 0


# ── several at it ────────────────────────────────────────────────────────────


def test_two_openers_share_one_inbox(store_url):
    """
    What one keeps the other sees at once; both may write at the same time, and nothing is lost.
    """
    with contextlib.closing(open_inbox(store_url)) as one, contextlib.closing(open_inbox(store_url)) as other:

        def fill(inbox, first):
            for number in range(first, first + 50):
                inbox.put([delivery(number)])

        threads = [
            threading.Thread(target=fill, args=pair) for pair in ((one, 0), (other, 1000), (one, 2000))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        keys = [each.key for each in deliveries(other)]
        assert len(keys) == len(set(keys)) == 150
        assert deliveries(one) == deliveries(other)


def test_what_was_kept_outlives_the_process(store_url):
    """
    A process that ends without a word at the end of `put` has kept it.
    """
    code = (
        "import os, sys; from tests.inbox.test_inbox import delivery; from tracker.inbox.opening import open_inbox;"
        "open_inbox(sys.argv[1]).put([delivery(1)]); os._exit(9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, store_url], check=False)

    assert ended.returncode == 9
    with contextlib.closing(open_inbox(store_url)) as inbox:
        assert deliveries(inbox) == [delivery(1)]


def test_every_put_is_synced_to_the_disk(store_url):
    """
    An answer may rely on it also when the power fails: both stores are told so.
    """
    with contextlib.closing(open_inbox(store_url)) as inbox:
        if "://" in store_url:
            asked = []
            inbox._transaction, real = None, inbox._transaction

            @contextlib.contextmanager
            def watched():
                with real() as execute:
                    yield execute
                    asked.append(execute("SHOW synchronous_commit").fetchall()[0][0])

            inbox._transaction = watched
            with psycopg.connect(store_url, autocommit=True) as connection:
                name = connection.info.dbname
                connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
            inbox.close()
            inbox.put([delivery(1)])
            assert asked == ["on"]
        else:
            assert inbox._connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert inbox._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# ── a store that is no good ──────────────────────────────────────────────────


def refused(kind, said):
    return pytest.raises(kind, match=said)


def test_a_damaged_file_is_named(tmp_path):
    """
    One line with the file, and what to look at.
    """
    path = tmp_path / "tracker.db.inbox"
    path.write_bytes(b"these are notes, not a database\n" * 200)

    with refused(StoreError, rf"the inbox {path} cannot be used: file is not a database") as found:
        open_inbox(str(tmp_path / "tracker.db"))

    assert type(found.value) is StoreError
    assert "\n" not in found.value.message
    assert str(path) in found.value.hint
    assert path.read_bytes().startswith(b"these are notes")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """
    Nothing is made by the way.
    """
    with refused(StoreError, "the folder .* does not exist"):
        open_inbox(str(tmp_path / "none" / "tracker.db"))

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("opened", "suffix"), [(Log, ""), (open_inbox, ".inbox")])
def test_a_new_file_that_another_program_opens_too_is_waited_for(opened, suffix, tmp_path):
    """
    SQLite gives up at once where two programs switch a new file to write-ahead mode; both of them open it.
    """
    store = str(tmp_path / "tracker.db")
    other = sqlite3.connect(store + suffix, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other.execute, ["ROLLBACK"]).start()

    opened(store).close()

    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_locked_inbox_is_away_and_comes_back(store_url, monkeypatch):
    """
    Another process that holds it makes a write fail in time, not hang; afterwards all is as before.
    """
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(in_postgres, "LOCK_TIMEOUT_SECONDS", 1)
    with contextlib.closing(open_inbox(store_url)) as inbox:
        inbox.put([delivery(1)])
        with holding(store_url), pytest.raises(StoreAwayError):
            inbox.put([delivery(2)])
        inbox.put([delivery(3)])

        assert deliveries(inbox) == [delivery(1), delivery(3)]


@contextlib.contextmanager
def holding(store):
    """Hold the inbox against every writer."""
    if "://" in store:
        with psycopg.connect(store) as connection:
            connection.execute("LOCK TABLE inbox_deliveries IN ACCESS EXCLUSIVE MODE")
            yield
    else:
        with contextlib.closing(sqlite3.connect(store + ".inbox", isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield


def test_on_a_full_disk_nothing_is_half_kept(tmp_path):
    """
    The write fails as a whole and says so; what was kept before stays, and it goes on once there is room.
    """
    with (
        small_disk(2, tmp_path / "disk") as disk,
        contextlib.closing(open_inbox(str(disk / "tracker.db"))) as inbox,
    ):
        inbox.put([delivery(1)])
        with pytest.raises(StoreAwayError, match="full"):
            inbox.put([delivery(2), delivery(3, body=os.urandom(4 << 20))])
        inbox.put([delivery(4)])

        assert deliveries(inbox) == [delivery(1), delivery(4)]


def test_a_postgresql_that_is_away_is_told_in_a_line(monkeypatch):
    """
    Nobody listens there: no traceback, no password, and a hint.
    """
    with pytest.raises(StoreAwayError, match="does not answer") as found:
        open_inbox("postgresql://ada:secret@127.0.0.1:1/none")

    assert "\n" not in found.value.message
    assert "secret" not in found.value.message
    assert found.value.hint


def test_a_connection_that_was_cut_is_made_anew(postgres_url):
    """
    Not every sender comes again: a write outlives a server that was restarted in between.
    """
    with contextlib.closing(open_inbox(postgres_url)) as inbox:
        inbox.put([delivery(1)])
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='tracker inbox'"
            ).fetchall()
        inbox.put([delivery(2)])

        assert cut == [(True,)]
        assert deliveries(inbox) == [delivery(1), delivery(2)]
