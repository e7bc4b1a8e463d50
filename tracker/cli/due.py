"""List the open incidents, and what is due of them and of resolved ones: what `tracker` alone prints."""

import argparse

from projections.actions import OVERDUE
from projections.incidents import open_ones, ours
from reports.wording import procedure as words
from tracker.application import action_items
from tracker.application.incident_facts import described
from tracker.application.procedure import due_items, due_json
from tracker.application.session import Session
from tracker.application.still_due import still_due
from tracker.cli.common import add_json, write_json
from tracker.cli.list import next_step, print_incidents, print_none
from tracker.text.terminal import printable

EXAMPLE = "example:  tracker due"
MOST_DUE = 3
"""So many things that are due are named of each incident; `tracker show` names all."""


def arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    incidents = session.load_incidents(open_ones(session.incident_summaries()))[::-1]
    if arguments.json:
        next_due = {incident.id: due_json(due_items(session, incident)) for incident in incidents}
        write_json(
            {
                "incidents": [
                    {**described(incident), "next": next_due[incident.id]} for incident in incidents
                ],
                "still_due": [
                    {**described(incident), "next": due_json(items)} for incident, items in still_due(session)
                ],
            }
        )
        return 0
    if incidents:
        print_incidents(incidents, session)
    else:
        print_none(session, "open incident")
    for incident in ours(incidents):
        timed = [due for due in due_items(session, incident) if due.due_at is not None]
        for due in timed[:MOST_DUE]:
            print(f"{incident.id}: {printable(words.due(due))}")
        print(f"{incident.id}: {next_step(incident)}")
    for incident, items in still_due(session):
        for due in items[:MOST_DUE]:
            print(f"{incident.id} (resolved): {printable(words.due(due))}")
    _print_overdue(session)
    return 0


def _print_overdue(session: Session) -> None:
    """Say which action items were not done in time; nothing where all were."""
    now = session.now
    late = [item for item in action_items.items_of(session) if item.standing(now).state == OVERDUE]
    if late:
        are = "action item is" if len(late) == 1 else "action items are"
        print(f"{len(late)} {are} overdue: tracker actions --overdue")
