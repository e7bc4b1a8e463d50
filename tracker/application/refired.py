"""Alerts that fire again with their old start, by what the log has of them."""

from collections.abc import Sequence

from tracker.application.session import Session
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Incoming, Recorded, Window
from tracker.events.corrections import effective
from tracker.ingest.refired import AlertHistory, started_before

_ALERTS = (AlertFired.TOPIC, AlertResolved.TOPIC)


def with_refirings(session: Session, deliveries: Sequence[list[Incoming]]) -> list[list[Incoming]]:
    """Return deliveries, in the order in which they came, with each alert that fires again as an event of its own.

    What comes from a file is compared with that file only: files among each other have no order.
    """
    facts = [fact for delivery in deliveries for fact in delivery]
    ordered = [fact for fact in facts if fact.arrival.via != "file"]
    history = AlertHistory(_recorded(session, ordered))
    return [history.read(delivery) for delivery in deliveries]


def _recorded(session: Session, facts: Sequence[Incoming]) -> list[Incoming]:
    """Return the log's ends and repeated firings of these alerts."""
    starts = started_before(facts)
    if not starts:
        return []
    known = {fact.event.fingerprint for fact in facts if isinstance(fact.event, AlertFired | AlertResolved)}
    windows = [Window(f"service:{service}", start, topics=_ALERTS) for service, start in starts.items()]
    found: list[Recorded] = [
        fact.recorded
        for fact in effective(session.log.select(windows)).values()
        if fact.retraction is None and _ends_or_repeats(fact.recorded, known)
    ]
    payloads = session.log.payloads([record.position for record in found])
    return [
        Incoming(event=record.event, arrival=record.arrival, payload=payloads.get(record.position, b""))
        for record in found
    ]


def _ends_or_repeats(record: Recorded, fingerprints: set[str]) -> bool:
    event = record.event
    if isinstance(event, AlertResolved):
        return event.fingerprint in fingerprints
    return (
        isinstance(event, AlertFired) and event.again_after is not None and event.fingerprint in fingerprints
    )
