"""The state of an incident: its decisions with their corrections, folded into one value.

Nothing here reads a store or a clock. What may be decided on it is in `tracker.decisions.lifecycle`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import Any

from tracker.events import incidents as events
from tracker.events.base import Recorded
from tracker.events.corrections import Effective, EventLinked, EventUnlinked, effective

_DAY = timedelta(days=1)
MOST_DIGITS = 9
"""So many digits the number of an incident may have."""
HIGHEST_IMPORTED = 999_999
"""A higher number in a bundle is given another one, so that numbers of this log go on from where they are."""


def number_of(incident_id: str) -> int:
    """Return the number in an incident's id; 0 if it has none, or more digits than it may have."""
    tail = incident_id.rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() and len(tail) <= MOST_DIGITS else 0


class Status(Enum):
    """The status of an incident."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


@dataclass(frozen=True)
class Milestone:
    """An instant of the incident: at `at`, or somewhere between `at` and `until`."""

    at: datetime
    until: datetime | None
    by: str
    event: str
    precision_seconds: float = 0.001


@dataclass(frozen=True)
class Link:
    """The last link or unlink of a fact and this incident that was not taken back; `earlier` are those before it."""

    target: str
    role: str | None
    why: str
    by: str
    event: str
    linked: bool
    at: datetime
    told: tuple[int, int] = (0, 0)
    earlier: tuple["Link", ...] = ()

    @property
    def all(self) -> tuple["Link", ...]:
        """All that people said of it and did not take back, the last one at the end."""
        return (*self.earlier, replace(self, earlier=()))


@dataclass(frozen=True)
class Incident:
    """What the log has of one incident, with corrections applied."""

    id: str
    title: str = ""
    status: Status = Status.OPEN
    severity: str = ""
    services: tuple[str, ...] = ()
    declared_at: datetime | None = None
    declared_by: str = ""
    detected_by: str | None = None
    lead: str | None = None
    stage: str | None = None
    impact: str | None = None
    affected: tuple[str, ...] = ()
    affected_from: datetime | None = None
    affected_to: datetime | None = None
    milestones: dict[str, Milestone] = field(default_factory=dict)
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None
    reopened_at: datetime | None = None
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    record: str | None = None
    links: dict[str, Link] = field(default_factory=dict)
    steps: tuple[Effective, ...] = ()
    last_position: int = 0
    computed: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What answers keep that many ask for."""

    @property
    def exists(self) -> bool:
        return self.declared_at is not None

    @cached_property
    def own_steps(self) -> list[Effective]:
        """Its own decisions without the retracted ones, in the order in which they were recorded."""
        return [
            step
            for step in self.steps
            if step.retraction is None and getattr(step.event, "incident", None) == self.id
        ]

    @property
    def origin(self) -> str | None:
        """The log in which it was declared, if that is another one than this."""
        first = next((step.recorded.arrival.origin for step in self.steps[:1]), None)
        return first.log if first is not None else None

    @property
    def imported(self) -> bool:
        """Whether it was declared in another log or tool; the server does nothing about such incidents by itself."""
        return self.origin is not None or self.record is not None

    @property
    def started_at(self) -> datetime | None:
        """When it started according to a person; None if not recorded."""
        started = self.milestones.get("started")
        return started.at if started else None

    @cached_property
    def begins_at(self) -> datetime:
        """The earliest instant that people gave: the start of its window."""
        known = [m.at for m in (self.milestones.get("started"), self.milestones.get("detected")) if m]
        assert self.declared_at is not None
        return min([*known, self.declared_at])

    @property
    def told_after(self) -> datetime | None:
        """When it was over, or a day after it began, if nothing was decided on it before that; else None."""
        limits = [self.begins_at + _DAY, *([self.ends_at] if self.ends_at is not None else [])]
        return min(limits) if self.steps[0].recorded.recorded_at > min(limits) else None

    @property
    def ends_at(self) -> datetime | None:
        """When it was resolved; None while it is open."""
        return self.resolved_at if self.status is not Status.OPEN else None


def fold(incident_id: str, recorded: Iterable[Recorded]) -> Incident:
    """Fold the decisions about an incident, and their corrections, into its state.

    Steps apply in the order in which they were recorded: a decision was made on what was
    known then, whatever its own instant.
    """
    return fold_effective(incident_id, effective(recorded).values())


