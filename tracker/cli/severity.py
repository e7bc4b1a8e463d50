"""Change an incident's severity, with the reason."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import ChangeSeverity
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.events.incidents import SEVERITIES

EXAMPLE = "example:  tracker severity INC-42 major --why 'only retries fail now'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("severity", choices=SEVERITIES, help="the new severity")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = ChangeSeverity(
        incident=arguments.incident,
        severity=arguments.severity,
        why=arguments.why,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments, outcome, f"{outcome.incident} is {arguments.severity}, set by {session.author}"
    )
