"""What is appended is there, once, whole, in one sequence; whoever else writes."""

import contextlib
import itertools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.builders import alert, at, declared, deploy, error, note, one_of_each, recorded, streams
from tracker.errors import RefusedError, StoreError
from tracker.events.base import Arrival, Incoming, event_id
from tracker.log import Log, appending

FACTS = streams(one_of_each())


@pytest.fixture
def log(store_url):
    with Log(store_url) as opened:
        yield opened


def run(program, *arguments):
    """Start another process that runs these lines."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(process, seconds=120):
    """Wait for it, in bounded time; what it printed."""
    try:
        out, trouble = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"still not done after {seconds} s")
    assert process.returncode == 0, trouble
    return out


def test_what_was_appended_is_read_back(log):
    """
    Every kind, in the order given, with positions from 1.
    """
    appended = log.append(FACTS)

    assert [each.event for each in log.read()] == list(FACTS)
    assert [each.position for each in log.read()] == list(range(1, len(FACTS) + 1))
    assert appended.recorded == tuple(event_id(each) for each in FACTS)
    assert appended.position == log.position == len(FACTS)


def test_an_empty_feed_is_no_event(log):
    """
    Nothing in, nothing recorded.
    """
    assert log.append([]) == ((), (), 0)
    assert log.position == 0


def test_a_fact_that_is_told_again_is_known(log):
    """
    Another arrival of the same content records nothing, and the first arrival stays.
    """
    first = Incoming(event=alert(), arrival=Arrival(via="webhook", received_at=at(5)))
    again = Incoming(event=alert(), arrival=Arrival(via="poll", received_at=at(9)))
    log.append([first])

    appended = log.append([again])

    assert appended.recorded == ()
    assert appended.known == (event_id(alert()),)
    [held] = log.read()
    assert held.arrival == first.arrival


def test_a_duplicate_inside_a_batch_counts_once(log):
    """
    Whether the log has it already or not.
    """
    log.append([deploy(1)])

    appended = log.append([deploy(1), deploy(1), deploy(2), deploy(2)])

    assert appended.known == (event_id(deploy(1)),)
    assert appended.recorded == (event_id(deploy(2)),)
    assert log.append([deploy(1), deploy(1)]).known == (event_id(deploy(1)),)


def test_a_feed_that_fails_in_the_middle_leaves_nothing(log, monkeypatch):
    """
    The events are in, the index row fails: none of the feed is there, and the next append works.
    """
    cls = type(log._recorder)
    original = cls.writing

    @contextlib.contextmanager
    def failing(self):
        with original(self) as transaction:
            insert = transaction.insert

            def stop(table, columns, rows):
                if table == "event_index":
                    raise ZeroDivisionError
                insert(table, columns, rows)

            transaction.insert = stop
            yield transaction

    with monkeypatch.context() as broken:
        broken.setattr(cls, "writing", failing)
        with pytest.raises(ZeroDivisionError):
            log.append(FACTS)

    assert log.position == 0
    assert log.append(FACTS).position == len(FACTS)
    assert log.verify().whole


def test_a_decision_does_not_slip_in_as_a_fact(log):
    """
    It would have no place in its incident's stream.
    """
    with pytest.raises(ValueError, match="decide"):
        log.append([note()])


def test_recording_times_never_go_back(store_url):
    """
    The clock of a machine does; the log then stays at its last instant.
    """
    clock = iter([at(10), at(5), at(5), at(20)])
    with Log(store_url, now=lambda: next(clock)) as log:
        for minute in (1, 2, 3, 4):
            log.append([deploy(minute)])

        assert [each.recorded_at for each in log.read()] == [at(10), at(10), at(10), at(20)]


def test_the_cut_at_an_instant_is_the_prefix_recorded_by_then(store_url):
    """
    Before the first it is empty; between two it is the earlier one.
    """
    clock = iter([at(10), at(20), at(20), at(30)])
    with Log(store_url, now=lambda: next(clock)) as log:
        for minute in (1, 2, 3, 4):
            log.append([deploy(minute)])

        asked = [at(9), at(10), at(19.9), at(20), at(29), at(99)]
        assert [log.position_at(instant) for instant in asked] == [0, 1, 1, 3, 3, 4]
        assert log.recorded_at(3) == at(20)
        assert log.recorded_at(5) is None


def test_instants_of_any_year_are_kept_to_the_microsecond(log):
    """
    1901 and 9999 are sorted by the index like any other.
    """
    odd = [
        deploy(occurred_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
        deploy(occurred_at=datetime(1901, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        deploy(occurred_at=datetime(1, 1, 1, tzinfo=UTC)),
    ]
    log.append(odd)

    assert [each.event for each in log.read()] == odd
    assert log.latest("service:checkout").event == odd[0]
    assert log.verify().whole


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(st.integers(min_value=0, max_value=30), max_size=12), max_size=6))
def test_any_batches_give_each_fact_once_and_no_gap(batches, tmp_path_factory):
    """
    Positions are 1 to n in the order in which each fact first came.
    """
    path = str(tmp_path_factory.mktemp("log") / "tracker.db")
    with Log(path) as log:
        for batch in batches:
            log.append([error(number) for number in batch])

        first_come = list(dict.fromkeys(itertools.chain(*batches)))
        assert [each.event for each in log.read()] == [error(number) for number in first_come]
        assert [each.position for each in log.read()] == list(range(1, len(first_come) + 1))
        assert log.verify().whole


# ── decisions ────────────────────────────────────────────────────────────────


def test_decisions_of_one_incident_are_counted_without_gaps(log):
    """
    Each sees what was decided before it.
    """
    log.decide("INC-1", lambda held: [declared()])
    log.decide("INC-1", lambda held: [note(text=f"after {len(held)}"), note(text="and more")])

    held = log.incident("INC-1")
    assert [each.version for each in held] == [1, 2, 3]
    assert held[1].event.text == "after 1"


def test_a_decision_that_is_typed_again_is_known(log):
    """
    The same words by the same person at the same instant are one note.
    """
    log.decide("INC-1", lambda held: [declared(), note()])

    again = log.decide("INC-1", lambda held: [note()])

    assert (again.recorded, again.known) == ((), (event_id(note()),))
    assert len(log.incident("INC-1")) == 2


def test_a_refused_decision_records_nothing(log):
    """
    The refusal reaches whoever asked.
    """

    def refuse(held):
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        log.decide("INC-1", refuse)

    assert log.position == 0
    assert log.decide("INC-1", lambda held: []).recorded == ()


def test_a_decision_cannot_name_another_incident(log):
    """
    It would be made on what is known of the wrong one.
    """
    with pytest.raises(ValueError, match="INC-2"):
        log.decide("INC-1", lambda held: [note(incident="INC-2")])


def test_a_decision_is_made_again_when_another_was_faster(log, store_url):
    """
    The second writer sees the first one's event before it decides.
    """
    with Log(store_url) as other:
        seen = []

        def slow(held):
            seen.append(len(held))
            if len(seen) == 1:
                other.decide("INC-1", lambda _: [declared()])
            return [note(text=f"I saw {len(held)}")]

        log.decide("INC-1", slow)

    assert seen == [0, 1]
    assert [each.event.TOPIC for each in log.incident("INC-1")] == ["incident-declared", "note-added"]


def test_one_who_is_always_late_is_told(log, store_url, monkeypatch):
    """
    It does not try for ever.
    """
    with Log(store_url) as other:
        minutes = itertools.count()

        def unlucky(held):
            other.decide("INC-1", lambda _: [note(next(minutes))])
            return [note(text="mine")]

        monkeypatch.setattr(appending, "RETRY_SECONDS", 0.05)
        with pytest.raises(StoreError, match="other writers were faster for"):
            log.decide("INC-1", unlucky)


def test_threads_that_note_at_once_lose_nothing(log):
    """
    Forty notes by eight threads: forty versions, without gaps.
    """
    log.decide("INC-1", lambda held: [declared()])

    def write(number):
        log.decide("INC-1", lambda held: [note(text=f"note {number}")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))

    held = log.incident("INC-1")
    assert [each.version for each in held] == list(range(1, 42))
    assert {each.event.text for each in held[1:]} == {f"note {number}" for number in range(40)}


def test_one_number_is_declared_once(store_url):
    """
    Of eight that declare INC-1 at the same moment one wins, the others see that it is taken.
    """
    Log(store_url).close()
    start = threading.Barrier(8)

    def declare(number):
        with Log(store_url) as log:
            start.wait()
            taken = []

            def decide(held):
                taken[:] = held
                return [] if held else [declared(title=f"by {number}")]

            return bool(log.decide("INC-1", decide).recorded), len(taken)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(declare, range(8)))

    assert sorted(answers) == [(False, 1)] * 7 + [(True, 0)]


NOTES = """
import sys
from tests.builders import note
from tracker.log import Log
with Log(sys.argv[1]) as log:
    for number in range(int(sys.argv[3])):
        log.decide("INC-1", lambda held: [note(text=f"{sys.argv[2]} {number}")])
