"""From the inbox into the log: once, in order, whatever ends in between."""

import contextlib
import json
import sqlite3
import threading
import time

import psycopg
import pytest
from prometheus_client import generate_latest

from tests.faults.load import alert, deploy, error
from tests.faults.outcome import number_of
from tests.inbox.test_inbox import delivery
from tracker.application.session import Options, Session
from tracker.errors import LogNotWholeError, StoreAwayError, StoreError
from tracker.inbox.opening import open_inbox
from tracker.log import Log
from tracker.log import postgres as log_postgres
from tracker.log import sqlite as log_sqlite
from tracker.server.inbox_worker import InboxWorker, is_data_error
from tracker.server.telemetry import Telemetry


def told(number, make=alert, **fields):
    """The delivery of a number, as the door keeps it."""
    route = {alert: "alertmanager", error: "envelope", deploy: "events"}[make]
    source = {alert: "prod", error: "1", deploy: "events"}[make]
    return delivery(number, route=route, source=source, body=make(number)[2], **fields)


class Scene:
    """A store with an inbox, a log and a worker between them."""

    def __init__(self, store):
        self.store = store
        self.inbox = open_inbox(store)
        self.session = Session(Options(store=store, by="tracker"))
        self.telemetry = Telemetry()
        self.facts = []
        self.worker = InboxWorker(self.inbox, self.session, self.telemetry, self.facts.extend)

    def work(self):
        """Work up all that waits."""
        while self.worker.once():
            pass

    def numbers(self):
        """The numbers of what stands in the log, in the order of recording."""
        with Log(self.store) as log:
            return [number_of(each.event) for each in log.read_all()]

    def metric(self, name):
        return self.telemetry.registry.get_sample_value(name)

    def close(self):
        self.inbox.close()
        self.session.close()


@pytest.fixture
def scene(store_url, tmp_path, monkeypatch):
    """A new one, away from any tracker.toml."""
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(Scene(store_url)) as made:
        yield made


def test_what_waits_gets_into_the_log_in_order(scene):
    """
    Alerts, errors and deploys become events in the order of arrival; the inbox is empty then.
    """
    scene.inbox.put([told(1), told(2, error), told(3, deploy), told(4)])

    scene.work()

    assert scene.numbers() == [1, 2, 3, 4]
    assert scene.inbox.counts().waiting == 0
    assert len(scene.facts) == 4
    assert scene.metric("tracker_events_recorded_total") == 4
    assert b"tracker_events_known_total 0.0" in generate_latest(scene.telemetry.registry)


def test_a_delivery_that_comes_again_is_known(scene):
    """
    Alertmanager repeats what it told: the second time nothing is added.
    """
    scene.inbox.put([told(1), told(1), told(2)])
    scene.work()
    scene.inbox.put([told(2)])
    scene.work()

    assert scene.numbers() == [1, 2]
    assert scene.metric("tracker_events_known_total") == 1


def test_an_end_between_append_and_finish_doubles_nothing(scene, monkeypatch):
    """
    The log has the events, the inbox still has the deliveries: the next one to start finds them known.
    """

    class KilledError(BaseException):
        """What no handler may catch."""

    def killed(numbers):
        raise KilledError

    scene.inbox.put([told(1), told(2, error)])
    monkeypatch.setattr(scene.inbox, "finish", killed)
    with pytest.raises(KilledError):
        scene.worker.once()
    between = (scene.numbers(), scene.inbox.counts().waiting)
    monkeypatch.undo()

    with contextlib.closing(Scene(scene.store)) as next_one:
        next_one.work()

        assert between == ([1, 2], 2)
        assert next_one.numbers() == [1, 2]
        assert next_one.inbox.counts().waiting == 0
        assert next_one.metric("tracker_events_known_total") == 2


def test_what_nobody_understands_is_parked_and_the_others_go_in(scene):
    """
    No JSON, another shape, a route of a newer version: each is parked with its reason.
    """
    scene.inbox.put(
        [
            told(1),
            delivery(2, body=b"{not json"),
            delivery(3, route="pigeon"),
            delivery(4, route="envelope", body=b'{"event_id": 7}'),
            delivery(5, body=json.dumps({"alerts": [{"status": "firing"}]}).encode()),
            told(6),
        ]
    )

    scene.work()

    assert scene.numbers() == [1, 6]
    assert scene.inbox.counts().waiting == 0
    reasons = {each.key: each.reason for each in scene.inbox.parked()}
    assert {"key-2", "key-3", "key-5"} <= reasons.keys()
    assert "pigeon" in reasons["key-3"]
    assert "labels" in reasons["key-5"]
    assert all("Traceback" not in each for each in reasons.values())


def test_a_bug_in_a_reader_parks_what_it_read(scene, monkeypatch):
    """
    It is told as a bug, a KeyError too, and holds up nothing else.
    """
    from tracker.application import read_delivery

    def buggy(held, rules, arrival):
        raise KeyError("labels")

    monkeypatch.setitem(read_delivery.READERS, "envelope", buggy)
    scene.inbox.put([told(1, error), told(2)])

    scene.work()

    [parked] = scene.inbox.parked()
    assert parked.reason == "a bug in the reader: KeyError: 'labels'"
    assert scene.numbers() == [2]


