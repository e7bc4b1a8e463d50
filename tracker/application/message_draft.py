"""What a message is written from, gathered from the log."""

from datetime import datetime

from projections.changes import in_production
from projections.dossier import Dossier
from projections.durations import durations_of
from projections.procedure.evaluation import evidence_of
from projections.procedure.fix_attempts import fix_or_rollout
from projections.timeline import timeline
from projections.updates import promised
from reports.messages import Draft
from tracker.application.session import Session
from tracker.incident import Incident
from tracker.settings.schema import Told


def draft_of(
    session: Session,
    known: Dossier,
    at: datetime,
    eta: datetime | None = None,
    contact: str | None = None,
) -> Draft:
    """Gather it for a message that is written at an instant; without an `eta` a promise that still runs goes on."""
    incident = known.incident
    before = promised(incident)
    if eta is None and before is not None and before.eta is not None and before.eta > at:
        eta = before.eta
    metrics = [
        (service, metric)
        for service in incident.services
        for metric in known.settings(service)[0].get("metrics", {})
    ]
    evidence = evidence_of(known)
    entries = timeline(known)
    # That of the last row, so that the same text is the same however often it is printed.
    position = max(entry.position for entry in entries)
    return Draft(
        incident=incident,
        entries=entries,
        changes=in_production(known.own_changes),
        fix=fix_or_rollout(evidence),
        durations=durations_of(evidence),
        metrics=metrics,
        at=at,
        eta=eta,
        contact=contact,
        zone=session.shown_zone,
        relapse=known.relapse,
        tell=_tell(session, incident),
        report_link=_report_link(session, incident),
        log_head=(position, session.log.head(position)),
    )


def _tell(session: Session, incident: Incident) -> tuple[str, ...]:
    told = getattr(session.settings.file.alerting, incident.severity, None)
    return told.tell if isinstance(told, Told) else ()


def _report_link(session: Session, incident: Incident) -> str | None:
    url = session.settings.tracker.report_url
    return url.replace("{incident}", incident.id) if url else None
