"""Decisions on an incident's state: milestones, severity, lead, stage, services, resolve, reopen, merge."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tracker.application.clock_dates import DAY, near, told_afterwards
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import (
    AddService,
    ChangeLead,
    ChangeSeverity,
    ChangeStage,
    MergeIncident,
    RemoveService,
    ReopenIncident,
    ResolveIncident,
    SetMilestone,
)
from tracker.application.session import Session
from tracker.decisions import lifecycle
from tracker.errors import UsageError
from tracker.events.base import Decision
from tracker.events.incidents import Repeatable
from tracker.incident import Incident
from tracker.times import Typed


def _decide(
    session: Session,
    incident: Incident,
    at: Typed,
    decision: Callable[[Incident], Repeatable],
    **facts: object,
) -> Outcome:
    def decided(known: Incident) -> Sequence[Decision]:
        return [lifecycle.again(known, decision(known))]

    return Outcome(session.decide(incident.id, decided), {"incident": incident.id}, at.at, facts)


def set_milestone(session: Session, request: SetMilestone) -> Outcome:
    incident = session.incident(request.incident)
    if request.until and not request.at:
        raise UsageError("milestone: --until needs --at", hint="--at is the earlier of the two times")
    # A start lies before everything else that is known, so it is looked for around the declaration.
    assert incident.declared_at is not None
    around = near(incident.declared_at) if request.milestone in ("started", "detected") else None
    at = session.instant(request.at, incident, around=around)
    until = (
        session.instant(request.until, incident, option="--until", around=around) if request.until else None
    )
    return _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.set_milestone(known, request.milestone, by=request.by, at=at, until=until),
        until=until.at if until else None,
    )


def change_severity(session: Session, request: ChangeSeverity) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    return _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.change_severity(
            known, request.severity, by=request.by, at=at, why=request.why
        ),
    )


def change_lead(session: Session, request: ChangeLead) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    return _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.change_lead(known, request.lead, by=request.by, at=at),
    )


def change_stage(session: Session, request: ChangeStage) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    return _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.change_stage(known, request.stage, by=request.by, at=at),
    )


def add_service(session: Session, request: AddService) -> Outcome:
    incident, service = session.incident(request.incident), session.service(request.service)
    at = session.instant(request.at, incident)
    return _decide(
        session, incident, at, lambda known: lifecycle.add_service(known, service, by=request.by, at=at)
    )


def remove_service(session: Session, request: RemoveService) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    return _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.remove_service(known, request.service, by=request.by, at=at),
    )


def resolve(session: Session, request: ResolveIncident) -> Outcome:
    """Resolve an incident; what was recorded of it is sealed."""
    incident = session.incident(request.incident)
    at = session.instant(request.at, incident)
    outcome = _decide(
        session,
        incident,
        at,
        lambda known: lifecycle.resolve(known, by=request.by, at=at, resolution=request.resolution),
    )
    session.log.seal()
    return outcome


def reopen(session: Session, request: ReopenIncident) -> Outcome:
    incident = session.incident(request.incident)
    at = session.instant(request.at, around=_after(incident, session.now))
    return _decide(
        session, incident, at, lambda known: lifecycle.reopen(known, by=request.by, at=at, why=request.why)
    )


def _after(incident: Incident, now: datetime) -> tuple[datetime, datetime] | None:
    """Return where the clock time of a reopening lies: after the resolution, on its day where it is recorded afterwards."""
    if incident.resolved_at is None:
        return None
    return incident.resolved_at, incident.resolved_at + DAY if told_afterwards(incident) else now


def merge(session: Session, request: MergeIncident) -> Outcome:
    incident, into = session.incident(request.incident), session.incident(request.into)
    at = session.instant(request.at)
    recording = session.decide(
        incident.id, lambda known: [lifecycle.merge(known, into, by=request.by, at=at, why=request.why)]
    )
    return Outcome(recording, {"incident": into.id, "merged": incident.id}, at.at)
