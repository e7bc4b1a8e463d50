"""Correct a recorded event. `tracker history` still shows the old value."""

import argparse
from datetime import date

from tracker.application.recording import record
from tracker.application.requests import AmendEvent
from tracker.application.session import Session
from tracker.cli.common import add_json, add_zone, answer_outcome
from tracker.decisions.due_dates import spelled
from tracker.errors import UsageError
from tracker.times import utc

EXAMPLE = "example:  tracker amend 7f1dmbv --at 14:41Z --why 'read the clock of the wrong host'"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--at", metavar="T", help="the correct time")
    parser.add_argument("--text", metavar="TEXT", help="the correct text of a note or action item")
    parser.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], help="the correct value of another field"
    )
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_zone(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    changes: dict[str, str | None] = {}
    for assignment in arguments.set:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"amend: --set {assignment!r} has no =", hint="--set version=v1.2.1")
        changes[name.strip()] = value or None
    if arguments.text is not None:
        changes["text"] = arguments.text
    by = session.author
    outcome = record(
        session,
        AmendEvent(event=arguments.event, changes=changes, why=arguments.why, by=by, at=arguments.at),
    )
    handle, new_at, due_on = outcome.handle, outcome.facts["new_at"], outcome.facts["due_on"]
    day = f"; now due {spelled(date.fromisoformat(due_on))}" if due_on else ""
    moved = f"; now at {utc(new_at)}" if new_at else ""
    return answer_outcome(
        arguments,
        outcome,
        f"{handle} amended by {by}{moved}{day}; the old value: tracker history {handle}",
    )
