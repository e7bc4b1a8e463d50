"""Set the incident lead."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import ChangeLead
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome

EXAMPLE = "example:  tracker lead INC-42 alice"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("lead", metavar="NAME", help="the incident lead")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = ChangeLead(
        incident=arguments.incident,
        lead=arguments.lead,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments, outcome, f"{outcome.incident} is led by {arguments.lead}, set by {session.author}"
    )
