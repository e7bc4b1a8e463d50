"""Remove an event from an incident. The event stays in the log."""

import argparse

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions.action_items import unlink_prevention
from tracker.decisions.corrections import unlink
from tracker.events.actions import ActionAdded, ActionDone

EXAMPLE = "example:  tracker unlink INC-42 7f1dmbv --why 'another team was testing'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and the reason."""
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident, target = session.incident(arguments.incident), session.event(arguments.event)
    at, by = session.instant(arguments.at), session.author
    take_out = unlink_prevention if isinstance(target.event, ActionAdded | ActionDone) else unlink
    recording = session.decide(
        incident.id, lambda held: [take_out(held, target, by=by, at=at, why=arguments.why)]
    )
    said = f"{target.handle} taken out of {incident.id} by {by}"
    return session.answer(recording, said, {"incident": incident.id, "event": target.id})
