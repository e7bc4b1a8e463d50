"""What commands read of action items: the items, with the beginnings of the incidents that they would have prevented."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from projections.actions import ActionItem, Prevention, actions
from tracker.application.session import Session
from tracker.events.actions import ActionDone
from tracker.events.base import Recorded, Window
from tracker.events.corrections import Correction, EventLinked
from tracker.events.incidents import PREVENTION, IncidentDeclared, MilestoneSet
from tracker.incident import Incident, fold


def items_and_events(
    session: "Session", up_to: int | None = None
) -> "tuple[list[ActionItem], list[Recorded]]":
    """Return all action items, and the events that say so: the items', and the beginnings' of linked incidents."""
    held = session.log.select([Window("actions")], up_to)
    linked = {
        each.event.incident
        for each in held
        if isinstance(each.event, EventLinked) and each.event.role == PREVENTION and each.event.incident
    }
    began: dict[str, datetime] = {}
    used = list(held)
    for name in sorted(linked):
        events = session.log.incident(name, up_to)
        incident = fold(name, events)
        if not incident.exists:
            continue
        began[name] = incident.begins_at
        said = {each.id for each in events if isinstance(each.event, IncidentDeclared | MilestoneSet)}
        used += about(said, events)
    return actions(held, began), used


def items_of(session: "Session", up_to: int | None = None) -> "list[ActionItem]":
    """Return all action items."""
    return items_and_events(session, up_to)[0]


def relevant(
    session: "Session", incident: "Incident", up_to: int | None = None
) -> "tuple[list[ActionItem], list[Recorded]]":
    """Return the items that an incident's report tells of, and the events that say so and no others.

    These are its own, and those of earlier incidents that would have prevented it.
    """
    found, events = items_and_events(session, up_to)
    own = {incident.id, *incident.merged_from}
    kept = [
        each for each in found if each.incident in own or any(said.incident in own for said in each.prevented)
    ]
    items = {each.event for each in kept}
    others = {said.incident for each in kept for said in each.prevented}
    ids = set(items)
    for each in events:
        event = each.event
        if (isinstance(event, ActionDone) and event.action in items) or (
            isinstance(event, IncidentDeclared | MilestoneSet) and event.incident in others
        ):
            ids.add(each.id)
    return kept, about(ids, events)


def about(ids: set[str], events: "Sequence[Recorded]") -> "list[Recorded]":
    """Return the events of these ids with all that was said about them, and about that again."""
    found = set(ids)
    # A correction stands after what it corrects.
    for each in sorted(events, key=lambda one: one.position):
        if isinstance(each.event, Correction) and each.event.target in found:
            found.add(each.id)
    return [each for each in events if each.id in found]


def described(item: "ActionItem", now: datetime) -> dict[str, Any]:
    """Return an item as JSON keys."""
    standing = item.standing(now)
    return {
        "event": item.event,
        "incident": item.incident,
        "text": item.text,
        "owner": item.owner,
        "due_on": item.due_on,
        "due_said": item.due_said,
        "due_zone": item.due_zone,
        "state": standing.state,
        "overdue_days": standing.overdue_days,
        "added_at": item.added_at,
        "added_by": item.added_by,
        "done_at": item.done_at,
        "done_by": item.done_by,
        "proof": item.proof,
        "would_have_prevented": [prevention(each) for each in item.prevented],
    }


def prevention(said: "Prevention") -> dict[str, Any]:
    """Return what an item would have prevented as JSON keys; the state is that at the incident's beginning."""
    return {
        "incident": said.incident,
        "began_at": said.began_at,
        "state_then": said.then.state if said.then else None,
        "overdue_days_then": said.then.overdue_days if said.then else None,
        "due_on_then": said.due_then,
        "why": said.why,
        "by": said.by,
        "event": said.event,
    }
