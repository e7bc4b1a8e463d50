"""Undoing an import: what it brought is retracted, as a whole; nothing that was recorded is lost.

Each event stays readable by its handle, with who struck it out and why. What is imported again, from the
same bundle or another one, counts again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.application.session import Recording, Session
from tracker.bundles.undone import UNDONE
from tracker.decisions.common import reason
from tracker.errors import BadInputError, RefusedError
from tracker.events.base import IMPORTED, Decision, Incoming, Recorded, Window
from tracker.events.bundles import BundleImported, imported_scope
from tracker.events.corrections import Correction, Effective, EventRetracted, effective
from tracker.text.shell import command


@dataclass(frozen=True)
class Undone:
    """What was struck out: of which incident, how many events; and how many decisions made here are left alone."""

    incident: str
    struck: int
    left: int
    recording: Recording


def undo_import(session: Session, typed: str, *, why: str) -> Undone:
    """Retract what one import brought: an import's handle, or an incident, of which it is the last.

    Raises:
        RefusedError: If it was undone already, or nothing was imported.
    """
    incident, brought = _brought(session, typed)
    by, now = session.author, session.now
    text = UNDONE + reason(why, command("import", "--undo", typed))
    standing = [
        fact for fact in effective(session.log.with_corrections(brought)).values() if _counts(fact, brought)
    ]
    if not standing:
        raise RefusedError(
            f"what was imported as {typed} was struck out already", hint=f"See: {command('history', typed)}"
        )
    retractions = [
        Incoming(
            event=EventRetracted(
                occurred_at=now,
                decided_by=by,
                incident=event.incident if isinstance(event := fact.recorded.event, Decision) else None,
                target=fact.id,
                why=text,
                target_scopes=event.scopes(),
            )
        )
        for fact in standing
    ]
    recording = Recording()
    recording.add(session.log.import_events(lambda: retractions))
    ids = {recorded.id for recorded in brought}
    left = [
        step
        for step in effective(session.log.incident(incident)).values()
        if step.retraction is None
        and step.id not in ids
        and not isinstance(step.event, Correction)
        and step.recorded.arrival.origin is None
    ]
    return Undone(incident, len(standing), len(left), recording)


def _counts(fact: Effective, brought: Sequence[Recorded]) -> bool:
    return fact.retraction is None and any(recorded.id == fact.id for recorded in brought)


def _brought(session: Session, typed: str) -> tuple[str, list[Recorded]]:
    """Return the incident that an import brought, and all events of that import, its own record last."""
    prefix = session.settings.tracker.prefix.lower()
    log = session.log
    if typed.isdigit() or typed.lower().startswith(f"{prefix}-"):
        incident = session.incident_id(typed)
        markers = [
            fact.recorded
            for fact in effective(log.select([Window(imported_scope(incident))])).values()
            if isinstance(fact.recorded.event, BundleImported) and fact.retraction is None
        ]
        own = [recorded for recorded in log.incident(incident) if recorded.arrival.via == IMPORTED]
        if not markers and not own:
            raise RefusedError(
                f"nothing of {incident} was imported, or it was struck out already", hint="tracker list"
            )
        if not markers:
            return incident, own
        marker = max(markers, key=lambda recorded: recorded.position)
    else:
        marker = session.event(typed)
    event = marker.event
    if not isinstance(event, BundleImported):
        raise BadInputError(
            f"{marker.handle} is not an import, but a {event.TOPIC} event",
            hint=f"To strike out one event: {command('retract', marker.handle)} --why …",
        )
    first = marker.position - event.brought
    events = log.read(first - 1, event.brought, marker.position)
    kept = [
        each for each in events if each.arrival.origin is not None or isinstance(each.event, EventRetracted)
    ]
    return event.number, [*kept, marker]
