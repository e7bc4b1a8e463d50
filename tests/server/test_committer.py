"""Nobody is answered before it is on disk, and everybody is answered."""

import asyncio
import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inbox.test_inbox import delivery
from tracker.errors import StoreAwayError, StoreError
from tracker.inbox.opening import open_inbox
from tracker.server import committer as module
from tracker.server.committer import MOST_TOGETHER, Committer


class Gate:
    """An inbox in memory whose writes wait until they are let through, and fail where they are told to."""

    def __init__(self, *, is_open=True):
        self.kept, self.batches = [], []
        self.trouble = None
        self._open = threading.Event()
        if is_open:
            self._open.set()

    def put(self, deliveries):
        assert self._open.wait(120)
        self.batches.append(len(deliveries))
        trouble = self.trouble(deliveries) if self.trouble else None
        if trouble:
            raise trouble
        self.kept += deliveries

    def open(self):
        self._open.set()


@contextlib.contextmanager
def committing(inbox, **options):
    committer = Committer(inbox, **options)
    try:
        yield committer
    finally:
        if isinstance(inbox, Gate):
            inbox.open()
        committer.close()


async def all_of(committer, deliveries, **options):
    return await asyncio.gather(
        *(committer.put(each, **options) for each in deliveries), return_exceptions=True
    )


def test_nothing_is_answered_before_it_is_on_disk():
    """
    Whoever waits goes on waiting while the disk is at work; once it is done all go on.
    """

    async def scene(committer, gate):
        waiting = [asyncio.ensure_future(committer.put(delivery(number))) for number in range(5)]
        await asyncio.sleep(0.1)
        answered_early = [each for each in waiting if each.done()]
        gate.open()
        await asyncio.gather(*waiting)
        return answered_early

    gate = Gate(is_open=False)
    with committing(gate) as committer:
        assert asyncio.run(scene(committer, gate)) == []

    assert gate.kept == [delivery(number) for number in range(5)]


def test_whoever_waits_shares_one_write(store_url):
    """
    While one transaction is on its way to the disk, the next gathers: many answers, few writes, order kept.
    """
    kept = []
    with (
        contextlib.closing(open_inbox(store_url)) as inbox,
        committing(inbox, kept=kept.append) as committer,
    ):
        asyncio.run(all_of(committer, [delivery(number) for number in range(1200)]))
        found = inbox.waiting(2000)

    assert [each.delivery.key for each in found] == [f"key-{number}" for number in range(1200)]
    assert sum(kept) == 1200
    assert len(kept) < 20
    assert max(kept) <= MOST_TOGETHER


def test_too_many_are_sent_away_at_once(monkeypatch):
    """
    Beyond so many, or so many bytes, nobody waits for the disk: they are told to come again.
    """
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 1000)

    async def scene(committer, gate):
        first = asyncio.ensure_future(committer.put(delivery(0)))
        await asyncio.sleep(0)
        while committer._queue:
            await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(committer.put(delivery(number))) for number in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(StoreAwayError, match="wait for the disk"):
            await committer.put(delivery(3, body=b"x" * 1000))
        waiting.append(asyncio.ensure_future(committer.put(delivery(4))))
        await asyncio.sleep(0)
        with pytest.raises(StoreAwayError, match="wait for the disk"):
            await committer.put(delivery(5))
        gate.open()
        await asyncio.gather(first, *waiting)
        await committer.put(delivery(6))

    gate = Gate(is_open=False)
    with committing(gate) as committer:
        asyncio.run(scene(committer, gate))

    assert gate.kept == [delivery(number) for number in (0, 1, 2, 4, 6)]


@pytest.mark.parametrize("trouble", [StoreAwayError("the disk is full"), ZeroDivisionError("a bug")])
def test_a_store_that_fails_answers_everybody(trouble):
    """
    Trouble with a name or a bug: each one who waits is told at once, and the next write goes on.
    """
    gate = Gate()
    gate.trouble = lambda _: trouble
    with committing(gate) as committer:
        answers = asyncio.run(all_of(committer, [delivery(number) for number in range(50)]))
        gate.trouble = None
        asyncio.run(committer.put(delivery(99)))

    assert all(isinstance(each, StoreError) for each in answers)
    assert len(answers) == 50
    assert gate.kept == [delivery(99)]


def test_who_waits_too_long_is_told_so():
    """
    The answer is an error while the disk is still at work; that it was kept in the end does no harm.
    """
    gate = Gate(is_open=False)
    with committing(gate) as committer:
        [answer] = asyncio.run(all_of(committer, [delivery(1)], timeout_seconds=0.05))

        assert isinstance(answer, TimeoutError)
        assert gate.kept == []

    assert gate.kept == [delivery(1)]


def test_a_bug_in_whoever_is_told_ends_nothing():
    """
    The callback that counts may fail: the next delivery is kept and answered all the same.
    """

    def broken(count):
        raise ZeroDivisionError

    gate = Gate()
    with committing(gate, kept=broken) as committer:
        asyncio.run(committer.put(delivery(1), timeout_seconds=5))
        asyncio.run(committer.put(delivery(2), timeout_seconds=5))

    assert gate.kept == [delivery(1), delivery(2)]


def test_at_the_end_what_waits_is_written():
    """
    Closing writes what was taken in, and takes in no more.
    """

    async def scene(committer, gate):
        waiting = [asyncio.ensure_future(committer.put(delivery(number))) for number in range(10)]
        await asyncio.sleep(0)
        threading.Timer(0.1, gate.open).start()
        await asyncio.to_thread(committer.close)
        await asyncio.gather(*waiting)
        with pytest.raises(StoreAwayError):
            await committer.put(delivery(11))

    gate = Gate(is_open=False)
    asyncio.run(scene(Committer(gate), gate))

    assert gate.kept == [delivery(number) for number in range(10)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 7),
)
def test_an_answer_says_whether_it_is_kept(script, together):
    """
    Whatever fails and whoever gives up: who was told yes is kept exactly once, who was told no is not kept.
    """
    gate = Gate()
    bad = {number for number, (fails, _) in enumerate(script) if fails}
    gate.trouble = lambda batch: (
        StoreAwayError("no") if any(int(each.key[4:]) in bad for each in batch) else None
    )

    async def scene(committer):
        tasks = []
        for number, (_, yields) in enumerate(script):
            tasks.append(asyncio.ensure_future(committer.put(delivery(number))))
            if yields:
                await asyncio.sleep(0.001)
        return await asyncio.gather(*tasks, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_TOGETHER", together)
        with committing(gate) as committer:
            answers = asyncio.run(scene(committer))

    kept = [int(each.key[4:]) for each in gate.kept]
    assert kept == [number for number, answer in enumerate(answers) if answer is None]
    assert all(answer is None or isinstance(answer, StoreAwayError) for answer in answers)
    assert max(gate.batches) <= together
