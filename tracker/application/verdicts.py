"""The verdicts of an incident, judged from what the log holds; and recording them."""

from projections.comparison import verdicts_to_record
from projections.dossier import Dossier
from projections.incident_windows import Part
from projections.verdicts import Verdicts, judged_changes, metric_names, verdicts
from reports.wording.verdict_phrases import reason
from tracker.application.dossier import dossier
from tracker.application.session import Recording, Session
from tracker.errors import BadInputError
from tracker.events.base import Recorded
from tracker.incident import Incident

PARTS = Part.STORY | Part.WORK | Part.METRICS
"""What verdicts are computed from."""


def compute_verdicts(
    session: Session,
    incident: Incident,
    up_to: int | None,
    *,
    change: Recorded | None = None,
    metric: str | None = None,
) -> Verdicts:
    """Judge an incident's changes, or the one named, up to a position; nothing is appended.

    Raises:
        BadInputError: If there is no such change near the incident, or no such metric.
    """
    known = dossier(session, incident, up_to, parts=PARTS, change=change)
    if change is not None:
        _refuse_other(known, change)
    names = metric_names(known)
    if metric is not None and metric not in names:
        listed = ", ".join(names) or "none; add [services.NAME.metrics.NAME] to tracker.toml"
        raise BadInputError(f"there is no metric {metric!r}", hint=f"The metrics are: {listed}")
    return verdicts(known, change=change.id if change else None, metric=metric)


def record_verdicts(session: Session, incident: Incident, recording: Recording | None = None) -> Verdicts:
    """Append the verdicts of the windows that are over and were not judged on these samples yet."""
    found = compute_verdicts(session, incident, None)
    if not verdicts_to_record(found.rows, incident.steps, incident.id, reason):
        return found
    session.decide(
        incident.id,
        lambda now: verdicts_to_record(found.rows, now.steps, incident.id, reason),
        recording,
    )
    return compute_verdicts(session, session.incident(incident.id), None)


def _refuse_other(known: Dossier, change: Recorded) -> None:
    if not any(change.id in row.evidence for row in judged_changes(known)):
        elsewhere = next((row for row in known.changes if row.elsewhere and change.id in row.evidence), None)
        if elsewhere is not None:
            raise BadInputError(
                f"{change.handle} went to {elsewhere.environment}, not to production: nothing there is measured",
                hint=f"tracker changes {known.incident.id}",
            )
        raise BadInputError(
            f"{change.handle} is no deploy or rollback near {known.incident.id}",
            hint=f"tracker changes {known.incident.id}",
        )
