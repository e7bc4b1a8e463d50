"""Retract a recorded event: it no longer appears in any answer, and `tracker history` still shows it."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import RetractEvent
from tracker.application.session import Session
from tracker.cli.common import add_json, answer_outcome

EXAMPLE = "example:  tracker retract 7f1dmbv --why 'typed into the wrong incident'"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    by = session.author
    outcome = record(session, RetractEvent(event=arguments.event, why=arguments.why, by=by))
    return answer_outcome(arguments, outcome, f"{outcome.handle} retracted by {by}")
