"""Remove an event from an incident. The event stays in the log."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import UnlinkEvent
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome

EXAMPLE = "example:  tracker unlink INC-42 7f1dmbv --why 'another team was testing'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = UnlinkEvent(
        incident=arguments.incident,
        event=arguments.event,
        why=arguments.why,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.handle} unlinked from {outcome.incident} by {session.author}",
    )
