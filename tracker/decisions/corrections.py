"""Corrections of events that are recorded already.

Pure: the target and what is known in, a correction out, or RefusedError with the rule.
"""

from datetime import datetime
from typing import Any

from tracker.decisions.common import reason
from tracker.decisions.lifecycle import contradictions
from tracker.errors import BadInputError, RefusedError
from tracker.events.base import Decision, Event, Observation, Recorded
from tracker.events.corrections import (
    Correction,
    Effective,
    EventAmended,
    EventLinked,
    EventRetracted,
    EventUnlinked,
    amended,
)
from tracker.events.housekeeping import AnnouncingSet, LogSealed, SettingsChanged
from tracker.events.incidents import IncidentDeclared
from tracker.events.vocabulary import VALUES
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.times import Typed

_FIXED = ("incident", "decided_by", "source", "target", "sha256", "codec", "count", "prepared")


def link(
    incident: Incident, target: Recorded, *, by: str, at: Typed, role: str | None = None, why: str = ""
) -> EventLinked:
    """Link a fact to the incident; a role needs a reason."""
    _require_fact(target, "linked")
    if role is not None:
        why = reason(why, f"tracker link {incident.id} {target.handle} --as {word(role)}")
    return EventLinked(
        occurred_at=at.at, decided_by=by, incident=incident.id, target=target.id, role=role, why=why.strip()
    )


def unlink(
    incident: Incident, target: Recorded, *, by: str, at: Typed, why: str, role: str | None = None
) -> EventUnlinked:
    """Remove a fact from the incident; with a role, take back that role, one's own before another's."""
    _require_fact(target, "unlinked")
    link = incident.links.get(target.id)
    of = None
    if role is not None:
        given = [one for one in (link.all if link else ()) if one.linked and one.role == role]
        if not given:
            raise RefusedError(
                f"nobody linked {target.handle} to {incident.id} as {role}",
                hint=f"See which roles it has: tracker history {target.handle}",
            )
        of = next((one for one in given if one.by == by), given[-1]).by
    elif link is not None and not link.linked:
        raise RefusedError(f"{target.handle} was already unlinked from {incident.id} by {link.by}")
    return EventUnlinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        why=reason(why, f"tracker unlink {incident.id} {target.handle}"),
        role=role,
        of=of,
    )


def amend(
    target: Effective,
    *,
    by: str,
    now: datetime,
    why: str,
    changes: dict[str, Any],
    new_at: Typed | None = None,
) -> EventAmended:
    """Correct fields of an event.

    Raises:
        RefusedError: If nothing changes, or the field is part of the event's identity.
        BadInputError: If there is no such field or the value does not match its type.
    """
    _require_correctable(target)
    all_changes = dict(changes)
    if new_at is not None:
        all_changes["occurred_at"] = new_at.at
        all_changes["precision_seconds"] = new_at.precision_seconds
        all_changes["utc_offset_minutes"] = new_at.utc_offset_minutes
    for name in all_changes:
        if name in _FIXED:
            raise RefusedError(
                f"{name} is part of the identity of {target.handle} and cannot be amended",
                hint=f"Retract it and record it again: tracker retract {target.handle} --why …",
            )
    for name, value in changes.items():
        allowed = VALUES.get(type(target.event), {}).get(name)
        if allowed is not None and value not in allowed:
            raise BadInputError(f"{name} cannot be {value!r}", hint="One of " + ", ".join(allowed))
    if not all_changes:
        raise RefusedError("nothing to amend", hint=f"tracker amend {target.handle} --at T --why …")
    after = amended(target.event, all_changes)
    if after == target.event:
        raise RefusedError(f"{target.handle} has these values already")
    moved = (after.occurred_at, after.scopes()) != (target.event.occurred_at, target.event.scopes())
    return EventAmended(
        occurred_at=now,
        decided_by=by,
        incident=_incident_of(target.event),
        target=target.id,
        why=reason(why, f"tracker amend {target.handle}"),
        target_scopes=after.scopes(),
        changes=all_changes,
        new_at=after.occurred_at if moved else None,
    )


def retract(target: Effective, *, by: str, now: datetime, why: str) -> EventRetracted:
    """Retract an event that should not have been recorded; not the declaration of an incident."""
    event = target.event
    if isinstance(event, (LogSealed, SettingsChanged, AnnouncingSet)):
        raise RefusedError(f"{target.handle} is a record of the tracker itself and cannot be retracted")
    if target.retraction is not None:
        raise RefusedError(f"{target.handle} was already retracted: {_why(target.retraction)}")
    if isinstance(event, IncidentDeclared):
        raise RefusedError(
            f"{target.handle} declares {event.incident}; an incident cannot be retracted",
            hint=f"tracker resolve {event.incident} --as false-alarm",
        )
    return EventRetracted(
        occurred_at=now,
        decided_by=by,
        incident=_incident_of(event),
        target=target.id,
        why=reason(why, f"tracker retract {target.handle}"),
        target_scopes=event.scopes(),
    )


def refuse_contradiction(before: Incident, after: Incident) -> None:
    """Refuse a correction that makes the incident's own instants contradict each other, unless they did before."""
    known = contradictions(before)
    new = [rule for rule in contradictions(after) if rule not in known]
    if new:
        raise RefusedError(new[0], hint=f"See the other instants: tracker timeline {after.id}")


def _incident_of(event: Event) -> str | None:
    return event.incident if isinstance(event, Decision) else None


def _why(recorded: Recorded) -> str:
    return recorded.event.why if isinstance(recorded.event, Correction) else ""


def _require_fact(target: Recorded, what: str) -> None:
    if not isinstance(target.event, Observation):
        raise RefusedError(
            f"{target.handle} is a {target.event.TOPIC}; only facts are {what}",
            hint="Alerts, errors, commits, deploys and rollbacks are facts: tracker timeline INC",
        )


def _require_correctable(target: Effective) -> None:
    if isinstance(target.event, (LogSealed, SettingsChanged, AnnouncingSet, Correction)):
        raise RefusedError(
            f"{target.handle} is a {target.event.TOPIC}; it cannot be amended",
            hint=f"Retract a correction that was wrong: tracker retract {target.handle} --why …",
        )
    if target.retraction is not None:
        raise RefusedError(f"{target.handle} was retracted: {_why(target.retraction)}")
