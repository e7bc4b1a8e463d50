"""Record a deploy or a rollback that another tool runs. Nothing is deployed by this command.

To let tracker run it: tracker run {deploy,rollback} SERVICE VERSION -- COMMAND
"""

import argparse

from tracker.application.requests import RecordChange
from tracker.application.session import Session
from tracker.application.spool import keeping
from tracker.cli.common import add_recording, answer_outcome, say, say_spooled
from tracker.times import utc

EXAMPLE = "example:  tracker deploy finish checkout v1.2.1 --at 15:10Z        tracker rollback finish checkout v1.2.0"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("step", choices=("start", "finish", "fail"), help="which step of it happened")
    parser.add_argument("service", metavar="SERVICE", help="the service")
    parser.add_argument(
        "version",
        metavar="VERSION",
        help="the version that runs when it is done: the new one, or the one that is restored",
    )
    parser.add_argument(
        "--env", default="production", metavar="ENVIRONMENT", help="where it went (default production)"
    )
    parser.add_argument("--sha", metavar="SHA", help="the commit of that version")
    parser.add_argument("--url", metavar="URL", help="link to the run")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    request = RecordChange(
        change=arguments.command,
        step=arguments.step,
        service=arguments.service,
        version=arguments.version,
        environment=arguments.env,
        sha=arguments.sha,
        url=arguments.url,
        by=session.author,
        at=arguments.at,
    )
    # The first line says that nothing was deployed, unless the request is refused.
    notices: list[str] = []
    session.notify = notices.append
    outcome = keeping.submit(session, request)
    session.notify = say
    if isinstance(outcome, keeping.Spooled):
        say(*notices)
        return say_spooled(arguments, outcome)
    say("RECORDED ONLY, nothing was deployed", *notices)
    known = "" if outcome.is_new else " (already recorded)"
    what = f"{arguments.command} {arguments.step} {arguments.service} {arguments.version}"
    return answer_outcome(
        arguments, outcome, f"{outcome.handle} {what} at {utc(outcome.at)} by {session.author}{known}"
    )
