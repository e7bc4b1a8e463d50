"""Record when an incident started, was detected, confirmed, mitigated or ended."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import SetMilestone
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.events.incidents import MILESTONES
from tracker.times import utc

EXAMPLE = "example:  tracker milestone INC-42 started --at 14:40Z --until 14:45Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("milestone", choices=MILESTONES, help="which milestone")
    parser.add_argument("--until", metavar="T", help="latest possible time; --at is then the earliest")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    outcome = record(
        session,
        SetMilestone(
            incident=arguments.incident,
            milestone=arguments.milestone,
            until=arguments.until,
            by=session.author,
            at=arguments.at,
        ),
    )
    until = outcome.facts["until"]
    between = f" to {utc(until)}" if until else ""
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.incident} {arguments.milestone} at {utc(outcome.at)}{between}, recorded by {session.author}",
    )
