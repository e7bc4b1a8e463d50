"""An incident's own facts as JSON keys, for whoever lists incidents: no other answer about it is computed here."""

from tracker.incident import Incident


def described(incident: Incident) -> dict[str, object]:
    """Return an incident's own facts as JSON keys."""
    return {
        "incident": incident.id,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "services": incident.services,
        "stage": incident.stage,
        "lead": incident.lead,
        "impact": incident.impact,
        "affected": incident.affected,
        "affected_from": incident.affected_from,
        "affected_to": incident.affected_to,
        "declared_at": incident.declared_at,
        "declared_by": incident.declared_by,
        "detected_by": incident.detected_by,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "resolution": incident.resolution,
        "reopened_at": incident.reopened_at,
        "merged_into": incident.merged_into,
        "merged_from": incident.merged_from,
        "milestones": {
            name: {"at": milestone.at, "until": milestone.until, "by": milestone.by, "event": milestone.event}
            for name, milestone in incident.milestones.items()
        },
    }
