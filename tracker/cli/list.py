"""List incidents, newest first. `tracker` alone lists the open ones and what is due next."""

import argparse

from projections.actions import OVERDUE
from projections.incidents import open_ones, ours
from reports.wording import procedure as words
from tracker.application import action_items
from tracker.application.procedure import due_items, due_json
from tracker.application.session import Session
from tracker.cli.common import add_json, write_json
from tracker.incident import Incident
from tracker.text.terminal import printable, table
from tracker.times import spoken, utc

EXAMPLE = "example:  tracker list --open"
MOST_DUE = 3
"""So many things that are due are named of each incident; `tracker show` names all."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--open", action="store_true", help="only open incidents")
    parser.add_argument("--service", metavar="S", help="only incidents of this service")
    parser.add_argument("--due", action="store_true", help=argparse.SUPPRESS)
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    found = session.incident_summaries()
    if arguments.open or arguments.due:
        found = open_ones(found)
    if arguments.service:
        found = [each for each in found if arguments.service in each.services]
        if not found:
            session.asked_service(arguments.service)
    found = session.load_incidents(found)
    found.reverse()
    if arguments.json:
        write_json({"incidents": [_told(arguments, session, each) for each in found]})
        return 0
    if not found:
        what = "no open incident" if arguments.open or arguments.due else "no incident"
        whose = f" of {arguments.service}" if arguments.service else ""
        print(f"There is {what}{whose} in {session.settings.store.rsplit('@', 1)[-1]}.")
        print('Declare one: tracker declare "what is broken" --service NAME --severity critical')
        print("See how it works: tracker demo")
        if arguments.due:
            _print_overdue(session)
        return 0
    rows = []
    for each in found:
        until = each.resolved_at or session.now
        lasted = spoken((until - each.begins_at).total_seconds())
        state = (
            each.resolution or each.status.value if each.resolved_at else f"open {each.stage or ''}".strip()
        )
        title = printable(each.title) + (" (imported)" if each.imported else "")
        rows.append((each.id, each.severity, state, utc(each.begins_at)[:16] + "Z", lasted, title))
    print(table(rows), end="")
    if arguments.due:
        for each in ours(found):
            timed = [due for due in due_items(session, each) if due.due_at is not None]
            for due in timed[:MOST_DUE]:
                print(f"{each.id}: {printable(words.due(due))}")
            print(f"{each.id}: {next_step(each)}")
        _print_overdue(session)
    return 0


def _print_overdue(session: Session) -> None:
    """Say which promises were not kept in time; nothing where all were."""
    now = session.now
    late = [each for each in action_items.items_of(session) if each.standing(now).state == OVERDUE]
    if late:
        are = "action item is" if len(late) == 1 else "action items are"
        print(f"{len(late)} {are} overdue: tracker actions --overdue")


def _told(arguments: argparse.Namespace, session: Session, incident: "Incident") -> dict[str, object]:
    """Return an incident's JSON keys; of those that are open, what is due next where that was asked for."""
    due = {"next": due_json(due_items(session, incident))} if arguments.due else {}
    return {**described(incident), **due}


def described(incident: "Incident") -> dict[str, object]:
    """Return an incident's own facts as JSON keys."""
    return {
        "incident": incident.id,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "services": incident.services,
        "stage": incident.stage,
        "lead": incident.lead,
        "impact": incident.impact,
        "declared_at": incident.declared_at,
        "declared_by": incident.declared_by,
        "detected_by": incident.detected_by,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "resolution": incident.resolution,
        "merged_into": incident.merged_into,
        "merged_from": incident.merged_from,
        "milestones": {
            name: {"at": milestone.at, "until": milestone.until, "by": milestone.by, "event": milestone.event}
            for name, milestone in incident.milestones.items()
        },
    }


def next_step(incident: "Incident") -> str:
    """Say what would help most, from what is not recorded yet."""
    if incident.started_at is None:
        return f"record when it began: tracker milestone {incident.id} started --at T"
    if incident.lead is None:
        return f"name the lead: tracker lead {incident.id} NAME"
    if incident.impact is None:
        return f'record who is affected: tracker note {incident.id} "…" --kind impact'
    return f"when it is over: tracker resolve {incident.id}"
