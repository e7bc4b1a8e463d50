"""List incidents, newest first."""

import argparse
from collections.abc import Sequence

from projections.incidents import open_ones
from reports.wording.durations import open_for
from tracker.application.incident_facts import described
from tracker.application.session import Session
from tracker.cli.common import add_json, write_json
from tracker.events.incidents import UNKNOWN
from tracker.incident import Incident
from tracker.settings.store_address import shown_address
from tracker.text.terminal import printable, table
from tracker.times import utc

EXAMPLE = "example:  tracker list --open"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--open", action="store_true", help="only open incidents")
    parser.add_argument("--service", metavar="S", help="only incidents of this service")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    incidents = session.incident_summaries()
    if arguments.open:
        incidents = open_ones(incidents)
    if arguments.service:
        incidents = [incident for incident in incidents if arguments.service in incident.services]
        if not incidents:
            session.asked_service(arguments.service)
    incidents = session.load_incidents(incidents)[::-1]
    if arguments.json:
        write_json({"incidents": [described(incident) for incident in incidents]})
    elif incidents:
        print_incidents(incidents, session)
    else:
        print_none(session, "open incident" if arguments.open else "incident", arguments.service)
    return 0


def print_incidents(incidents: Sequence[Incident], session: Session) -> None:
    rows = []
    for incident in incidents:
        lasted = open_for(incident, None if incident.resolved_at else session.now)
        state = (
            (incident.resolution if incident.resolution != UNKNOWN else None) or incident.status.value
            if incident.resolved_at
            else f"open {'again ' if incident.reopened_at else ''}{incident.stage or ''}".strip()
        )
        title = printable(incident.title) + (" (imported)" if incident.imported else "")
        rows.append(
            (incident.id, incident.severity, state, utc(incident.begins_at)[:16] + "Z", lasted, title)
        )
    print(table(rows), end="")


def print_none(session: Session, what: str, service: str | None = None) -> None:
    of_service = f" of {service}" if service else ""
    print(f"There is no {what}{of_service} in {shown_address(session.settings.store)}.")
    print('Declare one: tracker declare "what is broken" --service NAME --severity critical')
    print("See how it works: tracker demo")


def next_step(incident: Incident) -> str:
    """Say what would help most, from what is not recorded yet."""
    if incident.started_at is None:
        return f"record when it began: tracker milestone {incident.id} started --at T"
    if incident.lead is None:
        return f"name the lead: tracker lead {incident.id} NAME"
    if incident.impact is None:
        return f'record who is affected: tracker impact {incident.id} "…"'
    return f"when it is over: tracker resolve {incident.id}"
