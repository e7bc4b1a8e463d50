"""The deploys and rollbacks that rules ask about, and whether one was rolled back."""

from datetime import datetime, timedelta

from projections.attachment import own_rows
from projections.changes import ChangeRow, in_production, same_place
from projections.lives import Beginning, Lives
from projections.once import once
from projections.procedure.rule import Evidence
from projections.versions import same_version

SECOND = timedelta(seconds=1)
AFTER = timedelta(days=1)
"""So long after its end a deploy still belongs to an incident."""


@once
def lives_of(evidence: Evidence) -> Lives:
    return Lives(evidence.incident, evidence.others)


def began_in(evidence: Evidence, service: str | None, at: datetime) -> bool:
    """Whether what began at an instant, without any reach back, belongs to the incident and to no other."""
    return lives_of(evidence).has(service, Beginning(at, timedelta(0)))


@once
def rows_in_life(evidence: Evidence) -> list[ChangeRow]:
    """Return the changes that belong to the incident and to no other."""
    if evidence.own is not None:
        return list(evidence.own)
    return own_rows(evidence.incident, evidence.changes, evidence.others)


@once
def own_changes(evidence: Evidence) -> list[ChangeRow]:
    """Return the deploys and rollbacks of the incident's services at any time, oldest first.

    Only those to production, where the log says which were; what went to a test system fixed nothing.
    """
    rows = [row for row in evidence.changes if row.kind in ("deploy", "rollback")]
    rows = [row for row in rows if row.service in evidence.incident.services]
    return sorted(in_production(rows), key=lambda row: row.order)


@once
def last_in_life(evidence: Evidence) -> ChangeRow | None:
    """Return the last deploy or rollback of its services that finished while it lasted and belongs to it."""
    mine = {row.event for row in rows_in_life(evidence)}
    return next(
        (
            row
            for row in reversed(own_changes(evidence))
            if row.event in mine and row.at >= evidence.incident.begins_at and row.status == "finished"
        ),
        None,
    )


def rollback_of(evidence: Evidence, deploy: ChangeRow) -> ChangeRow | None:
    """Return the rollback that ended a deploy for good; None if none did, or it was deployed again."""
    rows = [
        row
        for row in own_changes(evidence)
        if row.status == "finished" and row.order > deploy.order and same_place(row, deploy)
    ]
    for number, row in enumerate(rows):
        if row.kind == "rollback":
            if row.previous is None or not same_version(row.previous, deploy):
                return None
            later = rows[number + 1 :]
            again = next((one for one in later if same_version(one, deploy)), None)
            return row if again is None else rollback_of(evidence, again)
        if row.kind == "deploy" and not same_version(row, deploy):
            return None
    return None
