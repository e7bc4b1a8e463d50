"""Reading large deliveries in a process of its own, with an end to its time and memory.

A thread cannot be stopped, and what it parses slowly slows down the answers. The process is
started when the first large delivery comes, and ended when none comes any more.
"""

import contextlib
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from tracker.application.read_delivery import facts_of
from tracker.errors import BadInputError
from tracker.events.base import Incoming
from tracker.inbox.queue import QueuedDelivery
from tracker.ingest.services import ServiceRules

CPU_SECONDS = 20.0
"""For one delivery; the largest that are read take a tenth of it."""
WAIT_SECONDS = 300.0
"""How long it may take on a machine that is busy with other things."""
MEMORY_BYTES = 512 << 20
FACTS_AT_ONCE = 500
_POLL_SECONDS = 0.2


class OverBudgetError(Exception):
    """A delivery took more time or memory than it may; the text says which."""


class ReaderBugError(Exception):
    """A reader failed on a delivery in a way that is not the delivery's fault."""


class StoppedError(Exception):
    """The server stops; the delivery is read after the next start."""


class DeliveryReader:
    """Reads one delivery at a time, in a process that is started when it is needed."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def read(
        self, queued: QueuedDelivery, rules: ServiceRules, stopping: threading.Event
    ) -> Iterator[list[Incoming]]:
        """Yield the facts of a delivery, some hundred at a time; nothing before all of it is read.

        Raises:
            BadInputError: If it is not what its source promises.
            OverBudgetError: If it takes too much time or memory.
            StoppedError: If the server stops.
        """
        connection = self._started()
        is_done = False
        try:
            connection.send((queued, rules, self._cpu_seconds))
            while isinstance(answer := self._answer(connection, stopping), list) and answer:
                yield answer
            is_done = True
        except (EOFError, OSError) as ended:
            code = self._process.wait(30) if self._process else 0
            limit = "time" if code == -signal.SIGPROF else "memory"
            raise OverBudgetError(f"reading it takes more {limit} than a delivery may") from ended
        finally:
            if not is_done:
                self.close()  # the rest of its answer is not for the next one
        if isinstance(answer, MemoryError):
            raise OverBudgetError("reading it takes more memory than a delivery may")
        if isinstance(answer, BaseException):
            raise answer

    def _answer(self, connection: Connection, stopping: threading.Event) -> list[Incoming] | BaseException:
        give_up = time.monotonic() + WAIT_SECONDS
        while not connection.poll(_POLL_SECONDS):
            if stopping.is_set():
                raise StoppedError
            if time.monotonic() > give_up:
                raise OverBudgetError(f"reading it takes longer than {WAIT_SECONDS:.0f} s")
        answer: list[Incoming] | BaseException = connection.recv()
        return answer

    def close(self) -> None:
        """End the process; the next delivery starts another."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.close()
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tracker.server.delivery_reader", str(its.fileno())],
                pass_fds=(its.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        return self._connection


def main() -> None:
    """Answer one delivery after the other, until the server ends."""
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = Connection(int(sys.argv[1]))
    while True:
        try:
            queued, rules, cpu_seconds = connection.recv()
        except EOFError:
            return
        # At its end the process is ended, whatever it does.
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        try:
            facts = facts_of(queued, rules)
            for start in range(0, len(facts), FACTS_AT_ONCE):
                connection.send(facts[start : start + FACTS_AT_ONCE])
            answer: list[Incoming] | BaseException = []
        except BadInputError as wrong:
            answer = BadInputError(wrong.message, hint=wrong.hint)
        except MemoryError:
            answer = MemoryError()
        except Exception as bug:
            answer = ReaderBugError(f"a bug in the reader: {type(bug).__name__}: {bug}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        facts = []
        connection.send(answer)


if __name__ == "__main__":
    main()
