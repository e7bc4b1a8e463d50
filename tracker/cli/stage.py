"""Set the stage of the work: investigating, identified, fixing or monitoring."""

import argparse

from tracker.application.recording import record
from tracker.application.requests import ChangeStage
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.events.incidents import STAGES

EXAMPLE = "example:  tracker stage INC-42 identified"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("stage", choices=STAGES, help="the new stage")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = ChangeStage(
        incident=arguments.incident,
        stage=arguments.stage,
        by=session.author,
        at=arguments.at,
    )
    outcome = record(session, request)
    return answer_outcome(
        arguments, outcome, f"{outcome.incident} is {arguments.stage}, set by {session.author}"
    )
