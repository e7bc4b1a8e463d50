"""Link an event to an incident. With --as, record its role there and the reason.

An open action item of an earlier incident is linked as one that would have prevented this incident.
"""

import argparse

from projections.actions import would_have_prevented
from tracker.application import action_items
from tracker.application.session import Recording, Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions.action_items import link_prevention, require_item
from tracker.decisions.corrections import link
from tracker.errors import RefusedError, UsageError
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Recorded
from tracker.events.incidents import PREVENTION, ROLES
from tracker.incident import Incident

EXAMPLE = """examples:
  tracker link INC-42 checkout@v1.2.0 --as caused --why 'pool size was cut in it'
  tracker link INC-50 7f1dmbv --why 'an alert on the pool would have fired an hour earlier'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and its part."""
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--as", dest="role", choices=ROLES, help="the role it played, in your judgement")
    parser.add_argument("--why", metavar="TEXT", help="the reason; required with --as and for an action item")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    if arguments.role and not arguments.why:
        raise UsageError(
            f"link: --as {arguments.role} needs a reason",
            hint=f'tracker link {arguments.incident} {arguments.event} --as {arguments.role} --why "…"',
        )
    incident, target = session.incident(arguments.incident), session.event(arguments.event)
    if isinstance(target.event, ActionAdded | ActionDone):
        return _prevention(arguments, session, incident, target)
    if arguments.role == PREVENTION:
        raise RefusedError(
            f"{target.handle} is a {target.event.TOPIC}; only an action item would have prevented an incident",
            hint="Each has its handle in: tracker actions",
        )
    at, by = session.instant(arguments.at), session.author
    said = incident.links.get(target.id)
    if said and said.linked and (said.role, said.why) == (arguments.role, (arguments.why or "").strip()):
        known = f"{target.handle} is linked to {incident.id} in just that way already, by {said.by}"
        return session.answer(
            Recording(known=(said.event,)), known, {"incident": incident.id, "event": target.id}
        )
    recording = session.decide(
        incident.id,
        lambda held: [link(held, target, by=by, at=at, role=arguments.role, why=arguments.why or "")],
    )
    role = f" as {arguments.role}" if arguments.role else ""
    linked = f"{target.handle} linked to {incident.id}{role} by {by}"
    return session.answer(recording, linked, {"incident": incident.id, "event": target.id})


def _prevention(
    arguments: argparse.Namespace, session: Session, incident: "Incident", target: "Recorded"
) -> int:
    """Record that an item of an earlier incident would have prevented this one, and name it at once."""
    origin = session.incident(require_item(target).incident or "")
    at, by = session.instant(arguments.at), session.author
    held = incident.links.get(target.id)
    if held and held.linked and held.why == (arguments.why or "").strip():
        recording = Recording(known=(held.event,))
    else:
        recording = session.decide(
            incident.id,
            lambda known: [
                link_prevention(
                    known, origin, target, by=by, at=at, role=arguments.role, why=arguments.why or ""
                )
            ],
        )
    item, said = next(
        pair
        for pair in would_have_prevented(action_items.items_of(session), incident.id)
        if pair[0].event == target.id
    )
    extra = {
        "incident": incident.id,
        "event": target.id,
        "action": action_items.described(item, session.now),
        "would_have_prevented": action_items.prevention(said),
    }
    return session.answer(recording, f"{action_items.ledger_line(item, said)}, says {by}", extra)
