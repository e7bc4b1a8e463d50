"""A thread that reads the log for the page, one thing after the other, and that no end of the server waits for."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from tracker.application.page import PageReader

T = TypeVar("T")


class ReadingThread:
    """One reader in a thread of its own. An executor's thread would be waited for, however long it reads."""

    def __init__(self, reader: PageReader, name: str) -> None:
        self._reader = reader
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[PageReader], Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def do(self, work: Callable[[PageReader], T]) -> T:
        """Do something with the reader, and return what it gives."""
        future: Future[T] = Future()
        self._work.put((future, work))
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        while True:
            future, work = self._work.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work(self._reader))
            except BaseException as trouble:
                future.set_exception(trouble)
