"""Action items: added with an owner and a day, and completed with a proof."""

from tracker.application.recording.outcome import Outcome
from tracker.application.requests import AddAction, CompleteAction
from tracker.application.session import Session
from tracker.decisions import action_items
from tracker.decisions.due_dates import due


def add(session: Session, request: AddAction) -> Outcome:
    incident = session.incident(request.incident)
    owner = action_items.owner_of(request.owner)
    at = session.instant(request.at, incident)
    day = due(request.due, at=at.at, zone=session.typed_zone)
    recording = session.decide(
        incident.id,
        lambda known: [
            action_items.add_action(known, request.text, owner=owner, due=day, by=request.by, at=at)
        ],
    )
    keys = {
        "incident": incident.id,
        "event": (recording.recorded + recording.known)[0],
        "owner": owner,
        "due_on": day.on,
        "due_said": day.said,
        "due_zone": day.zone_name,
    }
    return Outcome(recording, keys, at.at)


def complete(session: Session, request: CompleteAction) -> Outcome:
    """Complete an item; `facts["merged_into"]` is where its incident is now."""
    target = session.event(request.action)
    item = action_items.require_item(target)
    name = item.incident or ""
    incident = session.incident(name)
    # Done after it was added, mostly long after the incident: a clock time is the latest one since.
    at = session.instant(request.at, around=(item.occurred_at, session.now))
    recording = session.decide(
        name,
        lambda known: [action_items.complete(known, target, proof=request.proof, by=request.by, at=at)],
    )
    return Outcome(
        recording, {"incident": name, "event": target.id}, at.at, {"merged_into": incident.merged_into}
    )
