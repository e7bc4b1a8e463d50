"""Many requests, one write to disk: all that wait share a transaction, and each is answered once it is kept."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from tracker.errors import StoreAwayError, TrackerError
from tracker.inbox.queue import Delivery, Inbox
from tracker.server.telemetry import report_bug

MOST_WAITING = 4_000
MOST_WAITING_BYTES = 128 << 20
MOST_TOGETHER = 500
_MANY = 8
_JUST_NOW_SECONDS = 0.05


class Committer:
    """Writes deliveries into the inbox from a thread of its own.

    `kept` is called after each transaction, from that thread, with how many it kept.
    """

    def __init__(self, inbox: Inbox, kept: Callable[[int], None] = lambda count: None) -> None:
        self._inbox, self._kept = inbox, kept
        self._queue: list[tuple[Delivery, asyncio.Future[None]]] = []
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
            if self._closing or len(self._queue) >= MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
                raise StoreAwayError("too many deliveries wait for the disk", hint="Send it again later")
            self._queue.append((delivery, future))
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
                while not self._queue and not self._closing:
                    self._changed.wait()
                if not self._queue:
                    return
                batch, self._queue = self._queue[:MOST_TOGETHER], self._queue[MOST_TOGETHER:]
                self._bytes -= sum(_size(delivery) for delivery, _ in batch)
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
