"""Decisions about an incident's report: may it be published, and what is there to review.

Pure like `tracker.decisions.lifecycle`: what is known in, an event out, or a sentence why not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.decisions.corrections import amend, retract
from tracker.errors import RefusedError
from tracker.events.base import Decision
from tracker.events.incidents import IncidentDeclared, NoteAdded
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


@dataclass(frozen=True)
class Edited:
    """What somebody made of one note: `text` is what it says now, None that it is gone.

    `was` is what it said to them; `mine` whether theirs counts whatever others made of it meanwhile.
    """

    event: str
    was: str
    was_kind: str
    text: str | None
    kind: str
    mine: bool = False


@dataclass(frozen=True)
class Conflict:
    """A note that two people changed: what it said to one of them, what that one typed, what it says now; None is gone."""

    event: str
    was: str
    typed: str | None
    now: str | None


def edit(
    incident: Incident,
    edited: Sequence[Edited],
    added: Sequence[tuple[str, str]],
    *,
    by: str,
    at: datetime,
    why: str,
) -> tuple[list[Decision], list[Conflict]]:
    """Decide what an edit of notes comes to: corrections, and new notes (kind, text) in their order.

    What somebody else did in the same way meanwhile is not done again.
    """
    decided: list[Decision] = []
    conflicts = []
    steps = {each.id: each for each in incident.steps}
    for each in edited:
        step = steps[each.event]
        now, kind = (None, each.was_kind) if step.retraction else _said(step.event)
        if (now, kind) == (each.text, each.kind) or (now is None and each.text is None):
            continue
        if (now is None or (now, kind) != (each.was, each.was_kind)) and not each.mine:
            conflicts.append(Conflict(each.event, each.was, each.text, now))
        elif each.text is None and isinstance(step.event, IncidentDeclared):
            decided.append(amend(step, by=by, now=at, why=why, changes={"impact": None}))
        elif each.text is None:
            decided.append(retract(step, by=by, now=at, why=why))
        elif now is None and step.retraction is not None:
            added = [*added, (each.kind, each.text)]  # struck out meanwhile: it is said anew
        else:
            decided.append(
                amend(step, by=by, now=at, why=why, changes=dict(_changes(step.event, each, now, kind)))
            )
    for number, (kind, text) in enumerate(added):
        # A millisecond apart: in the report they stand in the order in which they were typed.
        typed_at = at - timedelta(milliseconds=len(added) - number)
        decided.append(
            NoteAdded(occurred_at=typed_at, decided_by=by, incident=incident.id, text=text, kind=kind)
        )
    return decided, conflicts


def _said(event: object) -> tuple[str | None, str]:
    if isinstance(event, NoteAdded):
        return event.text, event.kind
    return (event.impact, "impact") if isinstance(event, IncidentDeclared) else (None, "")


def _changes(event: object, edited: Edited, now: str | None, kind: str) -> Mapping[str, str]:
    if isinstance(event, IncidentDeclared):
        return {"impact": edited.text or ""}
    changes = {}
    if edited.text is not None and edited.text != now:
        changes["text"] = edited.text
    if edited.kind != kind:
        changes["kind"] = edited.kind
    return changes


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
            f"the log contradicts the report of {incident.id}: {len(findings)} findings",
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
