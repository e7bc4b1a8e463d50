"""Decisions about action items: that one is added or done, and what it would have prevented.

Pure: the incident with its steps in, an event out, or RefusedError with the rule.
"""

import re
from datetime import datetime, tzinfo
from typing import Any

from tracker.decisions.common import decided, reason, refuse_merged
from tracker.decisions.due_dates import Due, due
from tracker.errors import BadInputError, RefusedError, UsageError
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Decision, Event, Recorded, event_id, handle_of
from tracker.events.corrections import Effective, EventLinked, EventUnlinked
from tracker.events.incidents import PREVENTION
from tracker.incident import Incident
from tracker.times import Typed, utc, zone

_GROUPS = {
    *("team", "teams", "squad", "crew", "department", "everyone", "everybody", "anyone"),
    *("anybody", "someone", "somebody", "whoever", "nobody", "tbd", "tba", "tbc"),
    *("unassigned", "undecided", "developers", "devs", "engineers", "engineering", "devops"),
    *("sre", "management"),
}
_NOBODY = {
    *_GROUPS,
    *("all", "none", "we", "us", "they", "them", "unknown", "na", "n/a", "todo", "oncall"),
    *("on-call", "ops", "qa", "group", "no-one", "no one", "all of us"),
}
_SEVERAL = re.compile(r"\s+(?:and|or|und)\s+|[,;&/+]", re.IGNORECASE)
_EMPTY_PROOFS = {
    *("done", "yes", "y", "ok", "okay", "true", "x", "fixed", "finished", "complete"),
    *("completed", "closed", "resolved", "none", "no", "n/a", "na", "tbd", "todo", "later"),
    *("url", "proof", "works", "verified", "tested", "merged", "deployed", "see above"),
    *("trust me", "it is done", "all good"),
}


def add_action(incident: Incident, text: str, *, owner: str, due: Due, by: str, at: Typed) -> ActionAdded:
    """Add an action item with one owner and a due date."""
    refuse_merged(incident, "tracker action add {into} …")
    if not text.strip():
        raise RefusedError(
            "an action item needs a text that says what is to be done",
            hint=f'tracker action add {incident.id} "Alert on the pool" --owner NAME --due DATE',
        )
    added = decided(
        ActionAdded,
        incident.id,
        by,
        at,
        text=text.strip(),
        owner=owner_of(owner),
        due_on=due.on,
        due_said=due.said,
        due_zone=None if due.zone_name == "UTC" else due.zone_name,
        due_offset_minutes=due.ends_offset_minutes,
    )
    _refuse_retracted(incident, added)
    return added


def owner_of(typed: str) -> str:
    """Return the name of the one person who owns an item."""
    name = " ".join(typed.split()).lstrip("@").strip()
    words = re.sub(r"[.!?]", "", name.lower())
    is_person = any(char.isalpha() for char in name) and words not in _NOBODY
    if not is_person or _GROUPS & set(words.split()):
        raise RefusedError(
            f"{typed.strip() or 'nobody'!r} is not a person; an action item needs one owner",
            hint="Name one person: --owner john",
        )
    if _SEVERAL.search(name):
        raise RefusedError(
            f"{typed.strip()!r} is more than one person",
            hint="Name one person, or add an item for each",
        )
    return name


def complete(incident: Incident, target: Recorded, *, proof: str, by: str, at: Typed) -> ActionDone:
    """Mark an action item as done, with a proof."""
    step = item(incident, target)
    event = step.event
    assert isinstance(event, ActionAdded)
    earlier = done_step(incident, step.id)
    if earlier is not None:
        assert isinstance(earlier.event, ActionDone)
        raise RefusedError(
            f"{step.handle} was already marked as done at {utc(earlier.event.occurred_at)} by "
            f"{earlier.event.decided_by}; proof: {earlier.event.proof}",
            hint=f"If it was not: tracker retract {earlier.handle} --why …",
        )
    shown = " ".join(proof.split())
    if not shown or shown.lower().strip(" .!") in _EMPTY_PROOFS or not any(c.isalnum() for c in shown):
        raise RefusedError(
            f"{shown!r} does not show that it was done" if shown else "that needs a proof",
            hint=f"Give an address, a commit or a handle that shows it: tracker action done {step.handle} --proof https://…",
        )
    if at.at < event.occurred_at:
        raise RefusedError(
            f"{step.handle} cannot be done at {utc(at.at)}, before it was added at {utc(event.occurred_at)}",
            hint="Give --at the instant at which it was done, or leave it out for now",
        )
    done = decided(ActionDone, incident.id, by, at, action=step.id, proof=shown)
    _refuse_retracted(incident, done)
    return done


def _refuse_retracted(incident: Incident, decision: Decision) -> None:
    """Refuse a decision that is identical to a retracted one: it would have the same id and stay retracted."""
    same = next((step for step in incident.steps if step.id == event_id(decision)), None)
    if same is not None and same.retraction is not None:
        raise RefusedError(
            f"{same.handle} is identical, and was retracted",
            hint=f"If that was wrong: tracker retract {same.retraction.handle} --why …",
        )


def item(incident: Incident, target: Recorded) -> Effective:
    """Return an incident's action item with its corrections."""
    require_item(target)
    step = next((step for step in incident.steps if step.id == target.id), None)
    if step is None:
        raise RefusedError(f"{target.handle} is not an action item of {incident.id}", hint="tracker actions")
    if step.retraction is not None:
        why = getattr(step.retraction.event, "why", "")
        by = getattr(step.retraction.event, "decided_by", "")
        raise RefusedError(
            f"{step.handle} was retracted by {by}: {why}", hint=f"tracker history {step.handle}"
        )
    return step


