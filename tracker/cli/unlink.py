"""Remove an event from an incident, or with --as take back one role that one person gave it.

With --as it is your own role, else that of whoever gave it last; what others said of it applies again.
The event stays in the log.
"""

import argparse

from tracker.application.recording import record
from tracker.application.requests import UnlinkEvent
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.events.incidents import ROLES

EXAMPLE = "example:  tracker unlink INC-42 7f1dmbv --why 'another team was testing'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--as", dest="role", choices=ROLES, help="take back only this role")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = UnlinkEvent(
        incident=arguments.incident,
        event=arguments.event,
        why=arguments.why,
        role=arguments.role,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    of = outcome.facts.get("of")
    what = (
        f"is no longer linked to {outcome.incident} as {arguments.role} by {of}"
        if of
        else f"unlinked from {outcome.incident}"
    )
    return answer_outcome(arguments, outcome, f"{outcome.handle} {what}, by {session.author}")
