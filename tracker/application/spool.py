"""What was typed while the store was away, kept in a local file and delivered once.

Commands are kept as typed, with their instant and author fixed; what `tracker run` saw is
kept as events. Both have an identity made of content, so a delivery that was cut off half
way can be repeated.
"""

import argparse
import base64
import contextlib
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from tracker.application.clock_dates import near
from tracker.application.session import Session
from tracker.cli.common import say, write_json
from tracker.errors import BadInputError, StoreAwayError, StoreError, TrackerError
from tracker.events.base import Arrival, Event, Incoming, decode, encode, encode_arrival
from tracker.log.lock_timeout import at_most
from tracker.times import Typed, utc

_NOT_KEPT = ("run", "child", "config", "store", "by", "at", "at_tz", "json")
SPOOLABLE = ("declare", "note", "deploy", "rollback")
DELIVER_WITHOUT_WAITING = ("list", "show", "timeline", "changes", "history", "report", "verify")
"""Commands that deliver when that is done at once, and do not wait for it."""
_HURRY_SECONDS = 0.2


def path_of(store: str) -> Path:
    """Return the spool of one store."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "spool" / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.jsonl"


def waiting(store: str) -> list[dict[str, Any]]:
    """Return what waits to be delivered, oldest first."""
    path = path_of(store)
    if not path.exists():
        return []
    return [_read(line) for line in path.read_bytes().split(b"\n") if line.strip()]


def _read(line: bytes) -> dict[str, Any]:
    """Read one entry; a line that was cut off by a crash is an entry too, which will be refused."""
    try:
        entry: Any = json.loads(line)
        return (
            entry if isinstance(entry, dict) and entry.get("kind") in ("command", "fact") else _damaged(line)
        )
    except ValueError:
        return _damaged(line)


def _damaged(line: bytes) -> dict[str, Any]:
    return {"kind": "damaged", "line": line.decode(errors="replace")}


def refused(store: str) -> list[dict[str, Any]]:
    """Return what was refused when it was delivered."""
    path = path_of(store).with_suffix(".refused.jsonl")
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def spool_if_store_away(
    arguments: argparse.Namespace, session: "Session", trouble: TrackerError
) -> int | None:
    """Keep a command for later when only the store is in the way; None if it is not for the spool."""
    if not isinstance(trouble, StoreAwayError) or arguments.command not in SPOOLABLE:
        return None
    if getattr(arguments, "delivering", False):
        return None
    typed = session.instant(arguments.at)
    at = typed.at
    kept: dict[str, Any] = {
        key: value
        for key, value in vars(arguments).items()
        if key not in _NOT_KEPT and isinstance(value, (str, int, bool, list, type(None)))
    }
    for name in ("started", "detected"):
        if kept.get(name):
            # What is relative to now, or to today, would mean another instant when it is delivered.
            kept[name] = _fixed(session.instant(kept[name], option=f"--{name}", around=near(at)))
    entry = {
        "kind": "command",
        "command": arguments.command,
        "arguments": kept,
        "at": _fixed(typed),
        "by": session.author,
        "config": str(session.settings.path) if session.settings.path else None,
    }
    say(f"tracker: {trouble.message}")
    _append(path_of(session.settings.store), entry)
    say(
        f"  kept in the spool as of {utc(at)} by {session.author}; the next command that reaches the store delivers it"
    )
    if arguments.json:
        write_json(
            {"incident": None, "event": None, "spooled": True, "recorded": 0, "known": 0, "events": []}
        )
    elif arguments.command == "declare":
        say('  It has no number yet: until then, "." in tracker note . means this incident')
    return 0


def keep_facts(session: "Session", facts: list[Any]) -> bool:
    """Keep events that could not be recorded."""
    if not facts:
        return False
    try:
        store = session.store_address
        for each in facts:
            entry = {
                "kind": "fact",
                "topic": each.event.TOPIC,
                "state": base64.b64encode(encode(each.event)).decode(),
                "arrival": base64.b64encode(encode_arrival(each.arrival)).decode(),
            }
            _append(path_of(store), entry)
    except TrackerError as trouble:
        say(f"tracker: {trouble.message}")
        return False
    return True


def deliver(session: "Session") -> StoreAwayError | None:
    """Record what waits, in its order; what is refused is put aside and said.

    Who only reads does not wait for another writer, and is told what is not in the answer.

    Returns what keeps the rest from being delivered, if anything does.
    """
    if session.arguments.command not in DELIVER_WITHOUT_WAITING:
        return _deliver_all(session, wait=True)

    with at_most(_HURRY_SECONDS):
        try:
            trouble = _deliver_all(session, wait=False)
        except BlockingIOError:
            trouble = StoreAwayError("another command delivers the spool now")
    left = len(waiting(session.settings.store))
    if trouble is not None and left:
        say(f"{left} {'entry waits' if left == 1 else 'entries wait'} in the spool: tracker spool")
    return trouble


def _deliver_all(session: "Session", *, wait: bool) -> StoreAwayError | None:
    store = session.settings.store
    with _locked(path_of(store), wait=wait):
        entries = waiting(store)
        while entries:
            entry = entries[0]
            declared: str | None = None
            try:
                declared = _deliver(session, entry)
                say(f"delivered from the spool: {described(entry)}")
            except StoreAwayError as away:
                return away
            except TrackerError as trouble:
                _append(
                    path_of(store).with_suffix(".refused.jsonl"),
                    {**entry, "refused": trouble.message},
                    locked=True,
                )
                say(f"tracker: refused when delivered from the spool: {described(entry)}: {trouble.message}")
                say("  See it with: tracker spool")
            entries = _named(entries[1:], declared) if declared else entries[1:]
            _rewrite(path_of(store), entries)
    return None


def _named(entries: list[dict[str, Any]], declared: str) -> list[dict[str, Any]]:
    """Write the number that a declaration got into what was typed for `.` after it, for good."""
    named: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        if entry.get("command") == "declare":
            return named + entries[number:]
        kept = entry.get("arguments", {})
        if kept.get("incident") == ".":
            entry = {**entry, "arguments": {**kept, "incident": declared}}
        named.append(entry)
    return named


def _deliver(session: "Session", entry: dict[str, Any]) -> str | None:
    """Record one entry; return the incident's number when it was a declaration."""
    if entry["kind"] == "damaged":
        raise BadInputError("that line of the spool is cut off or damaged")
    if entry["kind"] == "fact":
        arrival = base64.b64decode(entry["arrival"])
        incoming = Incoming(
            event=decode(entry["topic"], base64.b64decode(entry["state"])),
            arrival=msgspec.msgpack.decode(arrival, type=Arrival) if arrival else Arrival(),
        )
        session.record([incoming])
        return None

    from tracker.cli.dispatch import call, parser_for

    arguments = parser_for(entry["command"]).parse_args(_words(entry))
    vars(arguments).update(entry["arguments"])
    arguments.at, arguments.by, arguments.json = entry["at"], entry["by"], True
    arguments.config, arguments.store = entry["config"], session.settings.store
    arguments.delivering, arguments.child = True, []

    answered = io.StringIO()
    with contextlib.redirect_stdout(answered):
        call(arguments, log=session.log)
    answer: str | None = json.loads(answered.getvalue()).get("incident") if answered.getvalue() else None
    return answer if entry["command"] == "declare" else None


