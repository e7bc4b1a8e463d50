"""Spools of versions before 0.2.0: lines of JSON, moved into the queue when somebody looks at it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec

from tracker.application.requests import AddNote, DeclareIncident, RecordChange, RecordEvent
from tracker.application.spool.entries import Spoolable, delivery
from tracker.application.spool.files import ALL, locked, opened, path_of


def take_over(store: str) -> None:
    """Move what a version before 0.2.0 kept as lines of JSON into the queue."""
    path = path_of(store).with_suffix(".jsonl")
    for file, is_refused in ((path, False), (path.with_suffix(".refused.jsonl"), True)):
        if not file.exists():
            continue
        with locked(store):
            lines = [line for line in file.read_bytes().split(b"\n") if line.strip()] if file.exists() else []
            with opened(store) as queue:
                for line in lines:
                    body, config, reason = _from_old_line(line)
                    queue.put([delivery(body, config, 0)])
                    if is_refused:
                        queue.park(queue.waiting(ALL)[-1].number, reason)
            file.unlink(missing_ok=True)


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
