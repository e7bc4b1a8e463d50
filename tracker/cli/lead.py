"""Set the incident lead."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle

EXAMPLE = "example:  tracker lead INC-42 alice"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("lead", metavar="NAME", help="the lead")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(
        incident.id, lambda held: [lifecycle.change_lead(held, arguments.lead, by=by, at=at)]
    )
    said = f"{incident.id} is led by {arguments.lead}, says {by}"
    return session.answer(recording, said, {"incident": incident.id})