def fold_effective(incident_id: str, facts: Iterable[Effective]) -> Incident:
    """Fold decisions to which corrections were applied already."""
    incident = Incident(incident_id)
    steps = sorted(
        (fact for fact in facts if getattr(fact.event, "incident", None) is not None),
        key=lambda fact: fact.recorded.position,
    )
    for step in steps:
        if step.retraction is None:
            incident = _apply(incident, step)
    last = max((step.recorded.position for step in steps), default=0)
    return replace(incident, steps=tuple(steps), last_position=last)


def _apply(incident: Incident, step: Effective) -> Incident:
    match step.event:
        case events.IncidentMerged(into=into) if into == incident.id:
            origin = step.event.incident or ""
            return replace(incident, merged_from=(*incident.merged_from, origin))
        case _ if getattr(step.event, "incident", None) != incident.id:
            return incident
        case events.IncidentDeclared() as declared:
            return replace(
                incident,
                title=declared.title,
                severity=declared.severity,
                services=tuple(dict.fromkeys((*incident.services, *declared.services))),
                declared_at=declared.occurred_at,
                declared_by=declared.decided_by,
                detected_by=declared.detected_by,
                lead=declared.lead or incident.lead,
                impact=declared.impact or incident.impact,
                record=declared.record,
            )
        case events.MilestoneSet() as set_:
            milestone = Milestone(
                set_.occurred_at, set_.until, set_.decided_by, step.id, set_.precision_seconds
            )
            return replace(incident, milestones={**incident.milestones, set_.milestone: milestone})
        case events.SeverityChanged(severity=severity):
            return replace(incident, severity=severity)
        case events.LeadChanged(lead=lead):
            return replace(incident, lead=lead)
        case events.StageChanged(stage=stage):
            return replace(incident, stage=stage)
        case events.ServiceAdded(service=service):
            return replace(incident, services=tuple(dict.fromkeys((*incident.services, service))))
        case events.ServiceRemoved(service=service):
            return replace(incident, services=tuple(s for s in incident.services if s != service))
        case events.NoteAdded(kind="impact") as impact:
            return replace(
                incident,
                impact=impact.text,
                affected=impact.affected,
                affected_from=impact.affected_from,
                affected_to=impact.affected_to,
            )
        case events.IncidentResolved() as resolved:
            return replace(
                incident,
                status=Status.RESOLVED,
                resolved_at=resolved.occurred_at,
                resolved_by=resolved.decided_by,
                resolution=resolved.resolution,
            )
        case events.IncidentReopened():
            # Nobody works on it as before: the stage is said anew.
            return replace(
                incident,
                status=Status.OPEN,
                resolved_at=None,
                resolved_by=None,
                resolution=None,
                stage=None,
                reopened_at=step.event.occurred_at,
            )
        case events.IncidentMerged(into=into) as merged:
            return replace(incident, status=Status.MERGED, merged_into=into, resolved_at=merged.occurred_at)
        case EventLinked() | EventUnlinked() as judged:
            return replace(incident, links=_judged(incident.links, judged, step))
        case _:
            return incident


def _judged(links: dict[str, Link], judged: EventLinked | EventUnlinked, step: Effective) -> dict[str, Link]:
    """Return the links after one more: the last one counts, until it is taken back."""
    before = links[judged.target].all if judged.target in links else ()
    rest = {target: link for target, link in links.items() if target != judged.target}
    if isinstance(judged, EventUnlinked) and judged.role is not None:
        left = [link for link in before if (link.role, link.by) != (judged.role, judged.of)]
    else:
        linked = isinstance(judged, EventLinked)
        role = judged.role if isinstance(judged, EventLinked) else None
        last = Link(
            target=judged.target,
            role=role,
            why=judged.why,
            by=judged.decided_by,
            event=step.id,
            linked=linked,
            at=judged.occurred_at,
            told=step.recorded.told,
        )
        same = [link for link in before if (link.role, link.by) == (role, judged.decided_by)]
        left = [*(link for link in before if linked and link not in same), last]
    return {**links, judged.target: replace(left[-1], earlier=tuple(left[:-1]))} if left else rest
