"""Steps of deploys and rollbacks that something else carries out, and events that `tracker run` observed."""

from datetime import timedelta

import msgspec

from tracker.application.recording.outcome import Outcome
from tracker.application.requests import RecordChange, RecordEvent
from tracker.application.session import Session
from tracker.events import changes
from tracker.events.base import Arrival, Incoming, Window, decode

STEPS: dict[tuple[str, str], type[changes.Change]] = {
    ("deploy", "start"): changes.DeployStarted,
    ("deploy", "finish"): changes.DeployFinished,
    ("deploy", "fail"): changes.DeployFailed,
    ("deploy", "interrupt"): changes.DeployInterrupted,
    ("rollback", "start"): changes.RollbackStarted,
    ("rollback", "finish"): changes.RollbackFinished,
    ("rollback", "fail"): changes.RollbackFailed,
    ("rollback", "interrupt"): changes.RollbackInterrupted,
}


def record_change(session: Session, request: RecordChange) -> Outcome:
    service = session.service(request.service)
    at = session.instant(request.at)
    event = STEPS[request.change, request.step](
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        source="typed",
        service=service,
        version=request.version,
        environment=request.environment,
        sha=request.sha,
        url=request.url,
    )
    if isinstance(event, changes.RepeatableChange):
        event = msgspec.structs.replace(event, again=_again(session, event))
    incoming = Incoming(event=event, arrival=Arrival(via="typed", reported_by=request.by))
    return Outcome(session.record([incoming]), {}, at.at)


def _again(session: Session, event: changes.RepeatableChange) -> int:
    """Count the equal ones before it, where another version was typed for that instant after them."""
    at, topics = event.occurred_at, tuple(step.TOPIC for step in STEPS.values())
    window = Window(f"service:{event.service or ''}", at, at + timedelta(milliseconds=1), topics)
    typed = [
        each.event
        for each in session.log.select([window])
        if isinstance(each.event, changes.RepeatableChange)
        and (each.event.source, each.event.environment) == (event.source, event.environment)
    ]
    equal = [each.again for each in typed if (each.TOPIC, each.version) == (event.TOPIC, event.version)]
    if not equal:
        return 0
    return max(equal) + (typed[-1].version != event.version)


def record_event(session: Session, request: RecordEvent) -> Outcome:
    arrival = msgspec.msgpack.decode(request.arrival, type=Arrival) if request.arrival else Arrival()
    event = decode(request.topic, request.state)
    return Outcome(session.record([Incoming(event=event, arrival=arrival)]), {}, event.occurred_at)
