"""Resolve an incident. Events of its services are attached to it until one day later."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.events.incidents import RESOLUTIONS
from tracker.times import utc

EXAMPLE = "example:  tracker resolve INC-42 --at 15:15Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("--as", dest="resolution", choices=RESOLUTIONS, default="fixed")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(
        incident.id, lambda held: [lifecycle.resolve(held, by=by, at=at, resolution=arguments.resolution)]
    )
    said = f"{incident.id} is resolved ({arguments.resolution}) at {utc(at.at)}, says {by}"
    session.log.seal()
    return session.answer(recording, said, {"incident": incident.id})