def require_item(target: Recorded) -> ActionAdded:
    """Return the action item that an event adds."""
    event = target.event
    if isinstance(event, ActionDone):
        raise RefusedError(
            f"{target.handle} marks {handle_of(event.action)} as done; it is not an action item itself",
            hint=f"tracker show {handle_of(event.action)}",
        )
    if not isinstance(event, ActionAdded):
        raise RefusedError(
            f"{target.handle} is a {event.TOPIC}, not an action item",
            hint="See the handles of action items: tracker actions",
        )
    return event


def done_step(incident: Incident, action: str) -> Effective | None:
    """Return the step that marks an item as done; None while it is open."""
    for step in incident.steps:
        if isinstance(step.event, ActionDone) and step.event.action == action and step.retraction is None:
            return step
    return None


def link_prevention(
    incident: Incident, origin: Incident, target: Recorded, *, by: str, at: Typed, role: str | None, why: str
) -> EventLinked:
    """Link an item of an earlier incident that would have prevented this one.

    Refused unless the item was added, and not done, when this incident began.
    """
    if role not in (None, PREVENTION):
        raise RefusedError(
            f"{target.handle} is an action item; it cannot have {role} an incident",
            hint=f"If it would have prevented it: tracker link {incident.id} {target.handle} --why …",
        )
    step = item(origin, target)
    refuse_merged(incident, f"tracker link {{into}} {target.handle} --why …")
    if incident.id in (origin.id, origin.merged_into) or origin.id in incident.merged_from:
        raise RefusedError(
            f"{target.handle} is {incident.id}'s own action item; it came after it",
            hint="Only an item of an earlier incident would have prevented this one: tracker actions",
        )
    if step.event.occurred_at > incident.begins_at:
        raise RefusedError(
            f"{target.handle} was added at {utc(step.event.occurred_at)}, after {incident.id} began "
            f"at {utc(incident.begins_at)}",
            hint="Only an earlier item could have prevented it: tracker actions",
        )
    done = done_step(origin, step.id)
    if done is not None and done.event.occurred_at <= incident.begins_at:
        raise RefusedError(
            f"{target.handle} was done at {utc(done.event.occurred_at)}, before {incident.id} began "
            f"at {utc(incident.begins_at)}: it did not prevent it",
            hint=f"If it was not done: tracker retract {done.handle} --why …",
        )
    return EventLinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        role=PREVENTION,
        why=reason(why, f"tracker link {incident.id} {target.handle}"),
    )


def unlink_prevention(incident: Incident, target: Recorded, *, by: str, at: Typed, why: str) -> EventUnlinked:
    """Unlink an item that would not have prevented the incident after all."""
    require_item(target)
    link = incident.links.get(target.id)
    if link is None or not link.linked:
        before = f"; {link.by} unlinked it" if link is not None else ""
        raise RefusedError(
            f"{target.handle} is not linked to {incident.id}{before}",
            hint=f"tracker show {incident.id}",
        )
    return EventUnlinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        why=reason(why, f"tracker unlink {incident.id} {target.handle}"),
    )


def amended_fields(
    event: Event, changes: dict[str, Any], *, now: datetime, typed_zone: tzinfo | None
) -> dict[str, Any]:
    """Return the fields of a correction as an item stores them: `due` and `due_on` as typed become a day.

    A day is counted in the zone given, else in the item's own.

    Raises:
        RefusedError: If the item would have no owner, or another item would be marked as done.
        UsageError: If the due date is not a day.
    """
    if isinstance(event, ActionDone) and "action" in changes:
        raise RefusedError(
            "which item was done cannot be amended", hint="Retract it: tracker retract EVENT --why …"
        )
    if isinstance(event, ActionDone) and not str(changes.get("proof", "x") or "").strip():
        raise RefusedError("that needs a proof", hint="--set proof=https://…")
    if not isinstance(event, ActionAdded):
        return changes
    fields = dict(changes)
    if "text" in fields and not str(fields["text"] or "").strip():
        raise RefusedError("an action item needs a text", hint='--text "what is to be done"')
    if "owner" in fields:
        fields["owner"] = owner_of(str(fields["owner"] or ""))
    for name in ("due_said", "due_zone", "due_offset_minutes"):
        if name in fields:
            raise BadInputError(
                f"{name} follows from the due date", hint="--set due=2026-12-01, with --at-tz ZONE"
            )
    typed = fields.pop("due", fields.pop("due_on", None))
    if typed is not None:
        here = typed_zone or (zone(event.due_zone) if event.due_zone else None)
        # A typing error may be corrected to a day that is past now, if it was not when the item was added.
        try:
            read = due(str(typed), at=now, zone=here, option="--set due")
        except UsageError:
            read = due(str(typed), at=event.occurred_at, zone=here, option="--set due")
        fields["due_on"] = read.on.isoformat()
        fields["due_said"] = read.said
        fields["due_offset_minutes"] = read.ends_offset_minutes
        fields["due_zone"] = None if read.zone_name == "UTC" else read.zone_name
        fields = {name: value for name, value in fields.items() if _differs(event, name, value)}
    return fields


def _differs(event: ActionAdded, name: str, value: Any) -> bool:
    held = getattr(event, name, None)
    return bool((held.isoformat() if name == "due_on" and held is not None else held) != value)
