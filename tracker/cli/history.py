"""Show an event and everything recorded about it later: amendments, links, retractions."""

import argparse

import msgspec

from reports.wording.headlines import detail, headline
from tracker.application.session import Session
from tracker.cli.common import add_reading, write_json
from tracker.text.terminal import printable, table
from tracker.times import utc

EXAMPLE = "example:  tracker history 7f1dmbv"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    target = session.event(arguments.event, up_to)
    found = session.log.with_corrections([target], up_to)
    if arguments.json:
        entries = [
            {
                "event": each.id,
                "kind": each.event.TOPIC,
                "occurred_at": each.event.occurred_at,
                "recorded_at": each.recorded_at,
                "position": each.position,
                "by": getattr(each.event, "decided_by", None) or each.arrival.reported_by,
                "title": headline(each.event),
                "why": getattr(each.event, "why", None),
                "origin": each.arrival.origin and msgspec.to_builtins(each.arrival.origin),
                "fields": msgspec.to_builtins(each.event),
            }
            for each in found
        ]
        write_json({"event": target.id, "entries": entries})
        return 0
    rows = []
    for each in found:
        by = (
            getattr(each.event, "decided_by", None)
            or each.arrival.reported_by
            or getattr(each.event, "source", "")
        )
        said = detail(each.event)
        rows.append((each.handle, utc(each.recorded_at), printable(str(by)), printable(headline(each.event))))
        if origin := each.arrival.origin:
            at = f"log {printable(origin.log)} at position {origin.position}"
            rows.append(("", "", "", f"imported from {at}"))
        if said and each is not target:
            rows.append(("", "", "", f"reason: {printable(said)}"))
    print(table(rows), end="")
    return 0
