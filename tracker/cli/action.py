"""Add an action item, or mark one as done.

An item has one owner, who is a person, and a due date. It is due until the end of that day in the
time zone of --at-tz or TRACKER_TZ (default UTC). To change an item: `tracker amend ACTION --set
due=… --set owner=… --text …`. To reopen one that was marked as done by mistake, retract that event:
`tracker retract EVENT`.
"""

import argparse
from collections.abc import Callable
from typing import Any

from tracker.application.recording import record
from tracker.application.requests import AddAction, CompleteAction
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.decisions.due_dates import spelled
from tracker.times import utc

EXAMPLE = """examples:
  tracker action add INC-42 "Alert on the pool's connections" --owner john --due tomorrow
  tracker action done 7f1dmbv --proof https://git.example.org/shop/pull/77"""


def arguments(parser: argparse.ArgumentParser) -> None:
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
    act: int = arguments.act(arguments, session)
    return act


def _add(arguments: argparse.Namespace, session: Session) -> int:
    by = session.author
    outcome = record(
        session,
        AddAction(
            incident=arguments.incident,
            text=arguments.text,
            owner=arguments.owner,
            due=arguments.due,
            by=by,
            at=arguments.at,
        ),
    )
    keys, handle = outcome.keys, outcome.handle
    what = "added to" if outcome.is_new else "already on"
    return answer_outcome(
        arguments,
        outcome,
        f"{handle} {what} {outcome.incident}: {keys['owner']}, due {spelled(keys['due_on'])} (until the end of "
        f"that day in {keys['due_zone']}), by {by}\nWhen it is done: tracker action done {handle} --proof URL",
    )


def _done(arguments: argparse.Namespace, session: Session) -> int:
    by = session.author
    outcome = record(
        session, CompleteAction(action=arguments.action, proof=arguments.proof, by=by, at=arguments.at)
    )
    into = outcome.facts["merged_into"]
    where = f" (merged into {into})" if into else ""
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.handle} of {outcome.incident}{where} done at {utc(outcome.at)}, recorded by {by}; "
        f"proof: {arguments.proof.strip()}",
    )
