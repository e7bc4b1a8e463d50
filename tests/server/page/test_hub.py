"""The hub without a server: who resumes from where, what a busy reader holds up, and how streams end."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from tracker.incident import Status
from tracker.server.page import hub as hubs
from tracker.server.page.hub import Hub, Viewer

DEADLINE = 30.0


class Reader:
    """Reads a log of a position; while `gate` is closed reading an incident waits."""

    def __init__(self, log: SimpleNamespace) -> None:
        self._log = log

    @property
    def position(self) -> int:
        return self._log.position

    def touches(self, page, up_to):
        return self._log.touched

    def has_redactions(self, after, up_to):
        return self._log.redacted

    def incident(self, name, before=None):
        assert self._log.gate.wait(DEADLINE)
        facts = SimpleNamespace(incident=SimpleNamespace(status=Status.RESOLVED), log="ours")
        return SimpleNamespace(
            position=self._log.position, facts=facts, rows={}, parts={"now": str(self._log.position)}
        )

    def rows_at(self, name, position):
        return {}


@pytest.fixture
def log():
    found = SimpleNamespace(position=7, touched=True, redacted=False, gate=threading.Event(), stopping=False)
    found.gate.set()
    yield found
    found.gate.set()


async def first(hub, after, log_id=None):
    """Return what a stream sends first behind its beginning; None where nothing was missed."""
    one = Viewer("ana", lambda: True, lambda: None)
    hub.admit(one)
    stream = hub.stream("INC-1", one, after, log_id)
    assert (await anext(stream)).startswith(b"retry")
    one.end()
    try:
        return await asyncio.wait_for(anext(stream, None), DEADLINE)
    finally:
        await stream.aclose()
        hub.dismiss(one)


@pytest.mark.parametrize(
    ("after", "log_id", "reloads"),
    [
        (7, None, False),
        (None, None, False),
        (8, None, True),
        (2**62, None, True),
        (7, "ours", False),
        (7, "theirs", True),
    ],
)
def test_what_another_log_had_asks_for_a_new_page(log, after, log_id, reloads):
    """
    A position that this log has not, or one of a log with another id.
    """

    async def asked():
        return await first(Hub(lambda: Reader(log), lambda: False), after, log_id)

    assert (asyncio.run(asked()) == b"event: reload\ndata: \n\n") is reloads


def test_what_another_server_of_the_log_read_before_is_no_other_log(log):
    """
    Of two servers one reads an incident anew later: a reader that comes from the other one has not lost anything.
    """

    async def asked():
        hub = Hub(lambda: Reader(log), lambda: False)
        await hub.incident("INC-1")
        log.position, log.touched = 9, False
        return await first(hub, 9)

    assert asyncio.run(asked()) is None


def test_a_page_comes_at_once_while_it_is_read_anew(log):
    """
    As it was a moment ago, however long the reading takes.
    """

    async def asked():
        hub = Hub(lambda: Reader(log), lambda: False)
        await hub.incident("INC-1")
        log.position = 9
        log.gate.clear()
        page = await asyncio.wait_for(hub.incident("INC-1"), DEADLINE)
        log.gate.set()
        return page.position

    assert asyncio.run(asked()) == 7


@pytest.mark.parametrize("is_known", [True, False])
def test_streams_end_while_an_incident_is_read(log, is_known, monkeypatch):
    """
    One that was told nothing yet is cut; the server's end waits for no reading.
    """
    monkeypatch.setattr(hubs, "CUT_AFTER_SECONDS", 0.05)
    cuts = []

    async def ended():
        hub = Hub(lambda: Reader(log), lambda: log.stopping)
        if is_known:
            await hub.incident("INC-1")
            log.position = 9
        log.gate.clear()
        one = Viewer("ana", lambda: True, lambda: cuts.append(one))
        hub.admit(one)
        stream = hub.stream("INC-1", one, 7)
        await anext(stream)
        waiting = asyncio.create_task(anext(stream, None))
        log.stopping = True
        while not cuts and not waiting.done():
            await asyncio.sleep(0.01)
        over = waiting.done()
        waiting.cancel()
        hub.dismiss(one)
        log.gate.set()
        return over

    over = asyncio.run(asyncio.wait_for(ended(), DEADLINE))

    assert over or cuts


def test_what_waits_for_a_slow_viewer_is_not_sent_once_a_text_was_removed(log):
    """
    It may be the text: the viewer is cut off, and resumes with the row without it.
    """
    cuts = []

    async def told():
        hub = Hub(lambda: Reader(log), lambda: False)
        known = await hub._current("INC-1")
        slow, quick = (
            Viewer("ana", lambda: True, lambda name=name: cuts.append(name)) for name in ("slow", "quick")
        )
        known.viewers |= {slow, quick}
        slow.send(b"the text")
        log.position, log.redacted = 9, True
        await hub._current("INC-1")
        while known.page.position < 9:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(told(), DEADLINE))

    assert cuts == ["slow"]
