"""Looking for secrets in what was received: after it stands in the log, and in a thread of its own."""

import threading
from collections import deque
from collections.abc import Sequence

from tracker.application.secret_warnings import SecretScanner
from tracker.events.base import Incoming, handle_of
from tracker.server.telemetry import log_line, report_bug

LARGEST_SCAN_BYTES = 1 << 20
"""Of each payload so much is searched: the worst text takes three seconds for it."""
MOST_WAITING_BYTES = 32 << 20


class SecretWatch:
    """Logs that new events hold what looks like a secret: the kinds and the handles, never the text.

    Where more comes in than can be searched, it is said how many events were not.
    """

    def __init__(self) -> None:
        self._scanner = SecretScanner(lambda notice: None, LARGEST_SCAN_BYTES)
        self._waiting: deque[tuple[Sequence[Incoming], int]] = deque()
        self._waiting_bytes = self._skipped = 0
        self._changed = threading.Condition()

    def put(self, facts: Sequence[Incoming]) -> None:
        """Let facts be searched soon; this returns at once."""
        # Facts of one delivery share their payload.
        size = sum({id(fact.payload): len(fact.payload) for fact in facts}.values())
        with self._changed:
            if self._waiting_bytes + size > MOST_WAITING_BYTES:
                self._skipped += len(facts)
                return
            self._waiting.append((facts, size))
            self._waiting_bytes += size
            self._changed.notify()

    def run(self, stopping: threading.Event) -> None:
        """Search what waits until told to stop."""
        while not stopping.is_set():
            with self._changed:
                if not self._waiting:
                    self._changed.wait(1.0)
                    continue
                facts, _ = self._waiting[0]
            try:
                for fact in facts:
                    self._scanner.look([fact])
                    if stopping.is_set():
                        return
                self._tell()
            except Exception as bug:
                report_bug(bug)
            with self._changed:
                self._waiting_bytes -= self._waiting.popleft()[1]

    def _tell(self) -> None:
        with self._changed:
            skipped, self._skipped = self._skipped, 0
        if skipped:
            log_line("too much came in to look for secrets in all of it", 30, events=skipped)
        if (suspects := self._scanner.told()) is not None:
            kinds, events = suspects
            log_line(
                "received what looks like a secret",
                30,
                kinds=kinds,
                events=[handle_of(event) for event in events[:10]],
                next="tracker redact EVENT --why …",
            )
