"""Decisions about an incident: what is known in, an event out, or a sentence why not.

Nothing here reads a store or a clock. What is known is `tracker.incident`'s; decisions
about single events are in `tracker.decisions.corrections`.
"""

from typing import Any, TypeVar

from tracker.errors import RefusedError
from tracker.events import incidents as events
from tracker.events.base import Decision
from tracker.incident import Incident, Status
from tracker.times import Typed, utc

D = TypeVar("D", bound=Decision)


def declare(
    incident_id: str,
    *,
    title: str,
    services: tuple[str, ...],
    severity: str,
    by: str,
    at: Typed,
    started: Typed | None = None,
    detected: Typed | None = None,
    detected_by: str | None = None,
    impact: str | None = None,
    lead: str | None = None,
    occurrence: str | None = None,
) -> list[events.IncidentDeclared | events.MilestoneSet]:
    """Decide that this is an incident.

    Raises:
        RefusedError: If it has no title or service, or its instants contradict each other.
    """
    if not title.strip():
        raise RefusedError(
            "an incident needs a title that says what is broken", hint='tracker declare "…" --service S'
        )
    if not services:
        raise RefusedError(
            "an incident needs at least one service", hint=f'tracker declare "{title}" --service S'
        )
    if started and detected and detected.at < started.at:
        raise RefusedError(
            f"an incident cannot be detected ({utc(detected.at)}) before it started ({utc(started.at)})",
            hint="Give --started the earlier instant",
        )
    if started and started.at > at.at:
        raise RefusedError(
            f"an incident cannot start ({utc(started.at)}) after it is declared ({utc(at.at)})",
            hint="Give --started an instant before --at",
        )
    if detected and detected.at > at.at:
        raise RefusedError(
            f"an incident cannot be detected ({utc(detected.at)}) after it is declared ({utc(at.at)})",
            hint="Give --detected an instant before --at",
        )
    declared = _taken(
        events.IncidentDeclared,
        incident_id,
        by,
        at,
        title=title.strip(),
        services=services,
        severity=severity,
        impact=impact,
        lead=lead,
        detected_by=detected_by,
        occurrence=occurrence,
    )
    decided: list[events.IncidentDeclared | events.MilestoneSet] = [declared]
    for name, typed in (("started", started), ("detected", detected)):
        if typed is not None:
            decided.append(_milestone(incident_id, name, by, typed, None))
    return decided


def _milestone(incident_id: str, name: str, by: str, at: Typed, until: Typed | None) -> events.MilestoneSet:
    return _taken(events.MilestoneSet, incident_id, by, at, milestone=name, until=until.at if until else None)


def set_milestone(
    incident: Incident, name: str, *, by: str, at: Typed, until: Typed | None = None
) -> events.MilestoneSet:
    """Decide when the incident started, was detected, confirmed, mitigated or ended.

    Raises:
        RefusedError: If that contradicts another milestone.
    """
    _require(incident)
    if until is not None and until.at < at.at:
        raise RefusedError(
            f"--until ({utc(until.at)}) lies before --at ({utc(at.at)})",
            hint="--at is the earlier of the two",
        )
    order = list(events.MILESTONES)
    mine = order.index(name)
    for other, milestone in incident.milestones.items():
        theirs = order.index(other)
        earliest, latest = milestone.at, milestone.until or milestone.at
        if (theirs < mine and (until or at).at < earliest) or (theirs > mine and at.at > latest):
            first, second = (other, name) if theirs < mine else (name, other)
            raise RefusedError(
                f"an incident is not {second} before it is {first}: {other} is {utc(milestone.at)}, "
                f"and {name} would be {utc(at.at)}",
                hint=f"Set the other one right first: tracker milestone {incident.id} {other} --at T",
            )
    if incident.resolved_at is not None and name in ("started", "detected") and at.at > incident.resolved_at:
        raise RefusedError(
            f"{incident.id} was resolved at {utc(incident.resolved_at)}, before {name} at {utc(at.at)}",
            hint=f"tracker timeline {incident.id}",
        )
    return _milestone(incident.id, name, by, at, until)


