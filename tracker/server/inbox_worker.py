"""From the inbox into the log: parse what waits, append it, delete it from the inbox.

A crash at any instant loses nothing: what was appended and not deleted is parsed again,
and the log knows its events then. What cannot be parsed is parked with the reason.
"""

import threading
import time
from collections.abc import Callable, Sequence

from tracker.application.read_delivery import READERS, facts_of
from tracker.application.refired import with_refirings
from tracker.application.release_services import with_release_services
from tracker.application.session import Session
from tracker.errors import BadInputError, LogNotWholeError, StoreError
from tracker.events.base import Incoming
from tracker.inbox.queue import Inbox, QueuedDelivery
from tracker.server.telemetry import Telemetry, log_line, report_bug

_Parsed = tuple[QueuedDelivery, list[Incoming]]

TOGETHER = 500
"""The most deliveries that go into the log in one transaction."""
_IDLE_SECONDS = 5.0
_DATA_ERRORS = ("22", "23", "54")
"""Classes of SQLSTATE: a wrong value, a violated constraint, more than the store can keep in one place."""
_LONGEST_REASON = 500


class InboxWorker:
    """Processes what waits, in the order of arrival.

    `recorded` is called with the facts that were appended, new or known; `is_receiving`
    says whether many deliveries are coming in.
    """

    def __init__(
        self,
        inbox: Inbox,
        session: Session,
        telemetry: Telemetry,
        recorded: Callable[[Sequence[Incoming]], None] = lambda facts: None,
        is_receiving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._inbox, self._session, self._is_receiving = inbox, session, is_receiving
        self._telemetry, self._recorded = telemetry, recorded

    def run(self, wake: threading.Event, stopping: threading.Event) -> None:
        """Work until told to stop; when nothing waits, wait for a wake-up, or a few seconds."""
        pause = 0.1
        while not stopping.is_set():
            began = time.monotonic()
            try:
                processed = self.once()
                pause = 0.1
            except Exception as trouble:
                # Nothing is lost by waiting, it is in the inbox; and a bug must not end the thread.
                self._telemetry.errors.labels("inbox").inc()
                log_line("processing the inbox failed; retrying", 40, why=str(trouble), pause_seconds=pause)
                report_bug(trouble)
                stopping.wait(pause)
                pause = min(30.0, 2 * pause)
                continue
            if processed and self._is_receiving():
                # Senders wait for answers, the timeline does not: they get as much time as this took.
                stopping.wait(min(1.0, time.monotonic() - began))
            if not processed:
                wake.wait(_IDLE_SECONDS)
                wake.clear()

    def once(self) -> int:
        """Process what waits now, a few hundred at most; return how many left the inbox."""
        batch = self._inbox.waiting(TOGETHER)
        if not batch:
            return 0
        parsed = [(queued, facts) for queued in batch if (facts := self._parse(queued)) is not None]
        told = with_refirings(self._session, [facts for _, facts in parsed])
        told = with_release_services(self._session, told)
        appended = self._append([(queued, facts) for (queued, _), facts in zip(parsed, told, strict=True)])
        self._inbox.finish([queued.number for queued, _ in appended])
        facts = [fact for _, own in appended for fact in own]
        if facts:
            self._recorded(facts)
        return len(batch)

    def _parse(self, queued: QueuedDelivery) -> list[Incoming] | None:
        """Return the facts of one delivery; None if it was parked."""
        if queued.delivery.route not in READERS:
            self._park(queued, f"this version has no reader for {queued.delivery.route!r}")
            return None
        try:
            return facts_of(queued, self._session.rules)
        except BadInputError as wrong:
            self._park(queued, wrong.message)
        except Exception as bug:
            report_bug(bug)
            self._park(queued, f"a bug in the reader: {type(bug).__name__}: {bug}")
        return None

    def _append(self, parsed: Sequence[_Parsed]) -> Sequence[_Parsed]:
        """Append what was parsed in one transaction; return what is in the log now."""
        facts = [fact for _, own in parsed for fact in own]
        if not facts:
            return parsed
        try:
            # Looking for secrets may take long: whoever hears of what was recorded does it.
            recording = self._session.record(facts, look_for_secrets=False)
        except Exception as trouble:
            if not is_data_error(trouble):
                raise
            if len(parsed) == 1:
                report_bug(trouble)
                is_input = isinstance(trouble, BadInputError)
                self._park(parsed[0][0], str(trouble) if is_input else f"the log rejected it: {trouble}")
                return ()
            # The log rejects one of them: the others are appended without it.
            middle = len(parsed) // 2
            return [*self._append(parsed[:middle]), *self._append(parsed[middle:])]
        self._telemetry.recorded.inc(len(recording.recorded))
        self._telemetry.known.inc(len(recording.known))
        return parsed

    def _park(self, queued: QueuedDelivery, reason: str) -> None:
        reason = _one_line(reason)
        self._inbox.park(queued.number, reason)
        log_line(
            "a delivery could not be parsed",
            30,
            number=queued.number,
            route=queued.delivery.route,
            why=reason,
            next="tracker inbox list",
        )


def is_data_error(trouble: BaseException) -> bool:
    """Whether the log rejected what was to be appended, and not the store failed.

    A failing store would park everything; it recovers, or an operator repairs it.
    """
    if not isinstance(trouble, StoreError | LogNotWholeError):
        return True
    cause: BaseException | None = trouble
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if (state or "")[:2] in _DATA_ERRORS or type(cause).__name__ in ("DataError", "IntegrityError"):
            return True
        cause = cause.__cause__
    return False


def _one_line(reason: str) -> str:
    """Turn any text into what each store keeps: a reason may quote a payload, at any length."""
    line = " ".join(reason.encode("utf-8", "replace").decode().replace("\0", "�").split())
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"
