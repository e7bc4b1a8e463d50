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
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.cli.common import say, write_json
from tracker.errors import StoreAwayError, TrackerError
from tracker.times import utc

if TYPE_CHECKING:
    from tracker.cli.workspace import Workspace

COMMANDS = ("declare", "note", "deploy", "rollback")


def path_of(store: str) -> Path:
    """Return the spool of one store."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tracker" / "spool" / f"{hashlib.sha256(store.encode()).hexdigest()[:16]}.jsonl"


def waiting(store: str) -> list[dict[str, Any]]:
    """Return what waits to be delivered, oldest first."""
    path = path_of(store)
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def refused(store: str) -> list[dict[str, Any]]:
    """Return what was refused when it was delivered."""
    path = path_of(store).with_suffix(".refused.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def instead(arguments: argparse.Namespace, workspace: "Workspace", trouble: TrackerError) -> int | None:
    """Keep a command for later when only the store is in the way; None if it is not for the spool."""
    if not isinstance(trouble, StoreAwayError) or arguments.command not in COMMANDS:
        return None
    if getattr(arguments, "delivering", False):
        return None
    at = workspace.instant(arguments.at).at
    entry = {
        "kind": "command",
        "command": arguments.command,
        "arguments": {
            key: value
            for key, value in vars(arguments).items()
            if key not in ("run", "child") and isinstance(value, (str, int, bool, list, type(None)))
        },
        "at": at.isoformat(),
        "by": workspace.who,
        "config": str(workspace.settings.path) if workspace.settings.path else None,
        "store": workspace.settings.store,
    }
    _append(path_of(workspace.settings.store), entry)
    say(f"tracker: {trouble.message}")
    say(f"  kept in the spool as of {utc(at)} by {workspace.who}; the next command that reaches the store delivers it")
    if arguments.json:
        write_json({"incident": None, "event": None, "spooled": True, "recorded": 0, "known": 0, "events": []})
    elif arguments.command == "declare":
        say('  It has no number yet: until then, "." in tracker note . means this incident')
    return 0


def keep_facts(workspace: "Workspace", facts: list[Any]) -> bool:
    """Keep events that could not be recorded."""
    from tracker.events.base import encode, encode_arrival

    if not facts:
        return False
    try:
        store = workspace.settings.store
        for each in facts:
            entry = {
                "kind": "fact",
                "topic": each.event.TOPIC,
                "state": base64.b64encode(encode(each.event)).decode(),
                "arrival": base64.b64encode(encode_arrival(each.arrival)).decode(),
                "store": store,
            }
            _append(path_of(store), entry)
    except (TrackerError, OSError) as trouble:
        say(f"  and the spool cannot be written: {trouble}")
        return False
    return True


def deliver(workspace: "Workspace") -> None:
    """Record what waits, in its order; what is refused is put aside and said."""
    store = workspace.settings.store
    with _locked(path_of(store)):
        entries = waiting(store)
        declared: str | None = None
        while entries:
            entry = entries[0]
            try:
                declared = _deliver(workspace, entry, declared) or declared
                say(f"delivered from the spool: {described(entry)}")
            except StoreAwayError:
                return
            except TrackerError as trouble:
                _append(path_of(store).with_suffix(".refused.jsonl"), {**entry, "refused": trouble.message})
                say(f"tracker: refused when delivered from the spool: {described(entry)}: {trouble.message}")
                say("  See it with: tracker spool")
            entries = entries[1:]
            _rewrite(path_of(store), entries)


def _deliver(workspace: "Workspace", entry: dict[str, Any], declared: str | None) -> str | None:
    from tracker.events.base import Arrival, Incoming, decode

    if entry["kind"] == "fact":
        import msgspec

        arrival = base64.b64decode(entry["arrival"])
        incoming = Incoming(
            event=decode(entry["topic"], base64.b64decode(entry["state"])),
            arrival=msgspec.msgpack.decode(arrival, type=Arrival) if arrival else Arrival(),
        )
        workspace.record([incoming])
        return None
    from tracker.cli.running import call, parser_for

    arguments = parser_for(entry["command"]).parse_args(_words(entry))
    vars(arguments).update(entry["arguments"])
    arguments.at, arguments.by, arguments.json = entry["at"], entry["by"], True
    arguments.config, arguments.store = entry["config"], entry["store"]
    arguments.delivering, arguments.child = True, []
    if getattr(arguments, "incident", None) == "." and declared is not None:
        arguments.incident = declared
    import io

    answered = io.StringIO()
    with contextlib.redirect_stdout(answered):
        call(arguments, log=workspace.log)
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
    if entry["kind"] == "fact":
        return str(entry["topic"])
    kept = entry["arguments"]
    what = kept.get("title") or kept.get("text") or f"{kept.get('step')} {kept.get('service')} {kept.get('version')}"
    at = utc(datetime.fromisoformat(entry["at"]))
    return f"{entry['command']} {what!r} at {at} by {entry['by']}"


def _append(path: Path, entry: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


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
def _locked(path: Path) -> Iterator[None]:
    """Let one process deliver at a time."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


__all__ = ["deliver", "described", "instead", "keep_facts", "path_of", "refused", "waiting"]