def resolve(incident: Incident, *, by: str, at: Typed, resolution: str = "fixed") -> events.IncidentResolved:
    """Decide that the incident is over.

    Raises:
        RefusedError: If it is over already, or the instant lies before its start or its last reopening.
    """
    _require_open(incident)
    if at.at < incident.begins_at:
        raise RefusedError(
            f"{incident.id} cannot be resolved at {utc(at.at)}, before its start at {utc(incident.begins_at)}",
            hint=f"tracker resolve {incident.id} --at T, with T after that",
        )
    reopened = [
        step.event.occurred_at
        for step in incident.steps
        if isinstance(step.event, events.IncidentReopened)
        and step.retraction is None
        and step.event.incident == incident.id
    ]
    if reopened and at.at < reopened[-1]:
        raise RefusedError(
            f"{incident.id} cannot be resolved at {utc(at.at)}, before it was reopened at {utc(reopened[-1])}",
            hint=f"tracker resolve {incident.id} --at T, with T after that",
        )
    return _taken(events.IncidentResolved, incident.id, by, at, resolution=resolution)


def reopen(
    incident: Incident, *, by: str, at: Typed, why: str, occurrence: str | None = None
) -> events.IncidentReopened:
    """Decide that the incident is not over.

    Raises:
        RefusedError: If it is open, or was merged, or the instant lies before its resolution.
    """
    _require(incident)
    if incident.status is Status.OPEN:
        raise RefusedError(f"{incident.id} is open: only what was resolved can be reopened")
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"tracker reopen {incident.merged_into} --why …",
        )
    if incident.resolved_at is not None and at.at < incident.resolved_at:
        raise RefusedError(
            f"{incident.id} cannot be reopened at {utc(at.at)}, before it was resolved at {utc(incident.resolved_at)}"
        )
    return _taken(
        events.IncidentReopened,
        incident.id,
        by,
        at,
        why=reason(why, f"tracker reopen {incident.id}"),
        occurrence=occurrence,
    )


def merge(incident: Incident, into: Incident, *, by: str, at: Typed, why: str) -> events.IncidentMerged:
    """Decide that the incident is the same as another one, which goes on.

    Raises:
        RefusedError: If either is merged already, or both are one.
    """
    _require(incident)
    _require(into)
    if incident.id == into.id:
        raise RefusedError(f"{incident.id} cannot be merged into itself")
    if incident.status is Status.MERGED:
        raise RefusedError(f"{incident.id} was already merged into {incident.merged_into}")
    if into.status is Status.MERGED:
        hint = f"tracker merge {incident.id} --into {into.merged_into} --why …"
        if into.merged_into == incident.id:
            hint = f"They are one already: tracker show {incident.id}"
        raise RefusedError(f"{into.id} was itself merged into {into.merged_into}", hint=hint)
    return _taken(
        events.IncidentMerged,
        incident.id,
        by,
        at,
        into=into.id,
        why=reason(why, f"tracker merge {incident.id} --into {into.id}"),
    )


def change_severity(
    incident: Incident, severity: str, *, by: str, at: Typed, why: str
) -> events.SeverityChanged:
    """Decide that the incident is more or less severe.

    Raises:
        RefusedError: If it has that severity already.
    """
    _require_open(incident)
    if incident.severity == severity:
        raise RefusedError(f"{incident.id} is {severity} already")
    return _taken(
        events.SeverityChanged,
        incident.id,
        by,
        at,
        severity=severity,
        why=reason(why, f"tracker severity {incident.id} {severity}"),
    )


def change_lead(incident: Incident, lead: str, *, by: str, at: Typed) -> events.LeadChanged:
    """Decide who leads.

    Raises:
        RefusedError: If that person leads already.
    """
    _require_open(incident)
    if incident.lead == lead:
        raise RefusedError(f"{lead} leads {incident.id} already")
    return _taken(events.LeadChanged, incident.id, by, at, lead=lead)


