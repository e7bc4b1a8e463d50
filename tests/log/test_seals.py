"""The log proves itself: what was changed is named at its first place, and only that."""

import contextlib
import hashlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.builders import alert, at, declared, deploy, error, merged, note
from tracker.errors import LogNotWholeError, StoreError
from tracker.events.base import REGISTRY, Incoming, encode
from tracker.log import Log, rows, seals, verification

SEALED = 8
"""Where the first seal of `written` stands."""


@pytest.fixture
def written(store_url):
    """A log of ten events: seven, a decision stream among them, a seal over these, two that lie open."""
    with Log(store_url) as log:
        log.append([deploy(1), alert(2), Incoming(event=deploy(3), payload=b"bytes beside it"), error(4)])
        log.decide("INC-1", lambda held: [declared(), note(), note(13)])
        assert log.seal() == 1
        log.append([deploy(9), deploy(10)])
        assert log.position == 10
    return store_url


def tamper(url, *statements):
    """Do to the store what no tracker does."""
    if "://" in url:
        with psycopg.connect(url) as connection:
            for sql, *values in statements:
                connection.execute(sql.replace("?", "%b").encode(), values)
    else:
        with contextlib.closing(sqlite3.connect(url)) as connection, connection:
            for sql, *values in statements:
                connection.execute(sql, values)


def verified(url, *heads):
    """Open the log anew and check it."""
    with Log(url) as log:
        return log.verify(heads)


@pytest.mark.parametrize(
    "part",
    [
        "table event_index",
        "table event_payloads",
        "index stored_events_stream",
        "index stored_events_decision",
    ],
)
def test_a_table_or_an_index_that_is_gone_is_named(written, part):
    """
    The log cannot be read, or no longer keeps two writers apart.
    """
    tamper(written, (f"DROP {part}",))

    found = verified(written).first_problem

    assert (found.position, found.event, found.what) == (0, None, f"its {part} is missing")


@pytest.mark.parametrize("statement", ["DELETE FROM log_settings", "DROP TABLE log_settings"])
def test_a_log_that_does_not_say_its_version_is_not_called_newer(written, statement):
    """
    It is not whole, and an upgrade would not mend it.
    """
    tamper(written, (statement,))

    with pytest.raises(LogNotWholeError, match="log_settings") as told:
        verified(written)

    assert "\n" not in told.value.message
    assert "upgrade" not in told.value.hint
    assert "tracker verify" not in told.value.hint


def test_what_reads_without_a_table_says_which_is_gone(written):
    """
    One line, whatever was asked.
    """
    tamper(written, ("DROP TABLE event_index",))

    with Log(written) as log, pytest.raises(LogNotWholeError, match=r"not whole: .*event_index"):
        log.latest("incidents")


def test_a_log_that_nobody_touched_is_whole(written):
    """
    And it says how many events no seal covers yet; a seal itself is not counted.
    """
    found = verified(written)

    assert found.first_problem is None
    assert (found.whole, found.events, found.position, found.unsealed) == (True, 10, 10, 2)


def test_an_empty_log_is_whole(store_url):
    """
    Its head is the one that every log begins with.
    """
    with Log(store_url) as log:
        found = log.verify((log.head(0),))

        assert (found.whole, found.events, found.head) == (True, 0, log.head(0))
        assert found.heads == {log.head(0): 0}


STATE = encode(deploy(3, version="6.6.6"))

