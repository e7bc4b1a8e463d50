"""Add an affected service to an incident, or remove one."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle

EXAMPLE = "example:  tracker service INC-42 add payments-db"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to do with which service."""
    add_incident(parser)
    parser.add_argument("action", choices=("add", "remove"))
    parser.add_argument("service", metavar="S")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    service = session.service(arguments.service) if arguments.action == "add" else arguments.service
    decide = lifecycle.add_service if arguments.action == "add" else lifecycle.remove_service
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(incident.id, lambda held: [decide(held, service, by=by, at=at)])
    said = f"{incident.id}: {service} {'added' if arguments.action == 'add' else 'removed'} by {by}"
    return session.answer(recording, said, {"incident": incident.id})