def test_what_the_log_refuses_is_parked_alone(scene, monkeypatch):
    """
    One poisoned delivery of many: it alone is parked, the other 99 stand in the log, each once.
    """
    real = scene.session.record

    def record(facts, **_):
        if any(number_of(each.event) == 77 for each in facts):
            raise ValueError("this cannot be written")
        return real(facts)

    monkeypatch.setattr(scene.session, "record", record)
    scene.inbox.put([told(number) for number in range(1, 101)])

    scene.work()

    [parked] = scene.inbox.parked()
    assert (parked.key, parked.reason) == ("key-77", "the log rejected it: this cannot be written")
    assert sorted(scene.numbers()) == [number for number in range(1, 101) if number != 77]
    assert len(scene.facts) == 99


@pytest.mark.parametrize(
    "trouble",
    [
        StoreAwayError("locked"),
        StoreError("tracker.db cannot be used as a log: disk I/O error"),
        LogNotWholeError("its table event_index is missing"),
    ],
)
def test_trouble_of_the_log_parks_nothing(scene, monkeypatch, trouble):
    """
    A disk with errors or a damaged log is not the deliveries' fault: they wait, also a single one.
    """

    def record(facts, **_):
        raise trouble

    monkeypatch.setattr(scene.session, "record", record)
    scene.inbox.put([told(1)])
    with pytest.raises(type(trouble)):
        scene.worker.once()
    monkeypatch.undo()

    assert scene.inbox.parked() == []
    scene.work()
    assert scene.numbers() == [1]


def test_the_store_says_when_the_data_is_at_fault():
    """
    What the driver calls a wrong value is poison, whatever our own error around it is.
    """

    def caused(outer, inner):
        outer.__cause__ = inner
        return outer

    assert is_data_error(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"))
    assert is_data_error(caused(StoreError("refused"), psycopg.errors.UntranslatableCharacter()))
    assert is_data_error(caused(StoreAwayError("away"), psycopg.errors.ProgramLimitExceeded()))
    assert is_data_error(caused(StoreError("cannot be used"), sqlite3.DataError("string or blob too big")))
    assert not is_data_error(caused(StoreError("cannot be used"), sqlite3.OperationalError("disk I/O error")))
    assert not is_data_error(caused(StoreAwayError("away"), psycopg.errors.AdminShutdown()))
    assert not is_data_error(StoreAwayError("away"))


def test_a_locked_log_is_waited_for(scene, monkeypatch):
    """
    Another program holds the log: what came waits, nothing is parked, and it goes in once the log is free.
    """
    monkeypatch.setattr(log_sqlite, "LOCK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(log_postgres, "LOCK_TIMEOUT_SECONDS", 0.2)
    scene.work()
    _ = scene.session.log
    wake, stopping = threading.Event(), threading.Event()
    thread = threading.Thread(target=scene.worker.run, args=(wake, stopping))
    with holding_the_log(scene.store):
        scene.inbox.put([told(1)])
        thread.start()
        wait_until(
            lambda: scene.telemetry.registry.get_sample_value("tracker_errors_total", {"work": "inbox"})
        )
        held = scene.inbox.counts()
    wait_until(lambda: not scene.inbox.counts().waiting)
    stopping.set()
    wake.set()
    thread.join(120)

    assert (held.waiting, held.parked) == (1, 0)
    assert not thread.is_alive()
    assert scene.numbers() == [1]


@contextlib.contextmanager
def holding_the_log(store):
    if "://" in store:
        with psycopg.connect(store) as connection:
            connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            yield
    else:
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield


def wait_until(question, timeout_seconds=120):
    give_up = time.monotonic() + timeout_seconds
    while not question():
        assert time.monotonic() < give_up, "it never came to be"
        time.sleep(0.02)


def test_a_wake_up_while_it_works_is_not_lost(scene, monkeypatch):
    """
    What comes while the last piece of work ends is worked up at once, not after the idle seconds.
    """
    monkeypatch.setattr("tracker.server.inbox_worker._IDLE_SECONDS", 60)
    wake, stopping = threading.Event(), threading.Event()
    thread = threading.Thread(target=scene.worker.run, args=(wake, stopping))
    thread.start()
    for number in range(1, 40):
        scene.inbox.put([told(number)])
        wake.set()
        if number % 3 == 0:
            time.sleep(0.01)
    wait_until(lambda: not scene.inbox.counts().waiting)
    stopping.set()
    wake.set()
    thread.join(120)

    assert scene.numbers() == list(range(1, 40))


def test_a_busy_door_slows_it_and_stops_nothing(scene):
    """
    While answers have their turn first, all that waits gets into the log all the same.
    """
    scene.worker._is_receiving = lambda: True
    scene.inbox.put([told(number) for number in range(1, 700)])
    wake, stopping = threading.Event(), threading.Event()
    thread = threading.Thread(target=scene.worker.run, args=(wake, stopping))
    thread.start()
    wait_until(lambda: not scene.inbox.counts().waiting)
    stopping.set()
    wake.set()
    thread.join(120)

    assert scene.numbers() == list(range(1, 700))
