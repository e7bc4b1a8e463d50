"""Statements that are repeated after their opposite, by what the log has of the same alert, issue or incident."""

from collections.abc import Sequence
from datetime import timedelta

from tracker.application.session import Session
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Incoming, Recorded, Window
from tracker.events.corrections import effective
from tracker.ingest.refired import AlertHistory, started_before
from tracker.ingest.restated import TOPICS, StateHistory, Step, subject_of

_STEPS_BACK = timedelta(days=1)
_ALERTS = (AlertFired.TOPIC, AlertResolved.TOPIC)


def with_refirings(session: Session, deliveries: Sequence[list[Incoming]]) -> list[list[Incoming]]:
    """Return deliveries, in the order in which they came, with each repetition after the opposite as an event of its own.

    What comes from a file is compared with that file only: files among each other have no order.
    """
    facts = [fact for delivery in deliveries for fact in delivery]
    ordered = [fact for fact in facts if fact.arrival.via != "file"]
    alerts = AlertHistory(_recorded(session, ordered))
    states = StateHistory(_steps(session, [fact for fact in ordered if fact.arrival.via == "webhook"]))
    return [states.read(alerts.read(delivery)) for delivery in deliveries]


def _steps(session: Session, facts: Sequence[Incoming]) -> list[Incoming]:
    """Return what the log has of the issues and outside incidents among these facts."""
    steps = [fact.event for fact in facts if isinstance(fact.event, Step)]
    subjects = {subject_of(step) for step in steps} - {None}
    if not subjects:
        return []
    since = min(step.occurred_at for step in steps) - _STEPS_BACK
    windows = [Window(f"service:{name}", since, topics=TOPICS) for name in {s.service or "" for s in steps}]
    found = [
        fact.recorded
        for fact in effective(session.log.select(windows)).values()
        if fact.retraction is None and subject_of(fact.recorded.event) in subjects
    ]
    return _incoming(session, found)


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
    return _incoming(session, found)


def _incoming(session: Session, found: Sequence[Recorded]) -> list[Incoming]:
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
