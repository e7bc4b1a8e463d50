"""Show one incident, or one event with the payload that it was read from."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.cli import posting
from tracker.cli.common import add_reading, plain, printable, table, write_json
from tracker.cli.list import described, message_due, message_owed, next_step
from tracker.cli.workspace import Workspace
from tracker.errors import BadInputError
from tracker.times import spoken, utc

if TYPE_CHECKING:
    from projections.messages import Message
    from tracker.events.base import Recorded

EXAMPLE = "example:  tracker show INC-42        tracker show 7f1dmbv --raw"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to show."""
    parser.add_argument(
        "what", metavar="INC|EVENT", help="an incident, a handle, a full id, or SERVICE@VERSION"
    )
    parser.add_argument("--raw", action="store_true", help="the piece of the payload that it was read from")
    parser.add_argument("-o", "--output", metavar="FILE", help="write them to a file (- is stdout)")
    add_reading(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Find out which it is."""
    prefix = workspace.settings.tracker.prefix.lower()
    typed = arguments.what.strip()
    is_incident = typed == "." or _is_number(typed, prefix) or (typed.isdigit() and len(typed) < 7)
    upto = workspace.cut()
    return _incident(arguments, workspace, upto) if is_incident else _event(arguments, workspace, upto)


def _is_number(typed: str, prefix: str) -> bool:
    """Whether this names an incident: of ours, or one with another log's prefix."""
    return typed.lower().startswith(prefix + "-") or ("-" in typed and "@" not in typed)


def _incident(arguments: argparse.Namespace, workspace: Workspace, upto: int | None) -> int:
    from projections.durations import durations, shown
    from projections.updates import messages_of

    incident = workspace.incident(arguments.what, upto)
    measured = durations(incident, workspace.facts_of(incident, upto))
    told = messages_of(incident)
    if arguments.json:
        owed, _ = message_owed(workspace, incident, upto)
        write_json(
            {
                **described(incident),
                "durations": measured,
                "messages": [posting.described(each) for each in told],
                "next_message": owed and {"kind": owed.kind, "due_at": owed.due_at},
                "position": incident.last_position,
            }
        )
        return 0
    print(f"{incident.id}  {printable(incident.title)}")
    rows = [
        ("status", _status(incident)),
        ("severity", incident.severity),
        ("services", ", ".join(incident.services)),
        ("lead", incident.lead or "nobody yet"),
        ("impact", printable(incident.impact or "not recorded")),
    ]
    rows += [("imported", printable(each)) for each in _imports(workspace, incident.id, upto)]
    print(table(rows, indent="  "), end="")
    for name, duration in shown(measured).items():
        said = duration.said()
        print(f"  {name.replace('_', ' '):<20} {said}")
    for each in told:
        print(f"  {_message(each)}")
    reminder = message_due(workspace, incident, upto)
    if reminder is not None:
        print(f"Next: {reminder}")
    print(
        f"Next: {next_step(incident)}"
        if incident.resolved_at is None
        else f"Next: tracker report {incident.id}"
    )
    return 0


def _imports(workspace: Workspace, incident: str, upto: int | None) -> list[str]:
    """Say from which logs an incident came."""
    from tracker.cli.provenance import imports_of
    from tracker.events.bundles import BundleImported

    return [
        f"from log {each.event.log}, as of its position {each.event.position}"
        + (f", where it is {each.event.was}" if each.event.was != each.event.number else "")
        + f", by {each.event.decided_by}"
        for each in imports_of(workspace, incident, upto)
        if isinstance(each.event, BundleImported)
    ]


def _message(told: "Message") -> str:
    """Say what became of a message in a line."""
    if told.sent_at is not None:
        by = f"by hand by {told.by}" if told.by_hand else f"to Slack, said by {told.by}"
        promise = f", promising {utc(told.eta)}" if told.eta else ""
        return f"{told.kind} message posted at {utc(told.sent_at)} {by}{promise}"
    became = {
        "waiting": "waits in the outbox",
        "posting": "is being posted",
        "failed": "was not posted",
        "unsure": "may have been posted, or not",
        "retracted": "was retracted",
    }[told.state.value]
    why = f": {printable(told.reason)}" if told.reason else ""
    return f"{told.kind} message {became}{why}"


def _status(incident: Any) -> str:
    if incident.merged_into:
        return f"merged into {incident.merged_into}"
    if incident.resolved_at:
        lasted = spoken((incident.resolved_at - incident.begins_at).total_seconds())
        return f"resolved ({incident.resolution}) at {utc(incident.resolved_at)} by {incident.resolved_by}, after {lasted}"
    return f"open since {utc(incident.begins_at)}" + (f", {incident.stage}" if incident.stage else "")


def _event(arguments: argparse.Namespace, workspace: Workspace, upto: int | None) -> int:
    import msgspec

    from projections.wording import detail, headline
    from tracker.events.corrections import effective

    recorded = workspace.event(arguments.what, upto)
    payload = workspace.log.payloads([recorded.position]).get(recorded.position, b"")
    if arguments.raw or arguments.output:
        if not payload:
            raise BadInputError(
                f"{recorded.handle} came without a payload: {_origin(recorded)}",
                hint=f"tracker show {recorded.handle}",
            )
        return _write(payload, arguments.output)
    found = effective(workspace.log.with_corrections([recorded], upto))[recorded.id]
    arrival = recorded.arrival
    answer = {
        "event": recorded.id,
        "kind": recorded.event.TOPIC,
        "title": headline(found.event),
        "detail": detail(found.event),
        "occurred_at": found.event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "position": recorded.position,
        "version": recorded.version,
        "digest": recorded.digest,
        "amended": bool(found.amendments),
        "retracted": found.retraction is not None,
        "arrival": msgspec.to_builtins(arrival),
        "fields": msgspec.to_builtins(found.event),
        "payload_bytes": len(payload),
        "raw": _text(payload),
    }
    if arguments.json:
        write_json(answer)
        return 0
    print(f"{recorded.handle}  {printable(headline(found.event))}")
    rows = [
        ("id", recorded.id),
        ("kind", recorded.event.TOPIC),
        ("occurred", utc(found.event.occurred_at)),
        ("recorded", f"{utc(recorded.recorded_at)} at position {recorded.position}"),
    ]
    if arrival.via or arrival.reported_by:
        rows.append(("came by", " ".join(part for part in (arrival.via, arrival.reported_by) if part)))
    if arrival.origin is not None:
        there = f", as {arrival.origin.event}" if arrival.origin.event else ""
        rows.append(
            ("first in", f"log {printable(arrival.origin.log)} at position {arrival.origin.position}{there}")
        )
    if found.retraction is not None:
        rows.append(("retracted", f"see: tracker history {recorded.handle}"))
    elif found.amendments:
        rows.append(("amended", f"{len(found.amendments)} times, see: tracker history {recorded.handle}"))
    print(table(rows, indent="  "), end="")
    fields = {k: v for k, v in plain(msgspec.to_builtins(found.event)).items() if v not in (None, "", [], {})}
    for name, value in fields.items():
        print(
            f"    {name} = {printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}"
        )
    if payload:
        print(f"  payload: {len(payload)} bytes, see: tracker show {recorded.handle} --raw")
    return 0


_ORIGINS = {
    "typed": "it was typed",
    "run": "it was seen by tracker run",
    "spool": "it was typed while the store was away",
    "poll": "it was read from {source}",
    "file": "it was read from a file of {source}",
    "webhook": "it was sent by {source}",
}


def _origin(recorded: "Recorded") -> str:
    """Say how an event came."""
    source = printable(str(getattr(recorded.event, "source", "") or "its source"))
    via = recorded.arrival.via
    return _ORIGINS.get(via, f"it came by {printable(via)}" if via else "it was typed").format(source=source)


def _text(payload: bytes) -> str | None:
    if not payload:
        return None
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _write(payload: bytes, output: str | None) -> int:
    if output and output != "-":
        try:
            Path(output).write_bytes(payload)
        except OSError as wrong:
            raise BadInputError(
                f"{output}: cannot be written: {wrong.strerror}", hint="Name another place: -o FILE"
            ) from wrong
        print(output)
        return 0
    sys.stdout.flush()
    sys.stdout.buffer.write(payload)
    if sys.stdout.isatty() and not payload.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    return 0
