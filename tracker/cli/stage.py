"""Set the stage of the work: investigating, identified, fixing or monitoring."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.events.incidents import STAGES

EXAMPLE = "example:  tracker stage INC-42 identified"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("stage", choices=STAGES)
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(
        incident.id, lambda held: [lifecycle.change_stage(held, arguments.stage, by=by, at=at)]
    )
    said = f"{incident.id} is {arguments.stage}, says {by}"
    return session.answer(recording, said, {"incident": incident.id})
