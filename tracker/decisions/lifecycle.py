"""Decisions about an incident: what is known in, an event out.

Pure: nothing here reads a store or a clock. Each function raises RefusedError, with the rule, if
the decision contradicts what is known. Decisions about single events are in `tracker.decisions.corrections`.
"""

from typing import TypeVar

from msgspec.structs import replace

from tracker.decisions.common import decided, reason, refuse_closed, refuse_merged, refuse_unknown
from tracker.errors import RefusedError
from tracker.events import incidents as events
from tracker.events.corrections import EventLinked, EventUnlinked
from tracker.incident import Incident, Status
from tracker.text.shell import word
from tracker.times import Typed, utc

R = TypeVar("R", bound=events.Repeatable | EventLinked | EventUnlinked)


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
    """Declare an incident, with its milestones."""
    if not title.strip():
        raise RefusedError(
            "an incident needs a title that says what is broken", hint='tracker declare "…" --service S'
        )
    if not services:
        raise RefusedError(
            "an incident needs at least one service", hint=f"tracker declare {word(title)} --service S"
        )
    for first, second, problem, hint in (
        (
            started,
            detected,
            "be detected ({1}) before it started ({0})",
            "Give --started the earlier instant",
        ),
        (started, at, "start ({0}) after it is declared ({1})", "Give --started an instant before --at"),
        (
            detected,
            at,
            "be detected ({0}) after it is declared ({1})",
            "Give --detected an instant before --at",
        ),
    ):
        if first and second and second.at < first.at:
            raise RefusedError(
                "an incident cannot " + problem.format(utc(first.at), utc(second.at)), hint=hint
            )
    declared = decided(
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
    milestones = (("started", started), ("detected", detected))
    return [
        declared,
        *(_milestone(incident_id, name, by, typed, None) for name, typed in milestones if typed is not None),
    ]


def _milestone(incident_id: str, name: str, by: str, at: Typed, until: Typed | None) -> events.MilestoneSet:
    return decided(
        events.MilestoneSet, incident_id, by, at, milestone=name, until=until.at if until else None
    )


def set_milestone(
    incident: Incident, name: str, *, by: str, at: Typed, until: Typed | None = None
) -> events.MilestoneSet:
    """Set when the incident started, was detected, confirmed, mitigated or ended."""
    refuse_unknown(incident)
    if until is not None and until.at < at.at:
        raise RefusedError(
            f"--until ({utc(until.at)}) is before --at ({utc(at.at)})",
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
                hint=f"Correct the other one first: tracker milestone {incident.id} {word(other)} --at T",
            )
    if incident.resolved_at is not None and name in ("started", "detected") and at.at > incident.resolved_at:
        raise RefusedError(
            f"{incident.id} was resolved at {utc(incident.resolved_at)}, before {name} at {utc(at.at)}",
            hint=f"tracker timeline {incident.id}",
        )
    return _milestone(incident.id, name, by, at, until)


def resolve(incident: Incident, *, by: str, at: Typed, resolution: str = "fixed") -> events.IncidentResolved:
    """Resolve the incident; not before its start or its last reopening."""
    refuse_closed(incident)
    bounds = [("its start at", incident.begins_at)]
    bounds += [
        ("it was reopened at", step.event.occurred_at)
        for step in incident.steps
        if isinstance(step.event, events.IncidentReopened)
        and step.retraction is None
        and step.event.incident == incident.id
    ][-1:]
    for what, bound in bounds:
        if at.at < bound:
            raise RefusedError(
                f"{incident.id} cannot be resolved at {utc(at.at)}, before {what} {utc(bound)}",
                hint=f"tracker resolve {incident.id} --at T, with T after that",
            )
    return decided(events.IncidentResolved, incident.id, by, at, resolution=resolution)


def reopen(
    incident: Incident, *, by: str, at: Typed, why: str, occurrence: str | None = None
) -> events.IncidentReopened:
    """Reopen a resolved incident; not before it was resolved."""
    refuse_unknown(incident)
    if incident.status is Status.OPEN:
        raise RefusedError(f"{incident.id} is open: only a resolved incident can be reopened")
    refuse_merged(incident, "tracker reopen {into} --why …")
    if incident.resolved_at is not None and at.at < incident.resolved_at:
        raise RefusedError(
            f"{incident.id} cannot be reopened at {utc(at.at)}, before it was resolved at {utc(incident.resolved_at)}"
        )
    why = reason(why, f"tracker reopen {incident.id}")
    return decided(events.IncidentReopened, incident.id, by, at, why=why, occurrence=occurrence)


def merge(incident: Incident, into: Incident, *, by: str, at: Typed, why: str) -> events.IncidentMerged:
    """Merge the incident into another one, which continues."""
    refuse_unknown(incident)
    refuse_unknown(into)
    if incident.id == into.id:
        raise RefusedError(f"{incident.id} cannot be merged into itself")
    if incident.status is Status.MERGED:
        raise RefusedError(f"{incident.id} was already merged into {incident.merged_into}")
    if into.status is Status.MERGED:
        hint = f"tracker merge {incident.id} --into {into.merged_into} --why …"
        if into.merged_into == incident.id:
            hint = f"They are merged already: tracker show {incident.id}"
        raise RefusedError(f"{into.id} was itself merged into {into.merged_into}", hint=hint)
    if incident.status is Status.OPEN and into.status is Status.RESOLVED:
        raise RefusedError(
            f"{incident.id} is open and {into.id} is resolved: merged, what goes on would count as over",
            hint=f"tracker reopen {into.id} --why …, or tracker merge {into.id} --into {incident.id} --why …",
        )
    why = reason(why, f"tracker merge {incident.id} --into {into.id}")
    return decided(events.IncidentMerged, incident.id, by, at, into=into.id, why=why)


def change_severity(
    incident: Incident, severity: str, *, by: str, at: Typed, why: str
) -> events.SeverityChanged:
    refuse_closed(incident)
    if incident.severity == severity:
        raise RefusedError(f"{incident.id} is {severity} already")
    why = reason(why, f"tracker severity {incident.id} {word(severity)}")
    return decided(events.SeverityChanged, incident.id, by, at, severity=severity, why=why)


def change_lead(incident: Incident, lead: str, *, by: str, at: Typed) -> events.LeadChanged:
    refuse_closed(incident)
    if incident.lead == lead:
        raise RefusedError(f"{lead} leads {incident.id} already")
    return decided(events.LeadChanged, incident.id, by, at, lead=lead)


def change_stage(incident: Incident, stage: str, *, by: str, at: Typed) -> events.StageChanged:
    refuse_closed(incident)
    if incident.stage == stage:
        raise RefusedError(f"{incident.id} is in stage {stage} already")
    return decided(events.StageChanged, incident.id, by, at, stage=stage)


def add_service(incident: Incident, service: str, *, by: str, at: Typed) -> events.ServiceAdded:
    refuse_unknown(incident)
    if service in incident.services:
        raise RefusedError(f"{service} is part of {incident.id} already")
    return decided(events.ServiceAdded, incident.id, by, at, service=service)


def remove_service(incident: Incident, service: str, *, by: str, at: Typed) -> events.ServiceRemoved:
    refuse_unknown(incident)
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
    return decided(events.ServiceRemoved, incident.id, by, at, service=service)


def note(incident: Incident, text: str, *, by: str, at: Typed, kind: str = "note") -> events.NoteAdded:
    """Add a note; resolved incidents accept notes, too."""
    refuse_unknown(incident)
    if not text.strip():
        raise RefusedError("a note needs a text", hint=f'tracker note {incident.id} "what you saw"')
    refuse_merged(incident, "tracker note {into} …")
    return decided(events.NoteAdded, incident.id, by, at, text=text.strip(), kind=kind)


def again(incident: Incident, decision: R) -> R:
    """Tell a decision from an equal one of the same instant before it, where another was made in between.

    What is decided already stays that one decision; the others are refused where they change nothing.
    """
    equal = [
        step
        for step in incident.steps
        if isinstance(step.recorded.event, type(decision))
        and replace(step.recorded.event, again=0) == decision
    ]
    if not equal:
        return decision
    if isinstance(decision, events.MilestoneSet):
        milestone = incident.milestones.get(decision.milestone)
        if milestone is not None and milestone.event == equal[-1].id and not equal[-1].amendments:
            return replace(decision, again=len(equal) - 1)
    return replace(decision, again=len(equal))


def impact(
    incident: Incident,
    text: str,
    *,
    by: str,
    at: Typed,
    affected: tuple[str, ...] = (),
    affected_from: Typed | None = None,
    affected_to: Typed | None = None,
) -> events.NoteAdded:
    """Record whom the incident hit, how many of what, and from when to when; the last one recorded counts."""
    counts = tuple(one.strip() for one in affected)
    if not all(counts):
        raise RefusedError("--affected needs a text", hint='--affected "1,140 orders"')
    if affected_from and affected_to and affected_to.at <= affected_from.at:
        raise RefusedError(
            f"the impact ends at {utc(affected_to.at)}, before it begins at {utc(affected_from.at)}",
            hint="Give --from before --to",
        )
    noted = note(incident, text, by=by, at=at, kind="impact")
    return replace(
        noted,
        affected=counts,
        affected_from=affected_from.at if affected_from else None,
        affected_to=affected_to.at if affected_to else None,
    )


def contradictions(incident: Incident) -> list[str]:
    """Name contradictions between an incident's own instants: milestones out of order, an end before the start."""
    problems = []
    known = [(name, incident.milestones[name]) for name in events.MILESTONES if name in incident.milestones]
    for at, (name, milestone) in enumerate(known):
        for later_name, later in known[at + 1 :]:
            if (later.until or later.at) < milestone.at:
                problems.append(
                    f"an incident is not {later_name} before it is {name}: {name} is {utc(milestone.at)}, "
                    f"and {later_name} {utc(later.at)}"
                )
    if incident.exists and incident.resolved_at is not None and incident.resolved_at < incident.begins_at:
        problems.append(
            f"{incident.id} cannot be resolved at {utc(incident.resolved_at)}, "
            f"before its start at {utc(incident.begins_at)}"
        )
    return problems
