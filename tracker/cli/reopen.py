"""Say that the incident is not over."""

import argparse

from tracker.cli.common import add_incident, add_recording
from tracker.cli.workspace import Workspace

EXAMPLE = "example:  tracker reopen INC-42 --why 'errors are back'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("--why", metavar="TEXT", required=True)
    add_recording(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Record it."""
    from tracker import decisions

    incident = workspace.incident(arguments.incident)
    at, by = workspace.instant(arguments.at), workspace.who
    recording = workspace.decide(
        incident.id, lambda held: [decisions.reopen(held, by=by, at=at, why=arguments.why)]
    )
    said = f"{incident.id} is open again, says {by}"
    return workspace.answer(recording, said, {"incident": incident.id})
