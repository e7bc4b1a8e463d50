"""Decisions about an incident's report: may it be published, and what is there to review.

Pure like `tracker.decisions`: what is known in, an event out, or a sentence why not.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from tracker.errors import RefusedError
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.incident import Incident, Status


def review(incident: Incident, *, by: str, at: datetime, position: int, changes: int) -> ReportReviewed:
    """Decide that somebody went through the report's human sections.

    Raises:
        RefusedError: If the incident went on under another number.
    """
    refuse_merged(incident, "review")
    return ReportReviewed(
        occurred_at=at, decided_by=by, incident=incident.id, position=position, changes=changes
    )


def publish(
    incident: Incident,
    markdown: bytes,
    *,
    by: str,
    at: datetime,
    position: int,
    template: str,
    zone_name: str,
    findings: Sequence[str] = (),
    why: str | None = None,
) -> ReportPublished:
    """Decide that a report, as written, is what we say; `findings` are the keys of claims that the log contradicts.

    Raises:
        RefusedError: If the incident is not over, or there are findings and no reason why they do not count.
    """
    refuse_unpublishable(incident)
    if findings and not (why and why.strip()):
        raise RefusedError(
            f"the log contradicts the report of {incident.id} in {len(findings)} places",
            hint=f'Put them right, or say why they stand: tracker publish {incident.id} --why "…"',
        )
    return ReportPublished(
        occurred_at=at,
        decided_by=by,
        incident=incident.id,
        position=position,
        sha256=hashlib.sha256(markdown).digest(),
        template=template,
        zone_name=zone_name,
        waived=tuple(findings),
        why=why.strip() if findings and why else None,
    )


def refuse_unpublishable(incident: Incident) -> None:
    """Refuse to publish a report whose end is not known.

    Raises:
        RefusedError: If the incident is open, or went on under another number.
    """
    refuse_merged(incident, "publish")
    if incident.status is Status.OPEN:
        raise RefusedError(
            f"{incident.id} is still open: what would be published is not the whole story",
            hint=f"When it is over: tracker resolve {incident.id}; until then: tracker report {incident.id} -o FILE",
        )


def refuse_merged(incident: Incident, command: str) -> None:
    """Refuse what is about an incident that went on under another number.

    Raises:
        RefusedError: If it was merged.
    """
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}, whose report tells of both",
            hint=f"tracker {command} {incident.merged_into}",
        )
