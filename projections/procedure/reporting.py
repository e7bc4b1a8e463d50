"""Was the report written in time?"""

from datetime import datetime

from projections.procedure.communication import spoken_limit
from projections.procedure.fix_attempts import aside
from projections.procedure.rule import Evidence, Ruled, Status
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentResolved
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.incident import Status as Standing
from tracker.times import spoken


def report_written(evidence: Evidence) -> Ruled:
    """Ask for a published report soon after the incident was resolved."""
    name, limit, incident = "report_written", evidence.procedure.report_within, evidence.incident
    within = spoken_limit(limit)
    expected = f"a report within {within} of its end"
    off = aside(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"No report is asked for: {off}.")
    if incident.status is Standing.OPEN or incident.resolved_at is None:
        says = f"It is not over yet; the report is due {within} after that."
        return Ruled(name, Status.UNKNOWN, expected, None, says)
    due = _over_at(evidence, incident.resolved_at) + limit
    published = _mine(evidence, ReportPublished)
    after = [each for each in published if each.event.occurred_at >= incident.resolved_at]
    if after:
        first = after[0]
        took = spoken((first.event.occurred_at - incident.resolved_at).total_seconds())
        told = f"published {took} after its end"
        late = (first.event.occurred_at - due).total_seconds()
        if late > 0:
            says = f"Published {took} after its end, {spoken(late)} late."
            return Ruled(name, Status.LATE, expected, told, says, (first.id,), late_seconds=late)
        return Ruled(name, Status.MET, expected, told, f"P{told[1:]}.", (first.id,))
    if published:
        says = "It was published before the incident ended for good, and not again since."
        todo = f"tracker publish {incident.id}"
        return Ruled(name, Status.UNKNOWN, expected, None, says, (published[-1].id,), due_at=due, todo=todo)
    reviewed = _mine(evidence, ReportReviewed)
    if reviewed:
        ids = tuple(each.id for each in reviewed)
        todo = f"tracker publish {incident.id}"
        if evidence.now > due:
            says = "It was reviewed, and not published in time."
            return Ruled(name, Status.MISSED, expected, "reviewed only", says, ids, due_at=due, todo=todo)
        says = "It was reviewed, and is not published yet."
        return Ruled(name, Status.UNKNOWN, expected, "reviewed only", says, ids, due_at=due, todo=todo)
    says = "No report was published with the tracker."
    return Ruled(name, Status.UNKNOWN, expected, None, says, due_at=due, todo=f"tracker review {incident.id}")


def _over_at(evidence: Evidence, resolved_at: datetime) -> datetime:
    """Return from when the limit runs: the end, or when it was told where that came later than the limit allows."""
    ends = [
        step.recorded.recorded_at
        for step in evidence.incident.steps
        if isinstance(step.event, IncidentResolved)
        and step.retraction is None
        and step.event.incident == evidence.incident.id
        and step.event.occurred_at == resolved_at
    ]
    told = max(ends, default=resolved_at)
    return told if told - resolved_at > evidence.procedure.report_within else resolved_at


def _mine(evidence: Evidence, kind: type[ReportPublished] | type[ReportReviewed]) -> list[Effective]:
    return [
        each for each in evidence.of(kind) if getattr(each.event, "incident", None) == evidence.incident.id
    ]
