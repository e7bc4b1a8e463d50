"""Large deliveries are read apart: within a budget of time and memory, and nothing waits for them."""

import contextlib
import json
import sys
import threading
import time

import pytest

from tests.inbox.test_inbox import delivery
from tests.ingest.feeds import RULES
from tests.server.test_inbox_worker import Scene, told
from tracker.errors import BadInputError
from tracker.inbox.queue import SMALL_BYTES, Lane, QueuedDelivery
from tracker.server import delivery_reader
from tracker.server.delivery_reader import DeliveryReader, OverBudgetError, ReaderBugError, StoppedError
from tracker.server.inbox_worker import InboxWorker


def alerts(count: int) -> bytes:
    return json.dumps(
        {
            "alerts": [
                {"labels": {"alertname": str(n)}, "startsAt": "2026-03-01T14:00:00Z", "status": "firing"}
                for n in range(count)
            ]
        }
    ).encode()


def queued(body: bytes, number: int = 7) -> QueuedDelivery:
    return QueuedDelivery(number=number, delivery=delivery(number, route="alertmanager", body=body))


@pytest.fixture
def reader():
    with contextlib.closing(DeliveryReader()) as made:
        yield made


def read(reader: DeliveryReader, body: bytes) -> int:
    return sum(len(facts) for facts in reader.read(queued(body), RULES, threading.Event()))


def test_a_large_delivery_comes_in_pieces(reader):
    """
    All its facts, some hundred at a time; and the same process reads the next.
    """
    pieces = [len(facts) for facts in reader.read(queued(alerts(1_200)), RULES, threading.Event())]
    process = reader._process

    assert pieces == [500, 500, 200]
    assert read(reader, alerts(3)) == 3
    assert reader._process is process


def test_what_cannot_be_parsed_is_told_as_by_the_reader_itself(reader):
    with pytest.raises(BadInputError, match="delivery 7"):
        read(reader, b"{")
    assert read(reader, alerts(1)) == 1


def test_a_delivery_beyond_its_time_is_given_up():
    """
    Whatever it does, also inside of a library: the process is ended, and the next one is read by another.
    """
    with contextlib.closing(DeliveryReader(cpu_seconds=0.01)) as reader:
        with pytest.raises(OverBudgetError, match="more time"):
            read(reader, alerts(60000))
        reader._cpu_seconds = delivery_reader.CPU_SECONDS
        assert read(reader, alerts(1)) == 1


def test_a_delivery_beyond_its_memory_is_given_up(reader, monkeypatch, tmp_path):
    """
    Where the system knows such a limit.
    """
    if sys.platform != "linux":
        pytest.skip("no limit of memory")
    with pytest.raises(OverBudgetError, match="memory"):
        read(reader, b"[" + b"[[[]]]," * 9_000_000 + b"1]")


def test_a_server_that_stops_waits_for_no_reader(reader):
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(StoppedError):
        list(reader.read(queued(alerts(60_000)), RULES, stopping))


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(Scene(str(tmp_path / "tracker.db"))) as made:
        yield made


class Slow(DeliveryReader):
    """Gives up on each delivery, and says which lane it came from."""

    def __init__(self, trouble):
        super().__init__()
        self.lanes, self.trouble = [], trouble

    def read(self, queued, rules, stopping):
        self.lanes.append(queued.delivery.lane)
        raise self.trouble
        yield []


def worker(scene, reader):
    return InboxWorker(scene.inbox, scene.session, scene.telemetry, scene.facts.extend, reader=reader)


def test_what_takes_too_long_is_tried_again_after_all_others_and_then_parked(scene):
    """
    It is named with its reason; all that came after it stands in the log.
    """
    reader = Slow(OverBudgetError("reading it takes more time than a delivery may"))
    scene.inbox.put([told(1, lane=Lane.PUBLIC_LARGE), told(2), told(3, lane=Lane.PUBLIC), told(4)])
    working = worker(scene, reader)

    while working.once():
        pass

    [parked] = scene.inbox.parked()
    assert reader.lanes == [Lane.PUBLIC_LARGE, Lane.AGAIN]
    assert (parked.key, parked.reason) == ("key-1", "reading it takes more time than a delivery may")
    assert scene.numbers() == [2, 4, 3]


def test_a_bug_in_the_other_process_parks_the_delivery(scene):
    scene.inbox.put([told(1, lane=Lane.LARGE), told(2)])
    working = worker(scene, Slow(ReaderBugError("a bug in the reader: KeyError: 'labels'")))

    while working.once():
        pass

    assert [each.reason for each in scene.inbox.parked()] == ["a bug in the reader: KeyError: 'labels'"]


def test_an_alert_stands_in_the_log_while_a_large_delivery_is_read(scene):
    """
    One worker is busy with it, the other goes on.
    """
    let_go = threading.Event()

    class Waiting(DeliveryReader):
        def read(self, queued, rules, stopping):
            let_go.wait(120)
            yield []

    others = InboxWorker(scene.inbox, scene.session, scene.telemetry, lanes=(Lane.LARGE,), reader=Waiting())
    thread = threading.Thread(target=others.once)
    scene.inbox.put([told(1, lane=Lane.LARGE)])
    thread.start()
    while others.work is None:
        time.sleep(0.01)
    scene.inbox.put([told(2)])
    quick = InboxWorker(scene.inbox, scene.session, scene.telemetry, lanes=(Lane.KNOWN,))

    assert quick.once() == 1
    assert scene.numbers() == [2]
    assert (others.work.number, others.work.route) == (1, "alertmanager")
    let_go.set()
    thread.join(120)


def test_a_large_delivery_that_an_earlier_version_kept_is_read(scene):
    """
    It knew no lanes: all that waits is in the first one.
    """
    body = alerts(2 * SMALL_BYTES // 90)
    scene.inbox.put([delivery(1, route="alertmanager", body=body), told(2)])
    with contextlib.closing(worker(scene, DeliveryReader())) as working:
        while working.once():
            pass

    assert len(body) > SMALL_BYTES
    assert scene.inbox.counts().waiting == 0
    assert len(scene.facts) > 1_000


def test_the_budget_is_generous(reader):
    """
    The largest body that Alertmanager may send is read within it.
    """
    facts = sum(len(facts) for facts in reader.read(queued(alerts(20_000)), RULES, threading.Event()))

    assert facts == 20_000
