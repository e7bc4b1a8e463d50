"""Was the report written in time?"""

from datetime import datetime

from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentResolved
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.incident import Status as IncidentStatus


def report_written(evidence: Evidence) -> RuleAnswer:
    """Ask for a published report soon after the incident was resolved."""
    limit, incident = evidence.procedure.report_within, evidence.incident
    if incident.status is IncidentStatus.OPEN or incident.resolved_at is None:
        return RuleAnswer(Status.UNKNOWN, "still_open", {"limit": limit})
    due = _limit_runs_from(evidence, incident.resolved_at) + limit
    published = _of_incident(evidence, ReportPublished)
    after = [fact for fact in published if fact.event.occurred_at >= incident.resolved_at]
    if after:
        first = after[0]
        facts = {"took": (first.event.occurred_at - incident.resolved_at).total_seconds()}
        late = (first.event.occurred_at - due).total_seconds()
        if late > 0:
            return RuleAnswer(Status.LATE, "report_published", facts, (first.id,), late)
        return RuleAnswer(Status.MET, "report_published", facts, (first.id,))
    publish = NextStep("publish", {"incident": incident.id})
    if published:
        last = (published[-1].id,)
        return RuleAnswer(
            Status.UNKNOWN, "published_before_end", evidence=last, due_at=due, next_step=publish
        )
    reviewed = tuple(fact.id for fact in _of_incident(evidence, ReportReviewed))
    if reviewed:
        status, reason = Status.UNKNOWN, "not_published_yet"
        if evidence.now > due:
            status, reason = Status.MISSED, "not_published_in_time"
        return RuleAnswer(status, reason, evidence=reviewed, due_at=due, next_step=publish)
    review = NextStep("review", {"incident": incident.id})
    return RuleAnswer(Status.UNKNOWN, "no_report", due_at=due, next_step=review)


def _limit_runs_from(evidence: Evidence, resolved_at: datetime) -> datetime:
    """Return the end, or when it was recorded where that came later than the limit allows."""
    recorded = [
        step.recorded.recorded_at
        for step in evidence.incident.steps
        if isinstance(step.event, IncidentResolved)
        and step.retraction is None
        and step.event.incident == evidence.incident.id
        and step.event.occurred_at == resolved_at
    ]
    last = max(recorded, default=resolved_at)
    return last if last - resolved_at > evidence.procedure.report_within else resolved_at


def _of_incident(evidence: Evidence, kind: type[ReportPublished] | type[ReportReviewed]) -> list[Effective]:
    return [
        fact for fact in evidence.of(kind) if getattr(fact.event, "incident", None) == evidence.incident.id
    ]
