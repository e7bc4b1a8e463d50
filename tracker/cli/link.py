"""Put an event into an incident; with --as, say what it did there, and why you think so."""

import argparse

from tracker.cli.common import add_incident, add_recording
from tracker.cli.workspace import Workspace
from tracker.errors import UsageError
from tracker.events.incidents import ROLES

EXAMPLE = "example:  tracker link INC-42 checkout@v1.2.0 --as caused --why 'pool size was cut in it'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and its part."""
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--as", dest="role", choices=ROLES)
    parser.add_argument("--why", metavar="TEXT", help="needed with --as")
    add_recording(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Record it."""
    from tracker.decisions_on_events import link

    if arguments.role and not arguments.why:
        raise UsageError(
            f"link: --as {arguments.role} needs a reason",
            hint=f'tracker link {arguments.incident} {arguments.event} --as {arguments.role} --why "…"',
        )
    incident, target = workspace.incident(arguments.incident), workspace.event(arguments.event)
    at, by = workspace.instant(arguments.at), workspace.who
    recording = workspace.decide(
        incident.id,
        lambda held: [link(held, target, by=by, at=at, role=arguments.role, why=arguments.why or "")],
    )
    role = f" as {arguments.role}" if arguments.role else ""
    said = f"{target.handle} linked to {incident.id}{role} by {by}"
    return workspace.answer(recording, said, {"incident": incident.id, "event": target.id})
