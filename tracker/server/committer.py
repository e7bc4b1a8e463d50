"""Many requests, one write to disk: all that wait share a transaction, and each is answered once it is kept."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from tracker.errors import StoreAwayError, TrackerError
from tracker.inbox.queue import Delivery, Inbox, Lane
from tracker.server.telemetry import report_bug

MOST_WAITING = 4_000
MOST_WAITING_BYTES = 48 << 20
MOST_TOGETHER = 500
MOST_BYTES_TOGETHER = 8 << 20
_PUBLIC_SHARE = 0.5
"""How much of what may wait can be of the public route."""
_MANY = 8
_JUST_NOW_SECONDS = 0.05

_Waiting = tuple[Delivery, "asyncio.Future[None]"]


class Committer:
    """Writes deliveries into the inbox from a thread of its own, those of authenticated senders first.

    `kept` is called after each transaction, from that thread, with how many it kept.
    """

    def __init__(self, inbox: Inbox, kept: Callable[[int], None] = lambda count: None) -> None:
        self._inbox, self._kept = inbox, kept
        self._queue: list[_Waiting] = []
        self._public_queue: list[_Waiting] = []
        self._bytes = 0
        self._last_count, self._last_at = 0, 0.0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    async def put(self, delivery: Delivery, timeout_seconds: float = 8.0) -> None:
        """Keep a delivery; it is on disk when this returns.

        Raises:
            StoreAwayError: If too many wait already, or the inbox cannot be written.
            TimeoutError: If it was not written in time; it may be written later.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        size = _size(delivery)
        with self._changed:
            is_public = delivery.lane in (Lane.PUBLIC, Lane.PUBLIC_LARGE)
            share = _PUBLIC_SHARE if is_public else 1.0
            count = len(self._public_queue) + (0 if is_public else len(self._queue))
            if (
                self._closing
                or count >= share * MOST_WAITING
                or self._bytes + size > share * MOST_WAITING_BYTES
            ):
                raise StoreAwayError("too many deliveries wait for the disk", hint="Send it again later")
            (self._public_queue if is_public else self._queue).append((delivery, future))
            self._bytes += size
            self._changed.notify()
        timer = loop.call_later(timeout_seconds, _resolve, [future], TimeoutError())
        try:
            await future
        finally:
            timer.cancel()

    def is_busy(self) -> bool:
        """Whether many deliveries came together a moment ago."""
        return self._last_count >= _MANY and time.monotonic() - self._last_at < _JUST_NOW_SECONDS

    def is_working(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._public_queue and not self._closing:
                    self._changed.wait()
                batch = self._take()
                if not batch:
                    return
            problem: TrackerError | None = None
            try:
                self._inbox.put([delivery for delivery, _ in batch])
            except TrackerError as trouble:
                problem = trouble
            except Exception as bug:
                # Whatever went wrong, every request that waits has to be answered.
                problem = StoreAwayError(f"the inbox cannot be written: {bug}")
            futures = [future for _, future in batch]
            try:
                futures[0].get_loop().call_soon_threadsafe(_resolve, futures, problem)
            except RuntimeError:
                return  # the loop is closed: no request waits any more
            if problem is None:
                self._last_count, self._last_at = len(batch), time.monotonic()
                try:
                    self._kept(len(batch))
                except Exception as bug:
                    report_bug(bug)

    def _take(self) -> list[_Waiting]:
        """Take what is written next: at most so many, of at most so many bytes, but at least one."""
        batch: list[_Waiting] = []
        size = 0
        for queue in (self._queue, self._public_queue):
            taken = 0
            for waiting in queue[: MOST_TOGETHER - len(batch)]:
                if batch and size + _size(waiting[0]) > MOST_BYTES_TOGETHER:
                    break
                batch.append(waiting)
                size += _size(waiting[0])
                taken += 1
            del queue[:taken]
        self._bytes -= size
        return batch


def _size(delivery: Delivery) -> int:
    return len(delivery.body) + len(delivery.key) + sum(map(len, delivery.headers.values()))


def _resolve(futures: Sequence["asyncio.Future[None]"], problem: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(problem)
