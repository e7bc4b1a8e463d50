"""What commands read of action items: the items, with the beginnings of the incidents that they would have prevented."""

from datetime import datetime
from typing import Any

from projections.actions import ActionItem, Prevention, actions, linked_incidents
from projections.incidents import incidents
from tracker.application.session import Session
from tracker.events.base import Window


def items_of(session: Session, up_to: int | None = None) -> list[ActionItem]:
    """Return all action items."""
    recorded = session.log.select([Window("actions")], up_to)
    linked = [Window(f"incident:{name}") for name in linked_incidents(recorded)]
    began = {
        each.id: each.begins_at for each in incidents(session.log.select(linked, up_to) if linked else [])
    }
    return actions(recorded, began)


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
