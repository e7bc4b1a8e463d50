"""From the inbox into the log: parse what waits, append it, delete it from the inbox.

A crash at any instant loses nothing: what was appended and not deleted is parsed again,
and the log knows its events then. What cannot be parsed is parked with the reason.

Small deliveries are read here, large ones in a process with a budget. What exceeds its budget is
tried once more after all others, and then parked.
"""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tracker.application.read_delivery import READERS, facts_of
from tracker.application.refired import with_refirings
from tracker.application.release_services import with_release_services
from tracker.application.session import Session
from tracker.errors import BadInputError, LogNotWholeError, StoreError
from tracker.events.base import Incoming
from tracker.inbox.queue import MOST_BYTES_AT_ONCE, SMALL_BYTES, Inbox, Lane, QueuedDelivery
from tracker.server.delivery_reader import DeliveryReader, OverBudgetError, ReaderBugError, StoppedError
from tracker.server.telemetry import Telemetry, log_line, report_bug

_Parsed = tuple[QueuedDelivery, list[Incoming]]

TOGETHER = 500
"""The most deliveries that go into the log in one transaction."""
_IDLE_SECONDS = 5.0
_DATA_ERRORS = ("22", "23", "54")
"""Classes of SQLSTATE: a wrong value, a violated constraint, more than the store can keep in one place."""
_LONGEST_REASON = 500
_SMALL_LANES = (Lane.KNOWN, Lane.PUBLIC)


@dataclass(frozen=True)
class Work:
    """What a worker does now, and since when, by the monotonic clock."""

    number: int
    route: str
    since: float


class InboxWorker:
    """Processes what waits in some lanes, in the order of arrival.

    `recorded` is called with the facts that were appended, new or known; `is_receiving`
    says whether many deliveries are coming in. Workers of one log share `turns`: what one compares
    with the log and appends, another does not change in between.
    """

    def __init__(
        self,
        inbox: Inbox,
        session: Session,
        telemetry: Telemetry,
        recorded: Callable[[Sequence[Incoming]], None] = lambda facts: None,
        is_receiving: Callable[[], bool] = lambda: False,
        *,
        lanes: Collection[Lane] = tuple(Lane),
        turns: AbstractContextManager[object] | None = None,
        reader: DeliveryReader | None = None,
    ) -> None:
        self._inbox, self._session, self._is_receiving = inbox, session, is_receiving
        self._telemetry, self._recorded = telemetry, recorded
        self._lanes, self._turns = lanes, turns or threading.Lock()
        self._reader, self._stopping = reader or DeliveryReader(), threading.Event()
        self.work: Work | None = None

    def run(self, wake: threading.Event, stopping: threading.Event) -> None:
        """Work until told to stop; when nothing waits, wait for a wake-up, or a few seconds."""
        pause = 0.1
        self._stopping = stopping
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
                if not wake.wait(_IDLE_SECONDS):
                    self._reader.close()
                wake.clear()
        self.close()

    def close(self) -> None:
        """End the process that reads large deliveries."""
        self._reader.close()

    def once(self) -> int:
        """Process what waits now, a few hundred at most; return how many left the inbox."""
        batch = self._inbox.waiting(TOGETHER, lanes=self._lanes)
        if not batch:
            return 0
        try:
            if batch[0].delivery.lane in _SMALL_LANES:
                return self._small(batch)
            return self._large(batch[0])
        finally:
            self.work = None

    def _small(self, batch: Sequence[QueuedDelivery]) -> int:
        parsed: list[_Parsed] = []
        count = size = 0
        for queued in batch:
            self._begin(queued)
            facts = self._parse(queued)
            count += 1
            if facts is not None:
                parsed.append((queued, facts))
                size += _size(facts)
                if size > MOST_BYTES_AT_ONCE:
                    break
        appended = self._record(parsed)
        self._inbox.finish([queued.number for queued, _ in appended])
        return count

    def _large(self, queued: QueuedDelivery) -> int:
        self._begin(queued)
        if not self._has_reader(queued):
            return 1
        try:
            for facts in self._reader.read(queued, self._session.rules, self._stopping):
                if not self._record([(queued, facts)]):
                    return 1
                if self._stopping.is_set():
                    return 0
        except StoppedError:
            return 0
        except OverBudgetError as over:
            if queued.delivery.lane is Lane.AGAIN:
                self._park(queued, str(over))
            else:
                self._inbox.move(queued.number, Lane.AGAIN)
                log_line(
                    "a delivery took too long, and is tried again after all others",
                    30,
                    number=queued.number,
                    route=queued.delivery.route,
                    why=str(over),
                )
            return 1
        except BadInputError as wrong:
            self._park(queued, wrong.message)
            return 1
        except ReaderBugError as bug:
            report_bug(bug)
            self._park(queued, str(bug))
            return 1
        self._inbox.finish([queued.number])
        return 1

    def _begin(self, queued: QueuedDelivery) -> None:
        self.work = Work(queued.number, queued.delivery.route, time.monotonic())

    def _record(self, parsed: Sequence[_Parsed]) -> Sequence[_Parsed]:
        """Append what was parsed; return what is in the log now."""
        with self._turns:
            appended = self._append(parsed)
        facts = [fact for _, own in appended for fact in own]
        if facts:
            self._recorded(facts)
        return appended

    def _parse(self, queued: QueuedDelivery) -> list[Incoming] | None:
        """Return the facts of one small delivery; None if it was parked, or is large."""
        if not self._has_reader(queued):
            return None
        delivery = queued.delivery
        if delivery.lane is Lane.KNOWN and (
            len(delivery.body) > SMALL_BYTES or "content-encoding" in delivery.headers
        ):
            # An earlier version kept it, which knew no lanes.
            self._inbox.move(queued.number, Lane.LARGE)
            return None
        try:
            return facts_of(queued, self._session.rules)
        except BadInputError as wrong:
            self._park(queued, wrong.message)
        except Exception as bug:
            report_bug(bug)
            self._park(queued, f"a bug in the reader: {type(bug).__name__}: {bug}")
        return None

    def _has_reader(self, queued: QueuedDelivery) -> bool:
        if queued.delivery.route in READERS:
            return True
        self._park(queued, f"this version has no reader for {queued.delivery.route!r}")
        return False

    def _append(self, parsed: Sequence[_Parsed]) -> Sequence[_Parsed]:
        """Append what was parsed in one transaction; return what is in the log now."""
        if not any(facts for _, facts in parsed):
            return parsed
        try:
            told = with_refirings(self._session, [facts for _, facts in parsed])
            told = with_release_services(self._session, told)
            facts = [fact for own in told for fact in own]
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
        return [(queued, own) for (queued, _), own in zip(parsed, told, strict=True)]

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


def _size(facts: Sequence[Incoming]) -> int:
    """Count the bytes of payloads; facts of one delivery may share theirs."""
    return sum({id(fact.payload): len(fact.payload) for fact in facts}.values())


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
