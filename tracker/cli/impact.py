"""Record whom an incident hit, how many of what, and from when to when.

The summary of the report, the messages and `tracker show` say it. Type it again when more is known: the last one counts.
"""

import argparse

from tracker.application.recording import record
from tracker.application.requests import RecordImpact
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.times import utc

EXAMPLE = 'example:  tracker impact INC-42 "a third of all payments failed" --affected "1,140 orders" --from 14:32Z --to 15:12Z'


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("text", metavar="TEXT", help="whom it hit, and how")
    parser.add_argument(
        "--affected",
        metavar="COUNT",
        action="append",
        default=[],
        help='how many of what: "1,140 orders"; repeatable',
    )
    parser.add_argument("--from", dest="affected_from", metavar="T", help="from when they were affected")
    parser.add_argument("--to", dest="affected_to", metavar="T", help="until when they were affected")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    outcome = record(
        session,
        RecordImpact(
            incident=arguments.incident,
            text=arguments.text,
            affected=tuple(arguments.affected),
            affected_from=arguments.affected_from,
            affected_to=arguments.affected_to,
            by=session.author,
            at=arguments.at,
        ),
    )
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.handle} impact recorded on {outcome.incident} at {utc(outcome.at)} by {session.author}",
    )
