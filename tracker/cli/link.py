"""Put an event into an incident; with --as, say what it did there, and why you think so."""

import argparse

from tracker.cli.common import add_incident, add_recording
from tracker.cli.workspace import Recording, Workspace
from tracker.errors import UsageError
from tracker.events.incidents import ROLES

EXAMPLE = "example:  tracker link INC-42 checkout@v1.2.0 --as caused --why 'pool size was cut in it'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and its part."""
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--as", dest="role", choices=ROLES, help="the part it played, as you see it")
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
    said = incident.links.get(target.id)
    if said and said.linked and (said.role, said.why) == (arguments.role, (arguments.why or "").strip()):
        known = f"{target.handle} is linked to {incident.id} in just that way already, by {said.by}"
        return workspace.answer(
            Recording(known=(said.event,)), known, {"incident": incident.id, "event": target.id}
        )
    recording = workspace.decide(
        incident.id,
        lambda held: [link(held, target, by=by, at=at, role=arguments.role, why=arguments.why or "")],
    )
    role = f" as {arguments.role}" if arguments.role else ""
    linked = f"{target.handle} linked to {incident.id}{role} by {by}"
    return workspace.answer(recording, linked, {"incident": incident.id, "event": target.id})
