"""Keep in the spool what could not be recorded because the store is away."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from tracker.application.clock_dates import near
from tracker.application.recording import record
from tracker.application.requests import AddNote, DeclareIncident, RecordChange, Request
from tracker.application.session import Session
from tracker.application.spool import open_runs
from tracker.application.spool.contents import waiting
from tracker.application.spool.entries import Spoolable, delivery, request_of
from tracker.application.spool.files import locked, opened, path_of, runs_of
from tracker.errors import StoreAwayError, StoreError, TrackerError
from tracker.events.base import Incoming
from tracker.times import Typed, to_us


@dataclass(frozen=True)
class Spooled:
    """A request that was kept for later, as of `at`."""

    request: Request
    by: str
    at: datetime
    why: str


def submit(session: Session, request: DeclareIncident | AddNote | RecordChange) -> Any:
    """Record a request, or keep it while the store is away: an Outcome, or what was Spooled.

    What is kept already goes first: `.` may mean a declaration that is not delivered yet.
    """
    why = "an earlier request waits in the spool"
    if not waiting(session.settings.store):
        try:
            return record(session, request)
        except StoreAwayError as away:
            why = away.message
    at = session.instant(request.at)
    fixed: dict[str, str] = {"at": _fixed(at)}
    if isinstance(request, DeclareIncident):
        for name in ("started", "detected"):
            if typed := getattr(request, name):
                # What is relative to now, or to today, would mean another instant when it is delivered.
                fixed[name] = _fixed(session.instant(typed, option=f"--{name}", around=near(at.at)))
    kept = msgspec.structs.replace(request, **fixed)
    _keep(session.settings.store, [kept], str(session.settings.path or ""))
    return Spooled(kept, request.by, at.at, why)


def keep_events(session: Session, incoming: Iterable[Incoming]) -> bool:
    """Keep events that could not be recorded; whether that worked. What went wrong is a notice."""
    requests = [request_of(one) for one in incoming]
    if not requests:
        return False
    try:
        _keep(session.store_address, requests, "")
    except TrackerError as trouble:
        session.notify(f"tracker: {trouble.message}")
        return False
    return True


def begin_run(session: Session, if_killed: Incoming) -> open_runs.OpenRun:
    """Keep what is to be recorded if this process ends before it closes the answer.

    Raises:
        OSError: If it cannot be written.
    """
    return open_runs.OpenRun(runs_of(session.store_address), msgspec.json.encode(request_of(if_killed)))


def who_delivers(session: Session) -> str:
    """Say which command will deliver what is kept now."""
    if session.store_address.startswith("folder:"):
        return "the next command in this folder that finds its tracker.toml delivers it"
    return "the next command that reaches the store delivers it"


def _fixed(typed: Typed) -> str:
    """Write an instant so that it means the same later, as exactly as it was typed."""
    local = typed.at.astimezone(timezone(timedelta(minutes=typed.utc_offset_minutes)))
    to_the_minute = typed.precision_seconds >= 60 and not local.second and not local.microsecond
    return local.isoformat(timespec="minutes" if to_the_minute else "auto")


def _keep(store: str, requests: Iterable[Spoolable], config: str) -> None:
    """Put requests into the queue; on disk when this returns.

    Raises:
        StoreError: If the spool cannot be written either.
    """
    now_us = to_us(datetime.now().astimezone())
    deliveries = [delivery(msgspec.json.encode(request), config, now_us) for request in requests]
    path = path_of(store)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(store), opened(store) as queue:
            queue.put(deliveries)
    except (OSError, StoreError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else wrong.message
        raise StoreError(
            f"{path}: the spool cannot be written either: {reason}",
            hint="Nothing was kept: write it down, or name another folder with XDG_STATE_HOME",
        ) from wrong
