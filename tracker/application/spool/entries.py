"""One entry of the spool: a request with its instant and author fixed, as bytes, in words, and as JSON."""

import hashlib
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from tracker.application.requests import AddNote, DeclareIncident, RecordChange, RecordEvent
from tracker.errors import BadInputError
from tracker.events.base import Incoming, decode, encode, encode_arrival
from tracker.inbox.queue import Delivery, QueuedDelivery
from tracker.times import utc

Spoolable: TypeAlias = DeclareIncident | AddNote | RecordChange | RecordEvent


def request_of(incoming: Incoming) -> RecordEvent:
    arrival = encode_arrival(incoming.arrival)
    return RecordEvent(topic=incoming.event.TOPIC, state=encode(incoming.event), arrival=arrival)


def delivery(body: bytes, config: str, received_us: int) -> Delivery:
    key = hashlib.sha256(body).hexdigest()[:24]
    return Delivery(route="request", source=config, key=key, received_us=received_us, headers={}, body=body)


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