def _words(entry: dict[str, Any]) -> list[str]:
    """Return the least that the command's parser accepts; the kept values replace it."""
    if entry["command"] == "declare":
        return ["x", "--service", "x", "--severity", "minor"]
    if entry["command"] == "note":
        return ["0", "x"]
    return ["start", "x", "x"]


def described(entry: dict[str, Any]) -> str:
    """Say in a line what an entry holds."""
    if entry["kind"] == "damaged":
        return f"a damaged line {entry['line'][:60]!r}"
    if entry["kind"] == "fact":
        event = _fact(entry)
        what = " ".join(
            str(getattr(event, name)) for name in ("service", "version") if getattr(event, name, None)
        )
        return f"{entry['topic']} of {what} at {utc(event.occurred_at)}"
    kept = entry["arguments"]
    what = (
        kept.get("title")
        or kept.get("text")
        or f"{kept.get('step')} {kept.get('service')} {kept.get('version')}"
    )
    at = utc(datetime.fromisoformat(entry["at"]))
    return f"{entry['command']} {what!r} at {at} by {entry['by']}"


def _fact(entry: dict[str, Any]) -> "Event":
    return decode(entry["topic"], base64.b64decode(entry["state"]))


def _fixed(typed: "Typed") -> str:
    """Write an instant so that it means the same later, as exactly as it was typed."""
    local = typed.at.astimezone(timezone(timedelta(minutes=typed.utc_offset_minutes)))
    to_the_minute = typed.precision_seconds >= 60 and not local.second and not local.microsecond
    return local.isoformat(timespec="minutes" if to_the_minute else "auto")


def _append(path: Path, entry: dict[str, Any], *, locked: bool = False) -> None:
    """Add an entry, while nobody delivers: a delivery rewrites the file.

    Raises:
        StoreError: If the spool cannot be written either.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.nullcontext() if locked else _locked(path), path.open("ab+") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # what a crash cut off is a line of its own
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as wrong:
        raise StoreError(
            f"{path}: the spool cannot be written either: {wrong.strerror}",
            hint="Nothing was kept: write it down, or name another folder with XDG_STATE_HOME",
        ) from wrong


def forget(store: str, needles: Iterable[bytes]) -> int:
    """Remove the entries that hold one of these pieces, waiting or refused; return how many."""
    wanted, count = list(needles), 0
    path = path_of(store)
    if not any(each.exists() for each in (path, path.with_suffix(".refused.jsonl"))):
        return 0
    with _locked(path):
        for each in (path, path.with_suffix(".refused.jsonl")):
            if not each.exists():
                continue
            lines = [line for line in each.read_bytes().split(b"\n") if line.strip()]
            kept = [line for line in lines if not _holds(line, wanted)]
            if len(kept) == len(lines):
                continue
            count += len(lines) - len(kept)
            new = each.with_suffix(".new")
            new.write_bytes(b"".join(line + b"\n" for line in kept))
            new.replace(each)
            if not kept:
                each.unlink()
    return count


def _holds(line: bytes, needles: Iterable[bytes]) -> bool:
    entry = _read(line)
    inside = base64.b64decode(entry.get("state", "")) if entry["kind"] == "fact" else b""
    return any(needle in line or needle in inside for needle in needles)


def _rewrite(path: Path, entries: list[dict[str, Any]]) -> None:
    if not entries:
        path.unlink(missing_ok=True)
        return
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Let one process deliver at a time.

    Raises:
        BlockingIOError: If another one does, and this one does not wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


__all__ = [
    "deliver",
    "described",
    "forget",
    "keep_facts",
    "path_of",
    "refused",
    "spool_if_store_away",
    "waiting",
]
