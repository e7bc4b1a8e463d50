"""Resolve an incident. Events of its services are attached to it until one day later."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import ResolveIncident
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.events.incidents import RESOLUTIONS
from tracker.times import utc

EXAMPLE = "example:  tracker resolve INC-42 --at 15:15Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "--as", dest="resolution", choices=RESOLUTIONS, default="fixed", help="how it ended (default fixed)"
    )
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = ResolveIncident(
        incident=arguments.incident,
        resolution=arguments.resolution,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.incident} resolved ({arguments.resolution}) at {utc(outcome.at)} by {session.author}",
    )
