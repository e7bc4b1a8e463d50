"""Reopen a resolved incident."""

import argparse
from datetime import datetime, timedelta

from tracker.application.clock_dates import told_afterwards
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.incident import Incident
from tracker.times import utc

DAY = timedelta(days=1)

EXAMPLE = "example:  tracker reopen INC-42 --why 'errors are back'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the decision."""
    add_incident(parser)
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, around=_after(incident, session.now)), session.author
    recording = session.decide(
        incident.id, lambda held: [lifecycle.reopen(held, by=by, at=at, why=arguments.why)]
    )
    said = f"{incident.id} is open again at {utc(at.at)}, says {by}"
    return session.answer(recording, said, {"incident": incident.id})


def _after(incident: "Incident", now: datetime) -> tuple[datetime, datetime] | None:
    """Return where a clock time of the reopening lies: after the resolution, on its day where the story is told afterwards."""
    if incident.resolved_at is None:
        return None
    return incident.resolved_at, incident.resolved_at + DAY if told_afterwards(incident) else now
