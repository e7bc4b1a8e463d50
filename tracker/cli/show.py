"""Show one incident, or one event and the payload it was read from."""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from projections.dossier import Dossier
from projections.durations import shown as known_durations
from projections.messages import Message
from projections.outages import outages
from projections.review import ReportStatus
from reports.wording import durations as durations_words
from reports.wording import procedure as words
from reports.wording import since as since_words
from reports.wording.actions import ledger_line, status
from reports.wording.channels import shown_channel
from reports.wording.headlines import detail, headline
from reports.wording.impact import impact_in_words
from reports.wording.timeline import redaction
from tracker.application import action_items
from tracker.application.incident_json import ShownIncident, incident_json, shown_incident
from tracker.application.json_values import plain
from tracker.application.session import Session
from tracker.application.since import news_since
from tracker.cli.common import add_reading, say, write_json
from tracker.cli.list import next_step
from tracker.cli.timeline import described as entry_json
from tracker.cli.timeline import rendered
from tracker.errors import BadInputError, UsageError
from tracker.events.actions import ActionAdded
from tracker.events.base import Recorded, handle_of
from tracker.events.bundles import BundleImported
from tracker.events.corrections import effective
from tracker.events.incidents import UNKNOWN
from tracker.incident import Incident
from tracker.log.private_files import create_private
from tracker.text.shell import word
from tracker.text.terminal import printable, table
from tracker.times import utc

_CANDIDATES = 5

EXAMPLE = """examples:
  tracker show INC-42
  tracker show INC-42 --since 10m-ago
  tracker show 7f1dmbv --raw"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="INC|EVENT", help="an incident, or an event (a handle, a full id, or SERVICE@VERSION)"
    )
    parser.add_argument("--raw", action="store_true", help="print the piece of the payload it was read from")
    parser.add_argument("-o", "--output", metavar="FILE", help="write that piece to a file (- is stdout)")
    parser.add_argument(
        "--since",
        metavar="T|HANDLE",
        help="only what is new of the incident since this instant, event or position of the log, corrections included",
    )
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    prefix = session.settings.tracker.prefix.lower()
    typed = arguments.what.strip()
    is_incident = typed == "." or _is_number(typed, prefix) or (typed.isdigit() and len(typed) < 7)
    up_to = session.position_limit()
    if arguments.since is not None:
        if not is_incident:
            raise UsageError("show: --since is for an incident", hint="tracker show INC-42 --since 5m-ago")
        return _since(arguments, session, up_to)
    return _incident(arguments, session, up_to) if is_incident else _event(arguments, session, up_to)


def _since(arguments: argparse.Namespace, session: Session, up_to: int | None) -> int:
    """Print what is new since an instant, an event or a position."""
    incident = session.incident(arguments.what, up_to)
    news, since = news_since(session, incident, arguments.since, up_to)
    if arguments.json:
        write_json(
            {
                "incident": incident.id,
                "since": {"position": news.after},
                "position": news.up_to,
                "entries": [{**entry_json(row.entry), "new": row.news != "more"} for row in news.rows],
                "left": [row.event for row in news.left],
            }
        )
        return 0
    print(since_words.heading(incident.id, news, since))
    beginnings = {row.entry.event: since_words.beginning(row) for row in news.rows}
    if news.rows:
        rows = [row.entry for row in news.rows]
        print(rendered(rows, session.shown_zone, "recorded", beginnings), end="")
    if left := since_words.left(news):
        print(left)
    say(since_words.next_time(incident.id, news))
    return 0


def _is_number(typed: str, prefix: str) -> bool:
    """Whether this names an incident: of ours, or one with another log's prefix."""
    return typed.lower().startswith(prefix + "-") or ("-" in typed and "@" not in typed)


