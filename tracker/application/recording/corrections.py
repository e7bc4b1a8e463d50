"""Amending and retracting recorded events."""

from typing import Any

from tracker.application.recording.outcome import Outcome
from tracker.application.requests import AmendEvent, RetractEvent
from tracker.application.session import Recording, Session
from tracker.decisions import corrections
from tracker.decisions.action_items import amended_fields
from tracker.events.base import Recorded, event_id
from tracker.events.corrections import Correction, Effective, effective
from tracker.incident import fold
from tracker.times import to_us


def amend_event(session: Session, request: AmendEvent) -> Outcome:
    """Correct an event; `facts` has its new instant and day due, where these changed."""
    target = _corrected(session, request.event)
    changes: dict[str, Any] = dict(request.changes)
    name = getattr(target.event, "incident", None)
    incident = fold(name, session.log.incident(name)) if name else None
    new_at = session.instant(request.at, incident) if request.at else None
    if changes.get("service"):
        changes["service"] = session.service(str(changes["service"]))
    changes = amended_fields(target.event, changes, now=session.now, typed_zone=session.typed_zone)
    correction = corrections.amend(
        target, by=request.by, now=session.now, why=request.why, changes=changes, new_at=new_at
    )
    facts = {"new_at": correction.new_at if request.at else None, "due_on": changes.get("due_on")}
    return Outcome(_record(session, correction), {"event": target.id}, session.now, facts)


def retract_event(session: Session, request: RetractEvent) -> Outcome:
    target = _corrected(session, request.event)
    correction = corrections.retract(target, by=request.by, now=session.now, why=request.why)
    return Outcome(_record(session, correction), {"event": target.id}, session.now)


def _corrected(session: Session, typed: str) -> Effective:
    """Return the event that was named, with its corrections applied."""
    target = session.event(typed)
    return effective(session.log.with_corrections([target]))[target.id]


def _record(session: Session, correction: Correction) -> Recording:
    """Append a correction: to its incident's stream, or on its own.

    Raises:
        RefusedError: If its incident would contradict itself then.
    """
    name = correction.incident
    if name is None:
        return session.record([correction])
    known = session.log.incident(name)
    after = Recorded(
        id=event_id(correction),
        event=correction,
        position=max(event.position for event in known) + 1,
        recorded_us=to_us(session.now),
    )
    corrections.refuse_contradiction(fold(name, known), fold(name, [*known, after]))
    return session.decide(name, lambda _: [correction])
