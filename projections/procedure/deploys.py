"""The deploys and rollbacks that rules ask about, and whether one was taken back."""

from datetime import timedelta

from projections.changes import ChangeRow, same_version
from projections.fix import in_production
from projections.procedure.rule import Evidence

SECOND = timedelta(seconds=1)
AFTER = timedelta(days=1)
"""So long after its end a deploy still belongs to an incident."""


def own_changes(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys and rollbacks of the incident's services, oldest first.

    Of what reached production, where the log tells which did; what went to a test system fixed nothing.
    """
    rows = [row for row in evidence.changes if row.kind in ("deploy", "rollback")]
    rows = [row for row in rows if row.service in evidence.incident.services]
    return sorted(in_production(rows), key=lambda row: (row.at, row.event))


def rollback_of(evidence: Evidence, deploy: ChangeRow) -> ChangeRow | None:
    """Return the rollback that took a deploy back; None if none did."""
    for row in own_changes(evidence):
        if row.at <= deploy.at or row.environment != deploy.environment or row.service != deploy.service:
            continue
        if row.kind == "rollback" and row.status == "finished":
            return (
                row if row.previous_version and same_version(row.previous_version, deploy.version) else None
            )
        if (
            row.kind == "deploy"
            and row.status == "finished"
            and not same_version(row.version, deploy.version)
        ):
            return None
    return None
