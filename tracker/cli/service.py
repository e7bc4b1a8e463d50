"""Add an affected service to an incident, or remove one."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import AddService, RemoveService
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome

EXAMPLE = "example:  tracker service INC-42 add payments-db"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("action", choices=("add", "remove"), help="what to do")
    parser.add_argument("service", metavar="S", help="the service")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = AddService if arguments.action == "add" else RemoveService
    outcome = record(
        session,
        request(incident=arguments.incident, service=arguments.service, by=session.author, at=arguments.at),
    )
    done = "added" if arguments.action == "add" else "removed"
    return answer_outcome(
        arguments, outcome, f"{outcome.incident}: {arguments.service} {done} by {session.author}"
    )