TAMPERINGS = {
    "changed state": (
        [("UPDATE stored_events SET state=? WHERE position=3", STATE)],
        (3, "do not match its digest"),
    ),
    "changed arrival": (
        [("UPDATE stored_events SET arrival=? WHERE position=4", b"\x80")],
        (4, "do not match its digest"),
    ),
    "changed recording time": (
        [("UPDATE stored_events SET recorded_us=recorded_us+1 WHERE position=5",)],
        (5, "do not match its digest"),
    ),
    "recording time put back": (
        [("UPDATE stored_events SET recorded_us=0 WHERE position=5",)],
        (5, "recorded before"),
    ),
    "changed salt": (
        [("UPDATE stored_events SET salt=? WHERE position=2", b"0" * 16)],
        (2, "do not match its digest"),
    ),
    "changed topic": (
        [("UPDATE stored_events SET topic='deploy-failed' WHERE position=1",)],
        (1, "do not match its digest"),
    ),
    "changed version in the stream": (
        [("UPDATE stored_events SET originator_version=9 WHERE position=7",)],
        (7, "do not match its digest"),
    ),
    "changed id of a decision": (
        [("UPDATE stored_events SET decision_id='06eajd5ro1jhtjeg9vq2pggd' WHERE position=7",)],
        (7, "its id is not that of its content"),
    ),
    "changed id of a seal": (
        [("UPDATE stored_events SET decision_id='06eajd5ro1jhtjeg9vq2pggd' WHERE position=8",)],
        (8, "its id is not that of its content"),
    ),
    "changed digest": (
        [("UPDATE stored_events SET digest=? WHERE position=4", b"0" * 32)],
        (4, "do not match its digest"),
    ),
    "swapped rows": (
        [
            ("UPDATE stored_events SET position=-1 WHERE position=1",),
            ("UPDATE stored_events SET position=1 WHERE position=2",),
            ("UPDATE stored_events SET position=2 WHERE position=-1",),
        ],
        (1, "do not match its digest"),
    ),
    "deleted middle row": (
        [("DELETE FROM stored_events WHERE position=4",)],
        (5, "positions 4 to 4 are missing"),
    ),
    "deleted first rows": (
        [("DELETE FROM stored_events WHERE position<4",)],
        (4, "positions 1 to 3 are missing"),
    ),
    "emptied row": (
        [("UPDATE stored_events SET state=NULL, salt=NULL WHERE position=4",)],
        (4, "its content is missing"),
    ),
    "deleted index row": (
        [("DELETE FROM event_index WHERE position=6",)],
        (6, "the index does not name it under 'incident:INC-1'"),
    ),
    "added index row": (
        [("INSERT INTO event_index VALUES ('service:other', 5, 2)",)],
        (2, "the index names it under 'service:other' at 1970-01-01T00:00:00.000Z"),
    ),
    "moved index row": (
        [("UPDATE event_index SET occurred_us=5 WHERE position=2",)],
        (2, "the index does not name it under 'service:checkout'"),
    ),
    "index row of no event": (
        [("INSERT INTO event_index VALUES ('service:other', 5, 4711)",)],
        (4711, "an event that does not exist"),
    ),
    "index row before the first": (
        [("INSERT INTO event_index VALUES ('service:other', 5, 0)",)],
        (1, "the index names position 0"),
    ),
    "changed payload": (
        [("UPDATE event_payloads SET data=? WHERE position=3", b"other bytes")],
        (3, "do not match its digest"),
    ),
    "deleted payload": (
        [("DELETE FROM event_payloads WHERE position=3",)],
        (3, "do not match its digest"),
    ),
    "added payload": (
        [("INSERT INTO event_payloads VALUES (4, ?)", b"more")],
        (4, "do not match its digest"),
    ),
    "payload of no event": (
        [("INSERT INTO event_payloads VALUES (99, ?)", b"more")],
        (99, "a payload is stored for an event that does not exist"),
    ),
    "changed seal": (
        [("UPDATE stored_events SET state=? WHERE position=8", b"\x80")],
        (8, "do not match its digest"),
    ),
    "deleted seal": (
        [("DELETE FROM stored_events WHERE position=8",)],
        (9, "positions 8 to 8 are missing"),
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_done_to_the_store_is_named_at_its_first_place(name, written):
    """
    The position, the event and what does not fit; a later one is not spoken of.
    """
    statements, (position, said) = TAMPERINGS[name]
    assert verified(written).whole

    tamper(written, *statements)
    found = verified(written)

    assert not found.whole
    assert found.first_problem.position == position
    assert said in found.first_problem.what


def forge(url, position, **changes):
    """Change an event as one would who knows how digests are made, but not the seals' past."""
    with Log(url) as log:
        [row] = [each for each in all_rows(log) if each["position"] == position]
    row |= changes
    body = rows.body_sha256(
        row["originator_id"],
        row["originator_version"],
        row["topic"],
        row["state"],
        row["arrival"],
        row["salt"],
        row["data"],
    )
    digest = rows.digest_of(body, position, row["recorded_us"])
    tamper(
        url,
        ("UPDATE stored_events SET state=?, digest=? WHERE position=" + str(position), row["state"], digest),  # noqa: S608
    )


def all_rows(log):
    with log._recorder.reading() as transaction:
        return [
            {**stored._asdict(), "data": stored.payload} for stored in verification._all_stored(transaction)
        ]


def test_an_event_that_was_forged_with_its_digest_has_another_id(written):
    """
    The identity is made of the content.
    """
    forge(written, 2, state=encode(alert(2, name="Harmless")))

    assert "its id is not that of its content" in verified(written).first_problem.what


def test_an_event_that_was_forged_with_digest_and_id_does_not_fit_its_seal(written):
    """
    All that stands in the row is right; the seal that followed is not.
    """
    forged = alert(2, name="Harmless")
    with Log(written) as log:
        row = all_rows(log)[1]
    identity = verification.event_id(forged)
    body = rows.body_sha256(identity, 1, "alert-fired", encode(forged), b"", row["salt"], b"")
    tamper(
        written,
        (
            f"UPDATE stored_events SET originator_id='{identity}', state=?, digest=? WHERE position=2",  # noqa: S608
            encode(forged),
            rows.digest_of(body, 2, row["recorded_us"]),
        ),
    )

    found = verified(written)

    assert found.first_problem.position == SEALED
    assert "positions 1 to 7 do not match this seal" in found.first_problem.what


def test_content_that_cannot_be_read_is_named_and_not_thrown(written):
    """
    A row whose digest fits may still hold no event.
    """
    forge(written, 1, state=b"\x80")

    found = verified(written)

    assert found.first_problem.position == 1
    assert "cannot be decoded" in found.first_problem.what


def test_a_kind_that_is_not_known_is_no_damage(written, monkeypatch):
    """
    An old tracker says that it is old, not that the log is broken.
    """
    monkeypatch.delitem(REGISTRY, "error-seen")
    monkeypatch.setattr("tracker.events.base._DECODERS", {})

    with pytest.raises(StoreError, match="does not know"):
        verified(written)


def test_a_cut_tail_is_whole_but_has_no_later_head(written):
    """
    Only a head that was kept elsewhere shows it.
    """
    with Log(written) as log:
        earlier, kept = log.head(9), log.head(10)
    tamper(
        written,
        ("DELETE FROM stored_events WHERE position=10",),
        ("DELETE FROM event_index WHERE position=10",),
    )

    found = verified(written, earlier, kept)

    assert found.whole
    assert found.heads == {earlier: 9}


def test_each_head_is_found_at_its_position(written):
    """
    In capitals too; a made-up one is not found.
    """
    with Log(written) as log:
        heads = {log.head(position): position for position in range(11)}
        found = log.verify((*heads, "f" * 64))

        assert found.heads == heads
        assert found.head == log.head(10)
        assert log.verify((log.head(3).upper(),)).heads == {log.head(3): 3}


def test_a_head_stays_when_more_is_recorded_or_sealed(written):
    """
    It is a function of the log up to its position.
    """
    with Log(written) as log:
        before = [log.head(position) for position in range(11)]
        log.append([deploy(20)])
        log.seal()
        log.append([deploy(21)])
        log.seal()

        assert [log.head(position) for position in range(11)] == before
        assert len({log.head(position) for position in range(log.position + 1)}) == log.position + 1
        every = log.verify(tuple(before))
        assert every.whole
        assert list(every.heads.values()) == list(range(11))


def test_a_head_is_what_anybody_can_compute(store_url):
    """
    Without a seal it is one hash over the digests, for whoever checks it with another program.
    """
    with Log(store_url) as log:
        log.append([deploy(1), deploy(2)])

        start = hashlib.sha256(b"tracker log 1").digest()
        assert log.head(2) == hashlib.sha256(start + b"".join(each.digest for each in log.read())).hexdigest()


def test_sealing_covers_all_that_lies_open(store_url, monkeypatch):
    """
    In as many seals as it takes, and then there is nothing to seal.
    """
    monkeypatch.setattr(seals, "EVENTS_IN_A_SEAL", 10)
    with Log(store_url) as log:
        log.append([error(number) for number in range(25)])

        assert log.seal() == 3
        assert log.verify().unsealed == 0
        assert log.seal() == 0
        assert [(each.event.after, each.event.through) for each in log.read_all(["log-sealed"])] == [
            (0, 10),
            (10, 20),
            (20, 27),
        ]
        assert log.verify().whole


def test_sealing_can_wait_for_enough(store_url):
    """
    A timer that seals every hour makes no seal for one event.
    """
    with Log(store_url) as log:
        log.append([deploy(1), deploy(2)])

        assert log.seal(3) == 0
        assert log.seal(2) == 1
        log.append([deploy(3)])
        assert log.seal(2) == 0


@pytest.mark.parametrize("many", [1, 7])
def test_a_log_seals_itself(store_url, monkeypatch, many):
    """
    As soon as so many lie open, whether they come one by one or many at once, by a process that has just started.
    """
    monkeypatch.setattr("tracker.log.appending.SEAL_EVERY", 20)
    numbers = iter(range(10_000))
    for _ in range(70 // many):
        with Log(store_url) as log:
            log.append([error(next(numbers)) for _ in range(many)])
            assert log.verify().unsealed < 20

    with Log(store_url) as log:
        made = [each.event.count for each in log.read_all(["log-sealed"])]
        assert len(made) == 3
        assert log.verify().whole


def test_decisions_are_sealed_too(store_url, monkeypatch):
    """
    Whichever way an event came in.
    """
    monkeypatch.setattr("tracker.log.appending.SEAL_EVERY", 5)
    with Log(store_url) as log:
        log.decide("INC-1", lambda held: [declared()])
        for minute in range(4):
            log.decide("INC-1", lambda held, minute=minute: [note(minute)])

        assert log.verify().unsealed == 0


def test_a_seal_that_cannot_be_made_takes_nothing_back(store_url, monkeypatch):
    """
    The events were recorded; to say that they were not would be wrong.
    """
    monkeypatch.setattr("tracker.log.appending.SEAL_EVERY", 2)

    def fail(*_):
        raise StoreError("the disk is full")

    with Log(store_url) as log:
        with monkeypatch.context() as full:
            full.setattr("tracker.log.appending.next_seal", fail)
            assert len(log.append([deploy(1), deploy(2)]).recorded) == 2
        log.append([deploy(3)])

        assert log.verify().unsealed == 0


def test_two_sealers_at_once_make_one_chain(store_url):
    """
    They meet at the unique version of the seals' stream.
    """
    with Log(store_url) as log:
        log.append([error(number) for number in range(50)])
    start = threading.Barrier(4)

    def work(number):
        with Log(store_url) as log:
            start.wait()
            for step in range(5):
                log.append([deploy(number * 100 + step)])
                log.seal()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    found = verified(store_url)
    assert found.first_problem is None
    with Log(store_url) as log:
        log.seal()
        made = [each.event for each in log.read_all(["log-sealed"])]
    assert [each.after for each in made] == [0, *(each.through for each in made[:-1])]


def test_an_event_between_making_and_appending_a_seal_is_covered_by_the_next(store_url, monkeypatch):
    """
    A seal names positions, so what comes in between is neither lost nor covered twice.
    """
    with Log(store_url) as log, Log(store_url) as other:
        log.append([deploy(1)])
        original = seals.next_seal

        def slow(transaction, now_us, minimum):
            made = original(transaction, now_us, minimum)
            if made is not None and other.position == 1:
                other.append([deploy(2)])
            return made

        monkeypatch.setattr("tracker.log.appending.next_seal", slow)
        log.seal()

        found = log.verify()
        assert [each.event.TOPIC for each in log.read()][:3] == [
            "deploy-finished",
            "deploy-finished",
            "log-sealed",
        ]
        assert found.whole
        assert found.unsealed == 1


def test_a_large_log_is_checked_page_by_page(store_url, monkeypatch):
    """
    Neither rows nor index are read at once, and nothing is lost where a page ends.
    """
    monkeypatch.setattr(verification, "_PAGE", 7)
    monkeypatch.setattr(verification, "_INDEX_PAGE", 5)
    with Log(store_url) as log:
        log.append([deploy(number) for number in range(40)])
        log.seal()
        assert log.verify().whole

    for position in (13, 26, 39):
        tamper(store_url, (f"INSERT INTO event_index VALUES ('extra', 0, {position})",))  # noqa: S608
        assert verified(store_url).first_problem.position == position
        tamper(store_url, ("DELETE FROM event_index WHERE scope='extra'",))


def test_progress_is_told(store_url):
    """
    Every 500 events, with how many there are.
    """
    told = []
    with Log(store_url) as log:
        log.append([error(number) for number in range(700)])
        log.verify(progress=lambda done, total: told.append((done, total)))

    assert told == [(500, 700)]


def test_the_same_clock_and_salts_make_the_same_head(tmp_path, store_url):
    """
    So the demo's report is the same each time, on either store.
    """

    def head(url):
        with Log(url, now=lambda: at(0), salts=lambda event: b"salt" * 4) as log:
            log.append([deploy(1), alert(2)])
            log.decide("INC-1", lambda held: [declared(), merged()])
            log.seal()
            return log.head(log.position)

    assert head(store_url) == head(str(tmp_path / "other.db"))


def test_salts_hide_what_an_event_says(store_url, tmp_path):
    """
    Whoever guesses a content cannot check the guess against its digest: two logs of one fact differ.
    """
    digests = set()
    for url in (store_url, str(tmp_path / "other.db")):
        with Log(url, now=lambda: at(0)) as log:
            log.append([deploy(1)])
            digests.add(log.read()[0].digest)

    assert len(digests) == 2
