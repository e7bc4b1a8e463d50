"""Merge an incident into another one, which continues and shows the events of both."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import MergeIncident
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome

EXAMPLE = "example:  tracker merge INC-43 --into INC-42 --why 'same pool'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("--into", metavar="INC", required=True, help="the incident that continues")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = MergeIncident(
        incident=arguments.incident,
        into=arguments.into,
        why=arguments.why,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.keys['merged']} is part of {outcome.incident} from now on, merged by {session.author}",
    )
