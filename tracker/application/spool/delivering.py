"""Deliver the spool: record what waits, in its order, once; what is refused is set aside."""

import contextlib
from pathlib import Path

import msgspec

from tracker.application.recording import record
from tracker.application.requests import AddNote, DeclareIncident, RecordEvent
from tracker.application.session import Options, Session
from tracker.application.spool.contents import waiting
from tracker.application.spool.entries import decoded, described
from tracker.application.spool.files import ALL, locked, opened
from tracker.errors import BadInputError, StoreAwayError, TrackerError
from tracker.events.base import decode
from tracker.inbox.sqlite import SqliteInbox
from tracker.log.lock_timeout import at_most

_HURRY_SECONDS = 0.2


def deliver(session: Session, *, hurry: bool = False) -> StoreAwayError | None:
    """Record what waits, in its order; what is refused is set aside. Each is a notice.

    In a hurry, a caller that only reads waits for no other writer, and is told what is missing
    from its answer. Returns what keeps the rest from being delivered, if anything does.
    """
    store = session.settings.store
    take_over_folder(session)
    if not waiting(store):
        return None
    try:
        _ = session.log
    except StoreAwayError as away:
        return away  # what the command needs of the store will say so
    if not hurry:
        return _deliver_all(session, wait=True)
    with at_most(_HURRY_SECONDS):
        try:
            trouble = _deliver_all(session, wait=False)
        except BlockingIOError:
            trouble = StoreAwayError("another command delivers the spool now")
    left = len(waiting(store))
    if trouble is not None and left:
        session.notify(f"{left} {'entry waits' if left == 1 else 'entries wait'} in the spool: tracker spool")
    return trouble


def _deliver_all(session: Session, *, wait: bool) -> StoreAwayError | None:
    store = session.settings.store
    with locked(store, wait=wait), opened(store) as queue:
        # A declaration leaves the queue after the notes that name it by `.`: cut off in between it is
        # delivered again, is known then, and gives them the same number.
        declared: tuple[int, str] | None = None
        for held in queue.waiting(ALL):
            try:
                request = decoded(held)
                if isinstance(request, DeclareIncident):
                    _finish_declaration(queue, declared)
                    declared = None
                if declared and isinstance(request, AddNote) and request.incident == ".":
                    request = msgspec.structs.replace(request, incident=declared[1])
                outcome = record(_with_settings_of(session, held.delivery.source), request)
            except StoreAwayError as away:
                return away
            except TrackerError as trouble:
                queue.park(held.number, trouble.message)
                session.notify(
                    f"tracker: refused when delivered from the spool: {described(held)}: {trouble.message}"
                )
                session.notify("  See it with: tracker spool")
                continue
            session.notify(f"delivered from the spool: {described(held)}")
            if isinstance(request, DeclareIncident):
                declared = (held.number, outcome.incident)
            else:
                queue.finish([held.number])
        _finish_declaration(queue, declared)
    return None


def _finish_declaration(queue: SqliteInbox, declared: tuple[int, str] | None) -> None:
    if declared is not None:
        queue.finish([declared[0]])


def _with_settings_of(session: Session, config: str) -> Session:
    """Return a session on the same log with the settings under which a request was made."""
    if not config or (session.settings.path is not None and str(session.settings.path) == config):
        return session
    return Session(
        Options(config=config, store=session.settings.store), log=session.log, notify=session.notify
    )


def take_over_folder(session: Session) -> None:
    """Take what was kept in this folder while no tracker.toml counted here, of services that this one knows."""
    address = f"folder:{Path.cwd()}"
    services = session.settings.services
    if session.settings.path is None:
        return
    for held in waiting(address):
        with contextlib.suppress(BadInputError):
            request = decoded(held)
            service = (
                getattr(decode(request.topic, request.state), "service", None)
                if isinstance(request, RecordEvent)
                else None
            )
            if services and service not in services:
                continue
            with opened(session.settings.store) as queue, opened(address) as kept:
                queue.put([held.delivery])
                kept.finish([held.number])