def _incident(arguments: argparse.Namespace, session: Session, up_to: int | None) -> int:
    incident = session.incident(arguments.what, up_to)
    shown = shown_incident(session, incident, up_to)
    if arguments.json:
        write_json(incident_json(shown))
        return 0
    stands = shown.report
    print(f"{incident.id}  {printable(incident.title)}")
    rows = [
        ("status", _status(incident)),
        ("severity", "not recorded" if incident.severity == UNKNOWN else incident.severity),
        ("services", ", ".join(incident.services) or "not recorded"),
        ("lead", incident.lead or "not recorded"),
        ("impact", printable(impact_in_words(incident) or "not recorded")),
        ("report", _report(stands)),
    ]
    rows += [("imported", printable(each)) for each in _imports(shown.known)]
    rows += [("imported", f"from {printable(incident.record)}")] if incident.record else []
    print(table(rows, indent="  "), end="")
    for name, duration in known_durations(shown.durations).items():
        print(
            f"  {name.replace('_', ' '):<20} {durations_words.value(duration)}   ({durations_words.formula(duration)})"
        )
    for each in shown.messages:
        print(f"  {_message(each)}")
    _print_items(shown)
    for each_due in shown.due:
        print(f"Next: {printable(words.due(each_due))}")
    if incident.resolved_at is None:
        print(f"Next: {next_step(incident)}")
    elif not any(each_due.rule == "report_written" for each_due in shown.due):
        print(f"Next: {_next_for(stands, incident.id)}")
    return 0


def _print_items(shown: ShownIncident) -> None:
    """Print what is promised, what would have prevented it, and what by time and service alone might have."""
    incident, now, own, earlier = shown.incident, shown.now, shown.actions, shown.earlier
    for item in own:
        where = "" if item.incident == incident.id else f" (of {item.incident})"
        state = f"done, {item.proof}" if item.done_at else status(item.standing(now))
        told = f"{item.text}   ({item.owner}, due {item.due_on}, {state})"
        print(f"  action item {item.handle}{where}: {printable(told)}")
    for item in [*own, *shown.preventing]:
        for said in item.prevented:
            if item in own or said.incident == incident.id:
                line = f"{ledger_line(item, said)}, says {said.by}: {said.why}"
                print(f"  {printable(line)}")
    if earlier:
        services = ", ".join(incident.services)
        print(f"  open items of earlier incidents of {printable(services)} when this one began:")
        rows = [
            (each.handle, each.incident, f"due {each.due_on}", each.owner, each.text)
            for each in earlier[:_CANDIDATES]
        ]
        print(table(rows, indent="    "), end="")
        if len(earlier) > _CANDIDATES:
            print(f"    and {len(earlier) - _CANDIDATES} more: tracker actions --open")
        command = f"tracker link {incident.id} {earlier[0].handle} --why …"
        print(f"    These are candidates. If one would have prevented this incident: {command}")


def _report(stands: "ReportStatus") -> str:
    """Say where the report stands in a line."""
    published = (
        f"published at {utc(stands.published_at)} by {stands.published_by} ({handle_of(stands.event or '')})"
        if stands.published_at
        else ""
    )
    if stands.state.value == "amended":
        events = "1 event" if stands.changes_since == 1 else f"{stands.changes_since} events"
        return f"{published}; {events} recorded since"
    if published:
        return published
    if stands.reviewed_at is None:
        return "draft: not reviewed yet"
    return f"in review: reviewed by {stands.reviewed_by} at {utc(stands.reviewed_at)}"


def _next_for(stands: "ReportStatus", name: str) -> str:
    return {
        "draft": f"tracker report {word(name)}   ·   tracker review {word(name)}",
        "review": f"tracker report {word(name)}   ·   tracker publish {word(name)}",
        "published": f"tracker show {handle_of(stands.event or '')} --raw",
        "amended": f"tracker report {word(name)} --diff published   ·   tracker publish {word(name)}",
    }[stands.state.value]


def _imports(known: Dossier) -> list[str]:
    """Say from which logs an incident came."""
    return [
        f"from log {each.event.log}, as of its position {each.event.position}"
        + (f", where it is {each.event.was}" if each.event.was != each.event.number else "")
        + f", by {each.event.decided_by}"
        for each in known.imports
        if isinstance(each.event, BundleImported)
    ]


def _message(told: "Message") -> str:
    """Say what became of a message in a line."""
    if told.sent_at is not None:
        by = (
            f"by hand by {told.by}"
            if told.by_hand
            else f"to {shown_channel(told.channel)}, sent by {told.by}"
        )
        promise = f", promising {utc(told.eta)}" if told.eta else ""
        return f"{told.kind} message posted at {utc(told.sent_at)} {by}{promise}"
    became = {
        "waiting": "is waiting in the outbox",
        "posting": "is being posted",
        "failed": "was not posted",
        "unsure": "may or may not have been posted",
        "retracted": "was retracted",
    }[told.state.value]
    why = f": {printable(told.reason)}" if told.reason else ""
    return f"{told.kind} message to {shown_channel(told.channel)} {became}{why}"


