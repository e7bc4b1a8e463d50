"""Add an action item, or mark one as done.

An item has one owner, who is a person, and a due date. It is due until the end of that day in the
time zone of --at-tz or TRACKER_TZ (default UTC). To change an item: `tracker amend ACTION --set
due=… --set owner=… --text …`. To reopen one that was marked as done by mistake, retract that event:
`tracker retract EVENT`.
"""

import argparse
from collections.abc import Callable
from typing import Any

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions.action_items import add_action, complete, owner_of, require_item
from tracker.decisions.due_dates import due, spelled
from tracker.events.base import handle_of
from tracker.times import utc

EXAMPLE = """examples:
  tracker action add INC-42 "Alert on the pool's connections" --owner john --due tomorrow
  tracker action done 7f1dmbv --proof https://git.example.org/shop/pull/77"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do."""
    ways = parser.add_subparsers(dest="way", metavar="add|done", required=True)
    add = _way(ways, "add", "add an action item with an owner and a due date", _add)
    add_incident(add)
    add.add_argument("text", metavar="TEXT", help="what has to be done")
    add.add_argument("--owner", metavar="NAME", required=True, help="the person responsible")
    add.add_argument(
        "--due",
        metavar="DATE",
        required=True,
        help='2026-12-01, tomorrow, friday, "next friday", "in 2 weeks"',
    )
    add_recording(add)
    done = _way(ways, "done", "mark an action item as done, with proof", _done)
    done.add_argument("action", metavar="ACTION", help="the item's handle or full id")
    done.add_argument(
        "--proof",
        metavar="URL",
        required=True,
        help="where to see that it is done: a URL, a commit, a handle",
    )
    add_recording(done)


def _way(ways: Any, name: str, said: str, act: Callable[..., int]) -> argparse.ArgumentParser:
    example = next(line.strip() for line in EXAMPLE.splitlines() if f"action {name} " in line)
    found: argparse.ArgumentParser = ways.add_parser(
        name,
        help=said,
        description=f"{said[0].upper()}{said[1:]}.",
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    found.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    found.add_argument("--store", metavar="FILE|URL", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    found.set_defaults(act=act)
    return found


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Do it."""
    act: int = arguments.act(arguments, session)
    return act


def _add(arguments: argparse.Namespace, session: Session) -> int:
    incident = session.incident(arguments.incident)
    owner = owner_of(arguments.owner)
    at, by = session.instant(arguments.at, incident), session.author
    day = due(arguments.due, at=at.at, zone=session.typed_zone)
    recording = session.decide(
        incident.id,
        lambda held: [add_action(held, arguments.text, owner=owner, due=day, by=by, at=at)],
    )
    event = (recording.recorded + recording.known)[0]
    what = "promised" if recording.recorded else "already known"
    said = (
        f"{handle_of(event)} {what} on {incident.id}: {owner}, due {spelled(day.on)} (until the end of that day in "
        f"{day.zone_name}), says {by}\nWhen it is done: tracker action done {handle_of(event)} --proof URL"
    )
    extra = {
        "incident": incident.id,
        "event": event,
        "owner": owner,
        "due_on": day.on,
        "due_said": day.said,
        "due_zone": day.zone_name,
    }
    return session.answer(recording, said, extra)


def _done(arguments: argparse.Namespace, session: Session) -> int:
    target = session.event(arguments.action)
    item = require_item(target)
    name = item.incident or ""
    incident = session.incident(name)
    # It was done after it was promised, mostly long after the incident: a clock time is the latest one since.
    at = session.instant(arguments.at, around=(item.occurred_at, session.now))
    by = session.author
    recording = session.decide(
        name, lambda held: [complete(held, target, proof=arguments.proof, by=by, at=at)]
    )
    where = f" (merged into {incident.merged_into})" if incident.merged_into else ""
    said = f"{target.handle} of {name}{where} was done at {utc(at.at)}, says {by}; proof: {arguments.proof.strip()}"
    return session.answer(recording, said, {"incident": name, "event": target.id})
