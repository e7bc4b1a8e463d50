"""From the inbox into the log: read what waits, append it, let go of it.

A stop at any instant loses nothing: what was appended and not let go of is read again,
and its events are known then. What nobody understands is parked with the reason.
"""

import threading
import time
from collections.abc import Callable, Sequence

from tracker.application.read_delivery import READERS, facts_of
from tracker.application.session import Session
from tracker.errors import BadInputError, LogNotWholeError, StoreError
from tracker.events.base import Incoming, handle_of
from tracker.inbox.queue import Held, Inbox
from tracker.server.telemetry import Telemetry, report, tell

_Read = tuple[Held, list[Incoming]]

TOGETHER = 500
"""So many deliveries go into the log in one transaction."""
_IDLE_SECONDS = 5.0
_OF_THE_DATA = ("22", "23", "54")
"""Classes of SQLSTATE: a wrong value, a broken constraint, more than the store can hold in one place."""
_LONGEST_REASON = 500


class Digest:
    """Works up what waits, in the order of arrival.

    `recorded` is called with the facts that were appended, new or known; `door_is_busy`
    says whether many deliveries come in just now.
    """

    def __init__(
        self,
        inbox: Inbox,
        session: Session,
        telemetry: Telemetry,
        recorded: Callable[[Sequence[Incoming]], None] = lambda facts: None,
        door_is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._inbox, self._session, self._door_is_busy = inbox, session, door_is_busy
        self._telemetry, self._recorded = telemetry, recorded

    def run(self, wake: threading.Event, stopping: threading.Event) -> None:
        """Work until told to stop; wait for a wake-up, or a few seconds, where nothing waits."""
        pause = 0.1
        while not stopping.is_set():
            began = time.monotonic()
            try:
                worked = self.once()
                pause = 0.1
            except Exception as trouble:
                # Nothing is lost by waiting: it stands in the inbox. A bug would end the thread otherwise.
                self._telemetry.errors.labels("digest").inc()
                tell("working up the inbox failed; trying again", 40, why=str(trouble), pause_seconds=pause)
                report(trouble)
                stopping.wait(pause)
                pause = min(30.0, 2 * pause)
                continue
            if worked and self._door_is_busy():
                # Senders wait for answers, the timeline does not: the door gets as much time as this took.
                stopping.wait(min(1.0, time.monotonic() - began))
            if not worked:
                wake.wait(_IDLE_SECONDS)
                wake.clear()

    def once(self) -> int:
        """Work up what waits now, a few hundred at the most; return how many left the inbox."""
        batch = self._inbox.waiting(TOGETHER)
        if not batch:
            return 0
        read = [(held, facts) for held in batch if (facts := self._read(held)) is not None]
        stands = self._append(read)
        self._inbox.finish([held.number for held, _ in stands])
        facts = [fact for _, found in stands for fact in found]
        if facts:
            self._recorded(facts)
        return len(batch)

    def _read(self, held: Held) -> list[Incoming] | None:
        """Read one delivery; None where it had to be parked."""
        if held.delivery.route not in READERS:
            self._park(held, f"this version has no reader for {held.delivery.route!r}")
            return None
        try:
            return facts_of(held, self._session.rules)
        except BadInputError as wrong:
            self._park(held, wrong.message)
        except Exception as bug:
            report(bug)
            self._park(held, f"a bug in the reader: {type(bug).__name__}: {bug}")
        return None

    def _append(self, read: "Sequence[_Read]") -> "Sequence[_Read]":
        """Append what was read in one transaction; return what stands in the log now."""
        facts = [fact for _, found in read for fact in found]
        if not facts:
            return read
        try:
            recording = self._session.record(facts)
        except Exception as trouble:
            if not refuses_the_data(trouble):
                raise
            if len(read) == 1:
                report(trouble)
                self._park(read[0][0], f"the log did not take it: {trouble}")
                return ()
            # One of them is what the log refuses: the others go in without it.
            middle = len(read) // 2
            return [*self._append(read[:middle]), *self._append(read[middle:])]
        self._telemetry.recorded.inc(len(recording.recorded))
        self._telemetry.known.inc(len(recording.known))
        self._warn()
        return read

    def _warn(self) -> None:
        """Log that new events hold what looks like a secret: the kinds and the handles, never the text."""
        found = self._session.secrets.told()
        if found is not None:
            tell(
                "received what looks like a secret",
                30,
                kinds=found[0],
                events=[handle_of(each) for each in found[1][:10]],
                next="tracker redact EVENT --why …",
            )

    def _park(self, held: Held, reason: str) -> None:
        reason = _one_line(reason)
        self._inbox.park(held.number, reason)
        tell(
            "a delivery was not understood",
            30,
            number=held.number,
            route=held.delivery.route,
            why=reason,
            next="tracker inbox list",
        )


def refuses_the_data(trouble: BaseException) -> bool:
    """Whether the log took offence at what was to be appended, or is in trouble itself.

    Of trouble of its own everything would be parked; it passes, or an operator ends it.
    """
    if not isinstance(trouble, StoreError | LogNotWholeError):
        return True
    cause: BaseException | None = trouble
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if (state or "")[:2] in _OF_THE_DATA or type(cause).__name__ in ("DataError", "IntegrityError"):
            return True
        cause = cause.__cause__
    return False


def _one_line(reason: str) -> str:
    """Make of any words what each store keeps as text: a payload's own can be in them, without end."""
    said = " ".join(reason.encode("utf-8", "replace").decode().replace("\0", "�").split())
    return said if len(said) <= _LONGEST_REASON else said[: _LONGEST_REASON - 1] + "…"
