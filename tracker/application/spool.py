"""Requests made while the store was away: kept on disk in a queue, and delivered once, in order, later.

The queue is an inbox in a file of its own. A request is kept with its instant and author fixed, and
has an identity made of content in the log, so a delivery that was cut off can be repeated.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tracker.application import open_runs
from tracker.application.clock_dates import near
from tracker.application.recording import record
from tracker.application.requests import (
    AddNote,
    DeclareIncident,
    RecordChange,
    RecordEvent,
    Request,
)
from tracker.application.session import Options, Session
from tracker.errors import BadInputError, StoreAwayError, StoreError, TrackerError
from tracker.events.base import Incoming, decode, encode, encode_arrival
from tracker.inbox.queue import Delivery, QueuedDelivery
from tracker.inbox.sqlite import SqliteInbox
from tracker.log.lock_timeout import at_most
from tracker.log.private_files import create_private
from tracker.text.coded import look
from tracker.times import Typed, to_us, utc

Spoolable: TypeAlias = DeclareIncident | AddNote | RecordChange | RecordEvent
_HURRY_SECONDS = 0.2
_ALL = 1_000_000


@dataclass(frozen=True)
class Spooled:
    """A request that was kept for later, as of `at`."""

    request: Request
    by: str
    at: datetime
    why: str


def path_of(store: str) -> Path:
    """Return the file of one store's spool."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "spool" / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.inbox"


# ── keeping ──────────────────────────────────────────────────────────────────


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
    requests = [_request_of(one) for one in incoming]
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
    return open_runs.OpenRun(_runs_of(session.store_address), msgspec.json.encode(_request_of(if_killed)))


def _runs_of(store: str) -> Path:
    return path_of(store).with_suffix(".runs")


