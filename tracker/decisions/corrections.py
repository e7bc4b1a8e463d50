"""Corrections: what may be said about an event that is already recorded.

Pure like `tracker.incident`: the target and what is known in, a correction out, or a
sentence why not.
"""

from datetime import datetime
from typing import Any

from tracker.decisions.lifecycle import contradictions, reason
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
from tracker.events.housekeeping import LogSealed, SettingsChanged
from tracker.events.incidents import (
    DETECTED_BY,
    MILESTONES,
    NOTE_KINDS,
    RESOLUTIONS,
    SEVERITIES,
    STAGES,
    IncidentDeclared,
    IncidentResolved,
    MilestoneSet,
    NoteAdded,
    SeverityChanged,
    StageChanged,
)
from tracker.events.messages import MESSAGE_KINDS, MessagePrepared, MessageSent
from tracker.incident import Incident
from tracker.times import Typed

_VOCABULARIES: dict[tuple[str, str], tuple[str, ...]] = {
    (IncidentDeclared.TOPIC, "severity"): SEVERITIES,
    (IncidentDeclared.TOPIC, "detected_by"): DETECTED_BY,
    (SeverityChanged.TOPIC, "severity"): SEVERITIES,
    (StageChanged.TOPIC, "stage"): STAGES,
    (NoteAdded.TOPIC, "kind"): NOTE_KINDS,
    (MilestoneSet.TOPIC, "milestone"): MILESTONES,
    (IncidentResolved.TOPIC, "resolution"): RESOLUTIONS,
    (MessagePrepared.TOPIC, "kind"): MESSAGE_KINDS,
    (MessageSent.TOPIC, "kind"): MESSAGE_KINDS,
}
"""What a field of a decision may say; payloads of sources say what they like."""

_FIXED = ("incident", "decided_by", "source", "target", "sha256", "codec", "count", "prepared")


def link(
    incident: Incident, target: Recorded, *, by: str, at: Typed, role: str | None = None, why: str = ""
) -> EventLinked:
    """Decide that a fact belongs to the incident.

    Raises:
        RefusedError: If the target is no fact, or a part is given to it without a reason.
    """
    _require_fact(target, "linked")
    if role is not None:
        why = reason(why, f"tracker link {incident.id} {target.handle} --as {role}")
    return EventLinked(
        occurred_at=at.at, decided_by=by, incident=incident.id, target=target.id, role=role, why=why.strip()
    )


def unlink(incident: Incident, target: Recorded, *, by: str, at: Typed, why: str) -> EventUnlinked:
    """Decide that a fact does not belong to the incident.

    Raises:
        RefusedError: If the target is no fact, or was taken out already.
    """
    _require_fact(target, "unlinked")
    held = incident.links.get(target.id)
    if held is not None and not held.linked:
        raise RefusedError(f"{target.handle} was already taken out of {incident.id} by {held.by}")
    return EventUnlinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        why=reason(why, f"tracker unlink {incident.id} {target.handle}"),
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
    """Decide that fields of an event were wrong.

    Raises:
        RefusedError: If nothing changes, or the field is part of what the event is.
        BadInputError: If there is no such field or the value does not fit it.
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
                f"{name} is part of what {target.handle} is and cannot be amended",
                hint=f"Strike it out and record it anew: tracker retract {target.handle} --why …",
            )
    for name, value in changes.items():
        allowed = _VOCABULARIES.get((target.event.TOPIC, name))
        if allowed is not None and value not in allowed:
            raise BadInputError(f"{name} cannot be {value!r}", hint="One of " + ", ".join(allowed))
    if not all_changes:
        raise RefusedError("nothing to amend", hint=f"tracker amend {target.handle} --at T --why …")
    after = amended(target.event, all_changes)
    if after == target.event:
        raise RefusedError(f"{target.handle} says exactly that already")
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
    """Decide that an event should not have been recorded.

    Raises:
        RefusedError: If it was struck out already, or is the declaration of an incident.
    """
    event = target.event
    if isinstance(event, (LogSealed, SettingsChanged)):
        raise RefusedError(f"{target.handle} is the tracker's own record and cannot be retracted")
    if target.retraction is not None:
        raise RefusedError(f"{target.handle} was already retracted: {_why(target.retraction)}")
    if isinstance(event, IncidentDeclared):
        raise RefusedError(
            f"{target.handle} declares {event.incident}; an incident is not retracted",
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
    """Refuse a correction after which the incident's own instants would contradict each other.

    Raises:
        RefusedError: With the rule; what contradicted before the correction is not held against it.
    """
    known = contradictions(before)
    new = [rule for rule in contradictions(after) if rule not in known]
    if new:
        raise RefusedError(new[0], hint=f"See what stands beside it: tracker timeline {after.id}")


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
    if isinstance(target.event, (LogSealed, SettingsChanged, Correction)):
        raise RefusedError(
            f"{target.handle} is a {target.event.TOPIC}; it cannot be amended",
            hint=f"A correction that was wrong is struck out: tracker retract {target.handle} --why …",
        )
    if target.retraction is not None:
        raise RefusedError(f"{target.handle} was retracted: {_why(target.retraction)}")
