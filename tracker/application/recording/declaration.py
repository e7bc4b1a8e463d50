"""Declaring an incident: a new one, or more about the one that is open for the service."""

from projections.incidents import open_ones, ours
from tracker.application.clock_dates import near
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import DeclareIncident
from tracker.application.session import Recording, Session
from tracker.decisions import lifecycle
from tracker.errors import UsageError
from tracker.events.base import Decision
from tracker.events.incidents import SEVERITIES
from tracker.incident import Incident, number_of
from tracker.times import Typed, utc


def declare(session: Session, request: DeclareIncident) -> Outcome:
    """Declare under the next number, or add to the open incident of a service unless `new`.

    The same declaration again, by title, instant and author, answers the same number.
    `facts["as"]` is declared, known or added.
    """
    services = tuple(dict.fromkeys(session.service(name) for name in request.services))
    at = session.instant(request.at)
    while True:
        incidents = session.incident_summaries()
        for incident in incidents:
            if _is_same(incident, request, at):
                return _outcome(Recording(known=(incident.steps[0].id,)), incident.id, at, "known")
        still_open = [one for one in ours(open_ones(incidents)) if set(one.services) & set(services)]
        if still_open and not request.new:
            return _add(session, request, still_open[-1].id, services, at)
        number = max((number_of(incident.id) for incident in incidents), default=0) + 1
        name = f"{session.settings.tracker.prefix}-{number}"
        recording = _declare(session, request, name, services, at)
        # Neither recorded nor known: another writer took the number, so look again.
        if recording.recorded or recording.known:
            return _outcome(recording, name, at, "declared")


def _outcome(recording: Recording, name: str, at: Typed, how: str) -> Outcome:
    event = (recording.recorded + recording.known)[0]
    return Outcome(recording, {"incident": name, "event": event}, at.at, {"as": how})


def _declare(
    session: Session, request: DeclareIncident, name: str, services: tuple[str, ...], at: Typed
) -> Recording:
    milestones = _milestones(session, request, at)
    decided = lifecycle.declare(
        name,
        title=request.title,
        services=services,
        severity=request.severity,
        by=request.by,
        at=at,
        started=milestones.get("started"),
        detected=milestones.get("detected"),
        detected_by=request.detected_by,
        impact=request.impact,
        lead=request.lead,
    )
    return session.decide(name, lambda known: () if known.exists else decided)


def _milestones(session: Session, request: DeclareIncident, at: Typed) -> dict[str, Typed]:
    return {
        name: session.instant(typed, option=f"--{name}", around=near(at.at))
        for name, typed in (("started", request.started), ("detected", request.detected))
        if typed
    }


def _is_same(incident: Incident, request: DeclareIncident, at: Typed) -> bool:
    """Whether this very declaration is recorded: typed twice, or delivered twice from the spool."""
    return bool(
        (incident.declared_at, incident.declared_by, incident.title)
        == (at.at, request.by, request.title.strip())
    )


def _add(
    session: Session, request: DeclareIncident, name: str, services: tuple[str, ...], at: Typed
) -> Outcome:
    """Add a second declaration to an open incident, as a note and what it says beyond the first."""
    if not request.title.strip():
        raise UsageError(
            "declare: an incident needs a title",
            hint='tracker declare "Payments answer 500" --service checkout --severity critical',
        )
    milestones = _milestones(session, request, at)
    by, title = request.by, request.title.strip()

    def decide(incident: Incident) -> list[Decision]:
        noticed = f", detected by {request.detected_by}" if request.detected_by else ""
        otherwise = "".join(
            f", {name} {utc(when.at)}" for name, when in milestones.items() if name in incident.milestones
        )
        text = f"Declared again as {request.severity}{noticed}{otherwise}: {title}"
        decided: list[Decision] = [lifecycle.note(incident, text, by=by, at=at)]
        if request.impact:
            decided.append(lifecycle.note(incident, request.impact, by=by, at=at, kind="impact"))
        # The higher severity counts: a second declaration as less does not overrule the first.
        if SEVERITIES.index(request.severity) < SEVERITIES.index(incident.severity):
            why = f"declared again: {title}"
            decided.append(lifecycle.change_severity(incident, request.severity, by=by, at=at, why=why))
        if request.lead and request.lead != incident.lead:
            decided.append(lifecycle.change_lead(incident, request.lead, by=by, at=at))
        decided += [
            lifecycle.set_milestone(incident, milestone, by=by, at=when)
            for milestone, when in milestones.items()
            if milestone not in incident.milestones
        ]
        decided += [
            lifecycle.add_service(incident, service, by=by, at=at)
            for service in services
            if service not in incident.services
        ]
        return decided

    return _outcome(session.decide(name, decide), name, at, "added")