def _request_of(incoming: Incoming) -> RecordEvent:
    arrival = encode_arrival(incoming.arrival)
    return RecordEvent(topic=incoming.event.TOPIC, state=encode(incoming.event), arrival=arrival)


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
    deliveries = [_delivery(msgspec.json.encode(request), config, now_us) for request in requests]
    path = path_of(store)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(store), _opened(store) as queue:
            queue.put(deliveries)
    except (OSError, StoreError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else wrong.message
        raise StoreError(
            f"{path}: the spool cannot be written either: {reason}",
            hint="Nothing was kept: write it down, or name another folder with XDG_STATE_HOME",
        ) from wrong


# ── looking ──────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _opened(store: str) -> Iterator[SqliteInbox]:
    queue = SqliteInbox(str(path_of(store)))
    try:
        yield queue
    finally:
        queue.close()


def waiting(store: str) -> list[QueuedDelivery]:
    """Return what waits to be delivered, oldest first; of runs that were killed, that their end is unknown."""
    _take_over_old_files(store)
    _take_over_killed_runs(store)
    if not path_of(store).exists():
        return []
    with _opened(store) as queue:
        return queue.waiting(_ALL)


def refused(store: str) -> list[tuple[QueuedDelivery, str]]:
    """Return what was refused when it was delivered, and why."""
    _take_over_old_files(store)
    if not path_of(store).exists():
        return []
    with _opened(store) as queue:
        reasons = {parked.number: parked.reason for parked in queue.parked()}
        return [(held, reasons[held.number]) for held in _everything(queue) if held.number in reasons]


def _everything(queue: SqliteInbox) -> Iterator[QueuedDelivery]:
    last = 0
    while found := queue.after(last):
        yield from found
        last = found[-1].number


def decoded(held: QueuedDelivery) -> Spoolable:
    """Return the request that an entry holds.

    Raises:
        BadInputError: If it was cut off or damaged.
    """
    try:
        request: Spoolable = msgspec.json.decode(held.delivery.body, type=Spoolable)
        return request
    except msgspec.DecodeError as damaged:
        raise BadInputError("this entry of the spool is cut off or damaged") from damaged


def described(held: QueuedDelivery) -> str:
    """Say in a line what an entry holds."""
    try:
        request = decoded(held)
    except BadInputError:
        return f"a damaged line {held.delivery.body[:60].decode(errors='replace')!r}"
    if isinstance(request, RecordEvent):
        event: Any = decode(request.topic, request.state)
        named = [str(getattr(event, name)) for name in ("service", "version") if getattr(event, name, None)]
        return f"{request.topic} of {' '.join(named)} at {utc(event.occurred_at)}"
    if isinstance(request, DeclareIncident):
        command, what = "declare", request.title
    elif isinstance(request, AddNote):
        command, what = "note", request.text
    else:
        command, what = request.change, f"{request.step} {request.service} {request.version}"
    return f"{command} {what!r} at {utc(datetime.fromisoformat(request.at or ''))} by {request.by}"


def as_json(held: QueuedDelivery) -> dict[str, Any]:
    """Return an entry as `tracker spool --json` answers it."""
    try:
        request = decoded(held)
    except BadInputError:
        return {"kind": "damaged", "line": held.delivery.body.decode(errors="replace")}
    values: dict[str, Any] = msgspec.to_builtins(request)
    if isinstance(request, RecordEvent):
        return {
            "kind": "fact",
            "topic": request.topic,
            "state": values["state"],
            "arrival": values.get("arrival", ""),
        }
    command = {DeclareIncident: "declare", AddNote: "note"}.get(type(request)) or request.change  # type: ignore[union-attr]
    arguments = {name: value for name, value in values.items() if name not in ("type", "at", "by")}
    return {
        "kind": "command",
        "command": command,
        "arguments": arguments,
        "at": request.at,
        "by": request.by,
        "config": held.delivery.source or None,
    }


# ── delivering ───────────────────────────────────────────────────────────────


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
    with _locked(store, wait=wait), _opened(store) as queue:
        # A declaration leaves the queue after the notes that name it by `.`: cut off in between it is
        # delivered again, is known then, and gives them the same number.
        declared: tuple[int, str] | None = None
        for held in queue.waiting(_ALL):
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


@contextlib.contextmanager
def _locked(store: str, *, wait: bool = True) -> Iterator[None]:
    """Let one process deliver at a time.

    Raises:
        BlockingIOError: If another one does, and this one does not wait.
    """
    path = path_of(store)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock_path = path.with_suffix(".lock")
    create_private(lock_path)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def forget(store: str, needles: Sequence[bytes]) -> tuple[int, list[str]]:
    """Remove the entries that hold one of these pieces, waiting or refused.

    Returns how many, and what could not be removed: runs that have not ended.
    """
    _take_over_old_files(store)
    _take_over_killed_runs(store)
    running = [
        f"what a run that has not ended will record: {file}"
        for file in sorted(_runs_of(store).glob("*.run"))
        if look(file.read_bytes(), needles, is_packed=False).found
    ]
    if not path_of(store).exists():
        return 0, running
    with _locked(store), _opened(store) as queue:
        reasons = {parked.number: parked.reason for parked in queue.parked()}
        numbers = [
            held.number for held in _everything(queue) if _holds(held, reasons.get(held.number, ""), needles)
        ]
        queue.finish(numbers)
        queue.clean()
    return len(numbers), running


def _holds(held: QueuedDelivery, reason: str, needles: Sequence[bytes]) -> bool:
    texts = [held.delivery.body, reason.encode()]
    with contextlib.suppress(BadInputError):
        request = decoded(held)
        if isinstance(request, RecordEvent):
            texts.append(request.state)
    return any(look(text, needles, is_packed=False).found for text in texts)


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
            with _opened(session.settings.store) as queue, _opened(address) as kept:
                queue.put([held.delivery])
                kept.finish([held.number])


def _take_over_killed_runs(store: str) -> None:
    # A disk that is full or read-only keeps nobody from an answer; the files stay for later.
    with contextlib.suppress(OSError, StoreError):
        for body in open_runs.interrupted(_runs_of(store)):
            with _opened(store) as queue:
                queue.put([_delivery(body, "", to_us(datetime.now().astimezone()))])


# ── spools of versions before 0.2.0: lines of JSON ────────────────────────────────────


def _take_over_old_files(store: str) -> None:
    """Move what a version before 0.2.0 kept as lines of JSON into the queue."""
    path = path_of(store).with_suffix(".jsonl")
    for file, is_refused in ((path, False), (path.with_suffix(".refused.jsonl"), True)):
        if not file.exists():
            continue
        with _locked(store):
            lines = [line for line in file.read_bytes().split(b"\n") if line.strip()] if file.exists() else []
            with _opened(store) as queue:
                for line in lines:
                    body, config, reason = _from_old_line(line)
                    queue.put([_delivery(body, config, 0)])
                    if is_refused:
                        queue.park(queue.waiting(_ALL)[-1].number, reason)
            file.unlink(missing_ok=True)


def _delivery(body: bytes, config: str, received_us: int) -> Delivery:
    key = hashlib.sha256(body).hexdigest()[:24]
    return Delivery(route="request", source=config, key=key, received_us=received_us, headers={}, body=body)


def _from_old_line(line: bytes) -> tuple[bytes, str, str]:
    """Return the request of a line, its tracker.toml, and why it was refused; a damaged line stays as it is."""
    try:
        entry = json.loads(line)
        reason = entry.get("refused", "refused")
        if entry["kind"] == "fact":
            request: Spoolable = RecordEvent(
                topic=entry["topic"],
                state=base64.b64decode(entry["state"]),
                arrival=base64.b64decode(entry["arrival"]),
            )
            return msgspec.json.encode(request), "", reason
        request = _OLD_COMMANDS[entry["command"]](
            {**entry["arguments"], "by": entry["by"], "at": entry["at"], "change": entry["command"]}
        )
        return msgspec.json.encode(request), entry.get("config") or "", reason
    except (ValueError, KeyError, TypeError, AttributeError):
        return line, "", "damaged"


def _as(kind: type[Any], renamed: dict[str, str]) -> Callable[[dict[str, Any]], Any]:
    def convert(values: dict[str, Any]) -> Any:
        named = {renamed.get(name, name): value for name, value in values.items()}
        fields = set(kind.__struct_fields__)
        return msgspec.convert({name: value for name, value in named.items() if name in fields}, kind)

    return convert


_OLD_COMMANDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "declare": _as(DeclareIncident, {"service": "services"}),
    "note": _as(AddNote, {}),
    "deploy": _as(RecordChange, {"env": "environment"}),
    "rollback": _as(RecordChange, {"env": "environment"}),
}

__all__ = [
    "Spooled",
    "as_json",
    "begin_run",
    "deliver",
    "described",
    "forget",
    "keep_events",
    "path_of",
    "refused",
    "submit",
    "take_over_folder",
    "waiting",
    "who_delivers",
]
