"""Change an incident's severity, with the reason."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.events.incidents import SEVERITIES

EXAMPLE = "example:  tracker severity INC-42 major --why 'only retries fail now'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("severity", choices=SEVERITIES)
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(
        incident.id,
        lambda held: [lifecycle.change_severity(held, arguments.severity, by=by, at=at, why=arguments.why)],
    )
    said = f"{incident.id} is {arguments.severity}, says {by}"
    return session.answer(recording, said, {"incident": incident.id})