"""


def test_processes_that_note_at_once_lose_nothing(log, store_url):
    """
    Two processes on one incident: every note is there, versions without gaps.
    """
    processes = [run(NOTES, store_url, name, 25) for name in ("ada", "grace")]
    for process in processes:
        done(process)

    held = log.incident("INC-1")
    assert [each.version for each in held] == list(range(1, 51))
    assert {each.event.text for each in held} == {f"{who} {n}" for who in ("ada", "grace") for n in range(25)}


WRITER = """
import sys
from tests.builders import deploy
from tracker.log import Log
with Log(sys.argv[1]) as log:
    for number in range(60):
        log.append([deploy(version=f"{sys.argv[2]}.{number}.{part}") for part in range(3)])
"""


def test_a_reader_that_follows_positions_misses_nothing(log, store_url):
    """
    Four processes append while one reads on from where it was; a hole would never be seen again.
    """
    writers = [run(WRITER, store_url, number) for number in range(4)]
    seen = []
    after = 0
    while len(seen) < 720:
        over = all(writer.poll() is not None for writer in writers)
        page = log.read(after)
        seen += page
        after = page[-1].position if page else after
        if over and not page:
            break
    for writer in writers:
        done(writer)

    assert [each.position for each in seen] == list(range(1, 721))
    assert {each.event.version for each in seen} == {
        f"{writer}.{number}.{part}" for writer in range(4) for number in range(60) for part in range(3)
    }
    assert log.verify().whole


OPEN = """
import sys
from tests.builders import deploy
from tracker.log import Log
with Log(sys.argv[1]) as log:
    log.append([deploy(version=sys.argv[2])])
