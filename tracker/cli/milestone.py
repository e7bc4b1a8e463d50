"""Record when an incident started, was detected, confirmed, mitigated or ended."""

import argparse

from tracker.application.clock_dates import near
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.errors import UsageError
from tracker.events.incidents import MILESTONES
from tracker.times import utc

EXAMPLE = "example:  tracker milestone INC-42 started --at 14:40Z --until 14:45Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the milestone, and with --until the span in which it lies."""
    add_incident(parser)
    parser.add_argument("milestone", choices=MILESTONES)
    parser.add_argument("--until", metavar="T", help="latest possible time; --at is then the earliest")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    if arguments.until and not arguments.at:
        raise UsageError("milestone: --until needs --at", hint="--at is the earlier of the two")
    # A start lies before all else that is known, so it is looked for around the declaration.
    assert incident.declared_at is not None
    around = near(incident.declared_at) if arguments.milestone in ("started", "detected") else None
    at = session.instant(arguments.at, incident, around=around)
    until = (
        session.instant(arguments.until, incident, option="--until", around=around)
        if arguments.until
        else None
    )
    by = session.author
    recording = session.decide(
        incident.id,
        lambda held: [lifecycle.set_milestone(held, arguments.milestone, by=by, at=at, until=until)],
    )
    between = f" to {utc(until.at)}" if until else ""
    said = f"{incident.id} {arguments.milestone} at {utc(at.at)}{between}, says {by}"
    return session.answer(recording, said, {"incident": incident.id})