def change_stage(incident: Incident, stage: str, *, by: str, at: Typed) -> events.StageChanged:
    """Decide which stage the work is in.

    Raises:
        RefusedError: If it is in that stage already.
    """
    _require_open(incident)
    if incident.stage == stage:
        raise RefusedError(f"{incident.id} is in stage {stage} already")
    return _taken(events.StageChanged, incident.id, by, at, stage=stage)


def add_service(incident: Incident, service: str, *, by: str, at: Typed) -> events.ServiceAdded:
    """Decide that a service is part of the incident.

    Raises:
        RefusedError: If it is part of it already.
    """
    _require(incident)
    if service in incident.services:
        raise RefusedError(f"{service} is part of {incident.id} already")
    return _taken(events.ServiceAdded, incident.id, by, at, service=service)


def remove_service(incident: Incident, service: str, *, by: str, at: Typed) -> events.ServiceRemoved:
    """Decide that a service is not part of the incident.

    Raises:
        RefusedError: If it is none of its services, or the only one.
    """
    _require(incident)
    if service not in incident.services:
        raise RefusedError(
            f"{service} is not part of {incident.id}",
            hint=f"Its services are: {', '.join(incident.services)}",
        )
    if len(incident.services) == 1:
        raise RefusedError(
            f"{service} is the only service of {incident.id}; an incident needs one",
            hint=f"tracker service {incident.id} add S",
        )
    return _taken(events.ServiceRemoved, incident.id, by, at, service=service)


def note(incident: Incident, text: str, *, by: str, at: Typed, kind: str = "note") -> events.NoteAdded:
    """Write something down; closed incidents take notes too.

    Raises:
        RefusedError: If there is no text, or the incident went on under another number.
    """
    _require(incident)
    if not text.strip():
        raise RefusedError("a note needs a text", hint=f'tracker note {incident.id} "what you saw"')
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"tracker note {incident.merged_into} …",
        )
    return _taken(events.NoteAdded, incident.id, by, at, text=text.strip(), kind=kind)


def contradictions(incident: Incident) -> list[str]:
    """Name what cannot be true of an incident's own instants: an order, an end before the start."""
    found = []
    known = [(name, incident.milestones[name]) for name in events.MILESTONES if name in incident.milestones]
    for at, (name, milestone) in enumerate(known):
        for later_name, later in known[at + 1 :]:
            if (later.until or later.at) < milestone.at:
                found.append(
                    f"an incident is not {later_name} before it is {name}: {name} is {utc(milestone.at)}, "
                    f"and {later_name} {utc(later.at)}"
                )
    if incident.exists and incident.resolved_at is not None and incident.resolved_at < incident.begins_at:
        found.append(
            f"{incident.id} cannot be resolved at {utc(incident.resolved_at)}, "
            f"before its start at {utc(incident.begins_at)}"
        )
    return found


def reason(why: str | None, command: str) -> str:
    """Return the reason given.

    Raises:
        RefusedError: If there is none: a decision without a reason cannot be reviewed.
    """
    if why is None or not why.strip():
        raise RefusedError("that needs a reason", hint=f'{command} --why "…"')
    return why.strip()


def _require(incident: Incident) -> None:
    if not incident.exists:
        raise RefusedError(f"there is no {incident.id}", hint="See what there is: tracker list")


def _require_open(incident: Incident) -> None:
    _require(incident)
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"Use {incident.merged_into} instead",
        )
    if incident.status is Status.RESOLVED:
        assert incident.resolved_at is not None
        raise RefusedError(
            f"{incident.id} was already resolved at {utc(incident.resolved_at)} by {incident.resolved_by}",
            hint=f"If it came back: tracker reopen {incident.id} --why …",
        )


def _taken(decision: type[D], incident_id: str, by: str, at: Typed, **fields: Any) -> D:
    return decision(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident_id,
        **fields,
    )
