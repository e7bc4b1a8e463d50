"""Reopen a resolved incident."""

import argparse
from datetime import timedelta

from tracker.application.recording import record
from tracker.application.requests import ReopenIncident
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.times import utc

DAY = timedelta(days=1)

EXAMPLE = "example:  tracker reopen INC-42 --why 'errors are back'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = ReopenIncident(
        incident=arguments.incident,
        why=arguments.why,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments, outcome, f"{outcome.incident} reopened at {utc(outcome.at)} by {session.author}"
    )
