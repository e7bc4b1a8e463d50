"""Linking events to an incident with the part they played, and taking links back."""

from projections.actions import would_have_prevented
from projections.incident_windows import Part
from projections.the_fix import began_at, ended_before
from tracker.application.action_items import items_of
from tracker.application.dossier import dossier
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import LinkEvent, UnlinkEvent
from tracker.application.session import Recording, Session
from tracker.decisions.action_items import link_prevention, require_item, unlink_prevention
from tracker.decisions.corrections import link, unlink
from tracker.decisions.lifecycle import again
from tracker.errors import RefusedError, UsageError
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Recorded, handle_of
from tracker.events.corrections import EventUnlinked
from tracker.events.incidents import PREVENTION
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.times import utc

_OPPOSITES = {"caused": "fixed", "fixed": "caused"}


def link_event(session: Session, request: LinkEvent) -> Outcome:
    """Link an event; an action item of an earlier incident is linked as what would have prevented this one.

    `facts["known_by"]` is who linked it in just that way before; `facts["item"]` and
    `facts["prevention"]` describe a linked action item.
    """
    if request.role and not request.why:
        raise UsageError(
            f"link: --as {request.role} needs a reason",
            hint=f'tracker link {word(request.incident)} {word(request.event)} --as {word(request.role)} --why "…"',
        )
    incident = session.incident(request.incident)
    target = session.event(request.event, None, incident)
    if isinstance(target.event, ActionAdded | ActionDone):
        return _link_prevention(session, request, incident, target)
    if request.role == PREVENTION:
        raise RefusedError(
            f"{target.handle} is a {target.event.TOPIC}; only an action item can have prevented an incident",
            hint="List their handles: tracker actions",
        )
    at = session.instant(request.at)
    keys = {"incident": incident.id, "event": target.id}
    before = incident.links.get(target.id)
    if before and before.linked and (before.role, before.why) == (request.role, request.why.strip()):
        return Outcome(Recording(known=(before.event,)), keys, at.at, {"known_by": before.by})
    if request.role in _OPPOSITES:
        _refuse_contradiction(session, incident, target, request.role)
    recording = session.decide(
        incident.id,
        lambda known: [
            again(known, link(known, target, by=request.by, at=at, role=request.role, why=request.why))
        ],
    )
    return Outcome(recording, keys, at.at)


def _refuse_contradiction(session: Session, incident: Incident, target: Recorded, role: str) -> None:
    """Refuse a fix of another place, one that was over before the incident began, and a change that is both cause and fix."""
    known = dossier(session, incident, parts=Part.STORY | Part.WORK, change=target)
    row = next((row for row in known.changes if target.id in row.evidence), None)
    if row is None:
        return
    if role == "fixed" and row.elsewhere:
        raise RefusedError(
            f"{target.handle} went to {row.environment}, not to production: it cannot have fixed {incident.id} there",
            hint=f'Link the deploy to production, or, if that is one, name it: [services.{row.service}] production = ["{row.environment}"]',
        )
    detected = known.detected_at
    if role == "fixed" and row.finished_at is not None and ended_before(incident, row, detected):
        began = began_at(incident, detected)
        raise RefusedError(
            f"{target.handle} ended at {utc(row.finished_at)}, before {incident.id} began at {utc(began)}: it cannot have fixed it",
            hint=f"If {incident.id} began earlier: tracker milestone {incident.id} started --at T",
        )
    links = [link for event in row.evidence if event in incident.links for link in incident.links[event].all]
    other = next((one for one in links if one.linked and one.role == _OPPOSITES[role]), None)
    if other is not None:
        raise RefusedError(
            f"{target.handle} is linked to {incident.id} as {other.role} by {other.by}: one change is not both cause and fix",
            hint=f"Take that back first: tracker unlink {incident.id} {handle_of(other.target)} --as {word(other.role)} --why …",
        )


def _link_prevention(session: Session, request: LinkEvent, incident: Incident, target: Recorded) -> Outcome:
    origin = session.incident(require_item(target).incident or "")
    at = session.instant(request.at)
    before = incident.links.get(target.id)
    if before and before.linked and before.why == request.why.strip():
        recording = Recording(known=(before.event,))
    else:
        recording = session.decide(
            incident.id,
            lambda known: [
                link_prevention(
                    known, origin, target, by=request.by, at=at, role=request.role, why=request.why
                )
            ],
        )
    item, prevention = next(
        pair for pair in would_have_prevented(items_of(session), incident.id) if pair[0].event == target.id
    )
    keys = {"incident": incident.id, "event": target.id}
    return Outcome(recording, keys, at.at, {"item": item, "prevention": prevention})


def unlink_event(session: Session, request: UnlinkEvent) -> Outcome:
    """Take an event out of an incident; with a role, take back that role of one person.

    `facts["of"]` is whose role it was.
    """
    incident = session.incident(request.incident)
    target = session.event(request.event, None, incident)
    at = session.instant(request.at)
    keys = {"incident": incident.id, "event": target.id}
    if isinstance(target.event, ActionAdded | ActionDone):
        recording = session.decide(
            incident.id,
            lambda known: [unlink_prevention(known, target, by=request.by, at=at, why=request.why)],
        )
        return Outcome(recording, keys, at.at)
    decided: list[EventUnlinked] = []

    def decide(known: Incident) -> list[EventUnlinked]:
        decision = unlink(known, target, by=request.by, at=at, why=request.why, role=request.role)
        decided[:] = [again(known, decision)]
        return decided

    recording = session.decide(incident.id, decide)
    return Outcome(recording, keys, at.at, {"of": decided[0].of})