def _status(incident: Incident) -> str:
    if incident.merged_into:
        return f"merged into {incident.merged_into}"
    if incident.resolved_at:
        lasted = durations_words.open_for(incident)
        after = f", after {lasted}" if lasted else ""
        if incident.resolution == UNKNOWN:
            end = outages(incident)[-1].resolved
            says = f"as far as {incident.resolved_by} says"
            if end is None or end.is_unknown:
                return f"resolved, {says}; when and how is not recorded"
            return f"resolved at {utc(incident.resolved_at)}, {says}; how is not recorded"
        return f"resolved ({incident.resolution}) at {utc(incident.resolved_at)} by {incident.resolved_by}{after}"
    stage = f", {incident.stage}" if incident.stage else ""
    if incident.reopened_at is not None:
        return f"open again since {utc(incident.reopened_at)}, first since {utc(incident.begins_at)}{stage}"
    return f"open since {utc(incident.begins_at)}{stage}"


def _event(arguments: argparse.Namespace, session: Session, up_to: int | None) -> int:
    recorded = session.event(arguments.what, up_to)
    payload = session.log.payloads([recorded.position]).get(recorded.position, b"")
    if arguments.raw or arguments.output:
        if recorded.redacted is not None:
            raise BadInputError(
                f"{recorded.handle} was {redaction(recorded.redacted)}",
                hint=f"See what remains: tracker show {recorded.handle}",
            )
        if not payload:
            raise BadInputError(
                f"{recorded.handle} has no payload: {_origin(recorded)}",
                hint=f"tracker show {recorded.handle}",
            )
        return _write(payload, arguments.output)
    found = effective(session.log.with_corrections([recorded], up_to))[recorded.id]
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
        "redacted": recorded.redacted and msgspec.to_builtins(recorded.redacted),
        "arrival": msgspec.to_builtins(arrival),
        "fields": msgspec.to_builtins(found.event),
        "payload_bytes": len(payload),
        "raw": _text(payload),
    }
    now = session.now if up_to is None else session.log.recorded_at(up_to) or session.now
    items = action_items.items_of(session, up_to) if isinstance(recorded.event, ActionAdded) else []
    item = next((each for each in items if each.event == recorded.id), None)
    if item is not None:
        answer["action"] = action_items.described(item, now)
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
        rows.append(("arrived by", " ".join(part for part in (arrival.via, arrival.reported_by) if part)))
    if recorded.redacted is not None:
        rows.append(("redacted", printable(redaction(recorded.redacted).removeprefix("redacted "))))
    if arrival.origin is not None:
        there = f", as {arrival.origin.event}" if arrival.origin.event else ""
        rows.append(
            ("origin", f"log {printable(arrival.origin.log)} at position {arrival.origin.position}{there}")
        )
    if found.retraction is not None:
        rows.append(("retracted", f"see: tracker history {recorded.handle}"))
    elif found.amendments:
        rows.append(("amended", f"{len(found.amendments)} times, see: tracker history {recorded.handle}"))
    if item is not None:
        done = f"done at {utc(item.done_at)} by {item.done_by}; proof: {item.proof}" if item.done_at else ""
        rows.append(("state", done or status(item.standing(now))))
        rows += [
            ("", printable(f"{ledger_line(item, said)}, says {said.by}: {said.why}"))
            for said in item.prevented
        ]
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
    "run": "it was recorded by tracker run",
    "spool": "it was typed while the store was unreachable",
    "poll": "it was read from {source}",
    "file": "it was read from a file of {source}",
    "webhook": "it was sent by {source}",
}


def _origin(recorded: "Recorded") -> str:
    """Say how an event came."""
    source = printable(str(getattr(recorded.event, "source", "") or "its source"))
    via = recorded.arrival.via
    return _ORIGINS.get(via, f"it arrived by {printable(via)}" if via else "it was typed").format(
        source=source
    )


def _text(payload: bytes) -> str | None:
    if not payload:
        return None
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _write(payload: bytes, output: str | None) -> int:
    if output and output != "-":
        create_private(output)
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