"""


def test_many_can_start_first(store_url):
    """
    Four processes that find no tables make them once.
    """
    for process in [run(OPEN, store_url, number) for number in range(4)]:
        done(process)

    with Log(store_url) as log:
        assert {each.event.version for each in log.read()} == {"0", "1", "2", "3"}


LARGE = """
import os, sys
from tests.builders import deploy
from tracker.events.base import Incoming
from tracker.log import Log
with Log(sys.argv[1]) as log:
    if sys.argv[2] == "many":
        log.append([deploy(number / 60) for number in range(50_000)])
    else:
        log.append([Incoming(event=deploy(n), payload=os.urandom(500_000)) for n in range(20)])
    print(log.position)
"""


@pytest.mark.parametrize(("what", "least"), [("many", 50_000), ("big", 20)])
def test_a_large_feed_does_not_hang(store_url, what, least):
    """
    50,000 events at once, and 20 of 500 kB, were both seen to hang in the library's own recorder.
    """
    assert int(done(run(LARGE, store_url, what))) >= least


def test_the_bytes_beside_an_event_are_kept(log):
    """
    Found by position; an event without any has none.
    """
    log.append([Incoming(event=deploy(1), payload=b"\x00\xff" * 5), deploy(2)])

    assert log.payloads([1, 2, 3]) == {1: b"\x00\xff" * 5}


# ── opening, following, finding ──────────────────────────────────────────────


def test_opening_an_existing_log_writes_nothing(tmp_path):
    """
    The file and its write-ahead log stay as they are, byte for byte.
    """
    path = tmp_path / "tracker.db"
    with Log(str(path)) as first:
        first.append(FACTS)
        before = {
            each.name: each.read_bytes() for each in tmp_path.iterdir() if not each.name.endswith("-shm")
        }
        with Log(str(path)) as second:
            assert second.position == len(FACTS)
            second.read()

        after = {
            each.name: each.read_bytes() for each in tmp_path.iterdir() if not each.name.endswith("-shm")
        }
    assert after == before


def test_a_page_can_be_cut_and_chosen(log):
    """
    After a position, up to one, by kind, so many.
    """
    log.append([deploy(1), alert(2), deploy(3), alert(4), deploy(5)])

    assert [each.position for each in log.read(after=1, up_to=4)] == [2, 3, 4]
    assert [each.position for each in log.read(topics=["deploy-finished"])] == [1, 3, 5]
    assert [each.position for each in log.read(after=1, limit=2)] == [2, 3]
    assert [each.position for each in log.read_all(["alert-fired"], up_to=3)] == [2]


def test_places_of_the_index_are_listed_once(log):
    """
    One row for each name, however many events it has.
    """
    log.append([deploy(n, service=name) for n in range(3) for name in ("b", "a", "a-long-one")])

    assert log.scope_names("service:") == ["service:a", "service:a-long-one", "service:b"]
    assert log.scope_names("nothing:") == []


def test_an_event_is_found_by_its_handle(log):
    """
    The last seven characters, or all of them, in capitals too; at an earlier position it is not there.
    """
    log.append([deploy(1), deploy(2)])
    wanted = log.read()[1]

    assert log.resolve_handle(wanted.handle) == wanted
    assert log.resolve_handle(wanted.id.upper()) == wanted
    with pytest.raises(Exception, match="there is no event"):
        log.resolve_handle(wanted.handle, up_to=1)
    with pytest.raises(Exception, match="too short"):
        log.resolve_handle(wanted.id[-6:])


def test_a_decision_is_found_by_its_handle(log):
    """
    Its stream is the incident, but its name is its own.
    """
    log.decide("INC-1", lambda held: [declared(), note()])

    assert log.resolve_handle(event_id(note())[-7:]).event == note()


def test_a_handle_of_two_events_names_both(log, monkeypatch):
    """
    Then the full id is asked for.
    """
    monkeypatch.setattr("tracker.log.rows.event_id", lambda event, state: f"{event.version:0>17}aaaaaaa")
    log.append([deploy(1, version="1"), deploy(1, version="2")])

    with pytest.raises(Exception, match="handle of 2 events") as refused:
        log.resolve_handle("aaaaaaa")

    assert "deploy-finished" in refused.value.message
    assert log.resolve_handle(f"{'1':0>17}aaaaaaa").event.version == "1"


def test_the_library_s_own_reader_reads_the_log(log):
    """
    It is an `eventsourcing` application: notifications and streams are what the library says they are.
    """
    log.append([deploy(1), deploy(2)])
    log.decide("INC-1", lambda held: [declared(), note()])
    application = log.application

    found = application.recorder.select_notifications(start=2, limit=2)
    assert [(each.id, application.mapper.to_domain_event(each)) for each in found] == [
        (2, deploy(2)),
        (3, declared()),
    ]
    assert [each.originator_version for each in application.recorder.select_events("INC-1")] == [1, 2]
    assert application.recorder.max_notification_id() == 4


def test_the_library_s_own_writers_are_refused(log):
    """
    An event without its digest would be a hole in the proof.
    """
    stored = log.application.mapper.to_stored_event(deploy())

    with pytest.raises(Exception, match=r"tracker\.log"):
        log.application.recorder.insert_events([stored])
    with pytest.raises(NotImplementedError):
        log.application.recorder.subscribe()


def test_the_builders_number_as_the_log_does(log):
    """
    What tests put together in memory is what a log would give.
    """
    log.append([deploy(1), alert(2)])

    for held, made in zip(log.read(), recorded(deploy(1), alert(2)), strict=True):
        assert (held.id, held.event, held.position, held.version) == (
            made.id,
            made.event,
            made.position,
            made.version,
        )


def test_a_year_of_silence_is_no_hole(store_url):
    """
    An instant long after the last event is still that event's prefix.
    """
    with Log(store_url, now=lambda: at(0)) as log:
        log.append([deploy()])

        assert log.position_at(at(0) + timedelta(days=365)) == 1
