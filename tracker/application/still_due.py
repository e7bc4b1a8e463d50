"""What is still due of incidents that were resolved: the hour, the day, the merge back and the report."""

from datetime import timedelta

from projections.incidents import ours
from projections.procedure.advice import Advice
from tracker.application.procedure import due_items
from tracker.application.session import Session
from tracker.incident import Incident, Status

RESOLVED_WITHIN = timedelta(days=30)
MOST = 10
"""Older incidents, and more of them, are not asked about: `tracker show` answers for each."""


def still_due(session: Session) -> list[tuple[Incident, list[Advice]]]:
    """Return the incidents that were resolved last and of which something is due by a time, the newest first."""
    since = session.now - RESOLVED_WITHIN
    resolved = [
        (incident.resolved_at, incident)
        for incident in ours(session.incident_summaries())
        if incident.status is Status.RESOLVED and incident.resolved_at and incident.resolved_at >= since
    ]
    newest = [incident for _, incident in sorted(resolved, key=lambda pair: pair[0], reverse=True)[:MOST]]
    found = []
    for summary in newest:
        incident = session.incident(summary.id)
        due = [item for item in due_items(session, incident) if item.due_at is not None]
        if due:
            found.append((incident, due))
    return found
