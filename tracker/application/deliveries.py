"""What a person decides on deliveries in the inbox."""

import hashlib
from collections.abc import Sequence

from tracker.application.session import Recording, Session
from tracker.events.housekeeping import DeliveryDropped
from tracker.inbox.queue import Inbox
from tracker.times import from_us


def drop_deliveries(session: Session, inbox: Inbox, numbers: Sequence[int], *, why: str) -> Recording:
    """Remove deliveries from the inbox; first it is recorded who did, and why."""
    dropped = [
        DeliveryDropped(
            occurred_at=session.now,
            decided_by=session.author,
            route=queued.delivery.route,
            source=queued.delivery.source,
            key=queued.delivery.key,
            received_at=from_us(queued.delivery.received_us),
            size_bytes=len(queued.delivery.body),
            sha256=hashlib.sha256(queued.delivery.body).digest(),
            why=why,
        )
        for number in numbers
        for queued in inbox.after(number - 1)[:1]
    ]
    recording = session.record(dropped)
    inbox.finish(numbers)
    inbox.clean()
    return recording
