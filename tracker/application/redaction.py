"""Redacting an event: deciding on it and on what repeats its text, removing both, and cleaning the files."""

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from tracker.application.progress import SILENT, Progress
from tracker.application.redaction_plan import PLACES, Plan, clean, planned, work_up_inbox
from tracker.application.session import Recording, Session
from tracker.decisions.redaction import pieces_of, redact, refuse_unredactable
from tracker.errors import RefusedError, StoreError, UsageError
from tracker.events.base import Event, Recorded, decode
from tracker.events.corrections import Correction, EventAmended, EventRedacted
from tracker.events.incidents import FileAttached
from tracker.text.shell import word


@dataclass(frozen=True)
class Redacted:
    """What was removed. `plan` is None where an earlier redaction was completed, by `before_by` if it was theirs.

    `beside` says what was removed outside the log, `remains` what cannot be reached from here.
    """

    target: Recorded
    recording: Recording
    redacted: tuple[str, ...]
    remains: list[str]
    plan: Plan | None = None
    beside: list[str] = field(default_factory=list)
    before_by: str | None = None


@dataclass(frozen=True)
class DryRun:
    """What a redaction would remove: names of fields that would go and stay, and its plan."""

    target: Recorded
    plan: Plan
    goes: list[str]
    stays: list[str]


def redact_event(
    session: Session,
    typed: str,
    *,
    why: str | None,
    keep: Collection[str] = (),
    also: bool = False,
    progress: Progress = SILENT,
) -> Redacted:
    """Remove an event's text for good, with what repeats it; with `also` from every event that has it.

    Raises:
        RefusedError: If it was redacted already, or nothing of it may be removed.
        StoreError: If its text is gone from the log, but may remain in unused parts of the files.
    """
    target = _target(session, typed)
    if target.redacted is not None:
        return _finish(session, target, progress)
    refuse_unredactable(target)
    begun = _begun(session, target)
    if begun is not None:
        return _carry_out(session, begun, progress)
    payload = session.log.payloads([target.position]).get(target.position, b"")
    decided = [_decide(session, target, payload, why, keep)]
    work_up_inbox(session, pieces_of(target.event, payload, keep), (target.id,))
    with progress.bar("redact") as update:
        plan = planned(session, target, keep=keep, also=also, progress=update)
    decided += _along(plan, decided[0])
    beside = [place(session, plan.needles) for place in PLACES]
    removed = [one.removed for one in beside if one.removed is not None]
    unread = [*plan.unread, *(text for one in beside for text in one.unread)]
    recording = Recording()
    recording.add(session.log.redact(decided))
    remains = _clean(session, target, progress)
    remains += [f"what could not be searched: {text}" for text in unread]
    return Redacted(target, recording, tuple(one.target for one in decided), remains, plan, removed)


def dry_run(
    session: Session,
    typed: str,
    *,
    why: str | None,
    keep: Collection[str] = (),
    also: bool = False,
    progress: Progress = SILENT,
) -> DryRun:
    """Find what a redaction would remove, and change nothing."""
    target = _target(session, typed)
    refuse_unredactable(target)
    payload = session.log.payloads([target.position]).get(target.position, b"")
    decided = _decide(session, target, payload, why or "dry run", keep)
    with progress.bar("redact") as update:
        plan = planned(session, target, keep=keep, also=also, progress=update)
    left = decode(decided.target_topic, decided.left)
    names = [info.name for info in msgspec.structs.fields(type(left))]
    goes = [name for name in names if getattr(left, name) != getattr(target.event, name)]
    stays = [name for name in names if name not in goes and getattr(left, name) not in (None, "", (), {})]
    return DryRun(target, plan, goes, stays)


def _target(session: Session, typed: str) -> Recorded:
    prefix = session.settings.tracker.prefix.lower()
    if typed == "." or typed.lower().startswith(prefix + "-"):
        raise UsageError(
            f"redact: {typed} is an incident; only an event can be redacted",
            hint=f"Each row of its timeline begins with an event's handle: tracker timeline {word(typed)}",
        )
    return session.event(typed)


def _decide(
    session: Session, target: Recorded, payload: bytes, why: str | None, keep: Collection[str]
) -> EventRedacted:
    """Decide on the target itself; what it corrects says which of its values are texts."""
    corrects = None
    if isinstance(target.event, Correction):
        corrected = session.log.by_ids([target.event.target])
        corrects = corrected[0].event if corrected else None
    return redact(
        target,
        by=session.author,
        now=session.now,
        why=why or "",
        payload=payload,
        keep=keep,
        corrects=corrects,
    )


def _along(plan: Plan, first: EventRedacted) -> list[EventRedacted]:
    """Decide on what goes with the target; what turns out to have no text of it stays."""
    decided = []
    for identity, (recorded, _) in list(plan.along.items()):
        event = recorded.event
        whole = isinstance(event, EventAmended) and event.target == plan.target.id
        shared = isinstance(event, FileAttached)
        try:
            decided.append(
                redact(
                    recorded,
                    by=first.decided_by,
                    now=first.occurred_at,
                    why=first.why,
                    payload=plan.payloads.get(identity, b""),
                    keep=_reason_to_keep(event, plan) if whole else ("name",) if shared else (),
                    corrects=plan.target.event if whole else None,
                    only=None if whole or shared else plan.pieces,
                )
            )
        except RefusedError:
            del plan.along[identity]
    return decided


def _reason_to_keep(event: Event, plan: Plan) -> tuple[str, ...]:
    """Keep the reason of an amendment that goes along, unless it repeats the text."""
    why = getattr(event, "why", "")
    return () if any(piece in why for piece in plan.pieces) else ("why",)


def _begun(session: Session, target: Recorded) -> EventRedacted | None:
    """Return the redaction of an event whose content was restored from an older copy."""
    for recorded in session.log.with_corrections([target]):
        if isinstance(recorded.event, EventRedacted) and recorded.event.target == target.id:
            return recorded.event
    return None


def _carry_out(session: Session, begun: EventRedacted, progress: Progress) -> Redacted:
    recording = Recording()
    recording.add(session.log.redact([begun]))
    [target] = session.log.by_ids([begun.target])
    remains = _clean(session, target, progress)
    return Redacted(target, recording, (target.id,), remains, before_by=begun.decided_by)


def _finish(session: Session, target: Recorded, progress: Progress) -> Redacted:
    """Clean the files where an earlier redaction was cut off before that; else it is known, and refused."""
    session.log.seal()
    if target.id not in session.log.unfinished_redactions():
        refuse_unredactable(target)
    return Redacted(target, Recording(), (), _clean(session, target, progress))


def _clean(session: Session, target: Recorded, progress: Progress) -> list[str]:
    try:
        with progress.clock("clean the files"):
            return clean(session)
    except StoreError as trouble:
        why = trouble.message.replace("; nothing was recorded", "")
        raise type(trouble)(
            f"{target.handle} is redacted, but its text may remain in unused parts of the files: {why}",
            hint=f"{trouble.hint}; then finish it: tracker redact {target.handle}",
        ) from trouble
