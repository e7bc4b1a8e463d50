"""Decisions about an incident's report: its review, the edits made in it, and its publication.

Pure: what is known in, events out, or RefusedError with the rule.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.decisions.common import refuse_merged
from tracker.decisions.corrections import amend, retract
from tracker.errors import RefusedError
from tracker.events.base import Decision
from tracker.events.incidents import IncidentDeclared, NoteAdded
from tracker.events.reviews import ReportPublished, ReportReviewed
from tracker.incident import Incident, Status


def review(incident: Incident, *, by: str, at: datetime, position: int, changes: int) -> ReportReviewed:
    """Record that a person reviewed the report's human sections."""
    refuse_merged(incident, "tracker review {into}")
    return ReportReviewed(
        occurred_at=at, decided_by=by, incident=incident.id, position=position, changes=changes
    )


@dataclass(frozen=True)
class Edited:
    """A person's edit of one note: `text` is the new text; None deletes it.

    `was` is the text that they edited; `mine` whether their edit wins over one that others made meanwhile.
    """

    event: str
    was: str
    was_kind: str
    text: str | None
    kind: str
    mine: bool = False


@dataclass(frozen=True)
class Conflict:
    """A note that two people changed: what one of them edited, what that one typed, and its text now (None if deleted)."""

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
    """Turn edited notes into corrections, and added ones (kind, text) into notes, in their order.

    What somebody else changed to the same text meanwhile is not changed again.
    """
    decided: list[Decision] = []
    conflicts = []
    steps = {step.id: step for step in incident.steps}
    for edit in edited:
        step = steps[edit.event]
        now, kind = (None, edit.was_kind) if step.retraction else _text_and_kind(step.event)
        if (now, kind) == (edit.text, edit.kind) or (now is None and edit.text is None):
            continue
        if (now is None or (now, kind) != (edit.was, edit.was_kind)) and not edit.mine:
            conflicts.append(Conflict(edit.event, edit.was, edit.text, now))
        elif edit.text is None and isinstance(step.event, IncidentDeclared):
            decided.append(amend(step, by=by, now=at, why=why, changes={"impact": None}))
        elif edit.text is None:
            decided.append(retract(step, by=by, now=at, why=why))
        elif now is None and step.retraction is not None:
            added = [*added, (edit.kind, edit.text)]  # retracted meanwhile: added again
        else:
            decided.append(
                amend(step, by=by, now=at, why=why, changes=dict(_changes(step.event, edit, now, kind)))
            )
    for number, (kind, text) in enumerate(added):
        # A millisecond apart, so that the report keeps the order in which they were typed.
        typed_at = at - timedelta(milliseconds=len(added) - number)
        decided.append(
            NoteAdded(occurred_at=typed_at, decided_by=by, incident=incident.id, text=text, kind=kind)
        )
    return decided, conflicts


def _text_and_kind(event: object) -> tuple[str | None, str]:
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
    """Publish a report; `findings` are the keys of claims that the log contradicts, which need a reason."""
    refuse_unpublishable(incident)
    if findings and not (why and why.strip()):
        raise RefusedError(
            f"the log contradicts the report of {incident.id}: {len(findings)} findings",
            hint=f'Correct them, or say why they do not count: tracker publish {incident.id} --why "…"',
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
    """Refuse to publish the report of an open or merged incident."""
    refuse_merged(incident, "tracker publish {into}")
    if incident.status is Status.OPEN:
        raise RefusedError(
            f"{incident.id} is still open: its report would be incomplete",
            hint=f"When it is over: tracker resolve {incident.id}; until then: tracker report {incident.id} -o FILE",
        )
