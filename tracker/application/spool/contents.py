"""What the spool holds: entries that wait and entries that were refused, and how one of them is forgotten."""

import contextlib
from collections.abc import Sequence
from datetime import datetime

from tracker.application.requests import RecordEvent
from tracker.application.spool import old_lines, open_runs
from tracker.application.spool.entries import decoded, delivery
from tracker.application.spool.files import ALL, everything, locked, opened, path_of, runs_of
from tracker.errors import BadInputError, StoreError
from tracker.inbox.queue import QueuedDelivery
from tracker.text.coded import look
from tracker.times import to_us


def waiting(store: str) -> list[QueuedDelivery]:
    """Return what waits to be delivered, oldest first; of runs that were killed, that their end is unknown."""
    old_lines.take_over(store)
    _take_over_killed_runs(store)
    if not path_of(store).exists():
        return []
    with opened(store) as queue:
        return queue.waiting(ALL)


def refused(store: str) -> list[tuple[QueuedDelivery, str]]:
    """Return what was refused when it was delivered, and why."""
    old_lines.take_over(store)
    if not path_of(store).exists():
        return []
    with opened(store) as queue:
        reasons = {parked.number: parked.reason for parked in queue.parked()}
        return [(held, reasons[held.number]) for held in everything(queue) if held.number in reasons]


def forget(store: str, needles: Sequence[bytes]) -> tuple[int, list[str]]:
    """Remove the entries that hold one of these pieces, waiting or refused.

    Returns how many, and what could not be removed: runs that have not ended.
    """
    old_lines.take_over(store)
    _take_over_killed_runs(store)
    running = [
        f"what a run that has not ended will record: {file}"
        for file in sorted(runs_of(store).glob("*.run"))
        if look(file.read_bytes(), needles, is_packed=False).found
    ]
    if not path_of(store).exists():
        return 0, running
    with locked(store), opened(store) as queue:
        reasons = {parked.number: parked.reason for parked in queue.parked()}
        numbers = [
            held.number for held in everything(queue) if _holds(held, reasons.get(held.number, ""), needles)
        ]
        queue.finish(numbers)
        queue.clean()
    return len(numbers), running


def _holds(held: QueuedDelivery, reason: str, needles: Sequence[bytes]) -> bool:
    texts = [held.delivery.body, reason.encode()]
    with contextlib.suppress(BadInputError):
        request = decoded(held)
        if isinstance(request, RecordEvent):
            texts.append(request.state)
    return any(look(text, needles, is_packed=False).found for text in texts)


def _take_over_killed_runs(store: str) -> None:
    # A disk that is full or read-only keeps nobody from an answer; the files stay for later.
    with contextlib.suppress(OSError, StoreError):
        for body in open_runs.interrupted(runs_of(store)):
            with opened(store) as queue:
                queue.put([delivery(body, "", to_us(datetime.now().astimezone()))])
