"""Say that the incident is over. Time attaches facts until a day after this."""

import argparse

from tracker.application.session import Workspace
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


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Record it."""
    incident = workspace.incident(arguments.incident)
    at, by = workspace.instant(arguments.at, incident), workspace.who
    recording = workspace.decide(
        incident.id, lambda held: [lifecycle.resolve(held, by=by, at=at, resolution=arguments.resolution)]
    )
    said = f"{incident.id} is resolved ({arguments.resolution}) at {utc(at.at)}, says {by}"
    workspace.log.seal()
    return workspace.answer(recording, said, {"incident": incident.id})
