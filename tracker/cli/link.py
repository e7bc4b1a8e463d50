"""Link an event to an incident. With --as, record its role there and the reason.

An open action item of an earlier incident is linked as one that would have prevented this incident.
"""

import argparse

from reports.wording.actions import ledger_line
from tracker.application import action_items
from tracker.application.recording import record
from tracker.application.requests import LinkEvent
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer, answer_outcome
from tracker.events.incidents import ROLES
from tracker.text.terminal import printable

EXAMPLE = """examples:
  tracker link INC-42 checkout@v1.2.0 --as caused --why 'pool size was cut in it'
  tracker link INC-50 7f1dmbv --why 'an alert on the pool would have fired an hour earlier'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--as", dest="role", choices=ROLES, help="the role it played, in your judgement")
    parser.add_argument("--why", metavar="TEXT", help="the reason; required with --as and for an action item")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    by = session.author
    outcome = record(
        session,
        LinkEvent(
            incident=arguments.incident,
            event=arguments.event,
            role=arguments.role,
            why=arguments.why or "",
            by=by,
            at=arguments.at,
        ),
    )
    if "item" in outcome.facts:
        item, prevention = outcome.facts["item"], outcome.facts["prevention"]
        keys = {
            **outcome.keys,
            "action": action_items.described(item, session.now),
            "would_have_prevented": action_items.prevention(prevention),
        }
        sentence = f"{printable(ledger_line(item, prevention))}, linked by {by}"
        return answer(arguments, outcome.recording, sentence, keys)
    handle, name = outcome.handle, outcome.incident
    if known_by := outcome.facts.get("known_by"):
        return answer_outcome(
            arguments, outcome, f"{handle} is already linked to {name} in exactly that way, by {known_by}"
        )
    role = f" as {arguments.role}" if arguments.role else ""
    return answer_outcome(arguments, outcome, f"{handle} linked to {name}{role} by {by}")
