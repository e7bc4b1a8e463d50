"""Linking events to an incident with the part they played, and taking links back."""

from projections.actions import would_have_prevented
from tracker.application.action_items import items_of
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import LinkEvent, UnlinkEvent
from tracker.application.session import Recording, Session
from tracker.decisions.action_items import link_prevention, require_item, unlink_prevention
from tracker.decisions.corrections import link, unlink
from tracker.errors import RefusedError, UsageError
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Recorded
from tracker.events.corrections import EventUnlinked
from tracker.events.incidents import PREVENTION
from tracker.incident import Incident


def link_event(session: Session, request: LinkEvent) -> Outcome:
    """Link an event; an action item of an earlier incident is linked as what would have prevented this one.

    `facts["known_by"]` is who linked it in just that way before; `facts["item"]` and
    `facts["prevention"]` describe a linked action item.
    """
    if request.role and not request.why:
        raise UsageError(
            f"link: --as {request.role} needs a reason",
            hint=f'tracker link {request.incident} {request.event} --as {request.role} --why "…"',
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
    recording = session.decide(
        incident.id,
        lambda known: [link(known, target, by=request.by, at=at, role=request.role, why=request.why)],
    )
    return Outcome(recording, keys, at.at)


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
        decided[:] = [unlink(known, target, by=request.by, at=at, why=request.why, role=request.role)]
        return decided

    recording = session.decide(incident.id, decide)
    return Outcome(recording, keys, at.at, {"of": decided[0].of})
