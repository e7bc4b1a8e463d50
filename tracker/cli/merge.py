"""Merge an incident into another one, which continues; all rows move there."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle

EXAMPLE = "example:  tracker merge INC-43 --into INC-42 --why 'same pool'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take both incidents and the reason."""
    add_incident(parser)
    parser.add_argument("--into", metavar="INC", required=True, help="the incident that continues")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident, into = session.incident(arguments.incident), session.incident(arguments.into)
    at, by = session.instant(arguments.at), session.author
    recording = session.decide(
        incident.id, lambda held: [lifecycle.merge(held, into, by=by, at=at, why=arguments.why)]
    )
    said = f"{incident.id} is part of {into.id} from now on, says {by}"
    return session.answer(recording, said, {"incident": into.id, "merged": incident.id})
