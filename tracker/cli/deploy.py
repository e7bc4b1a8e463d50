"""Record a deploy or a rollback that another tool runs. Nothing is deployed by this command.

To let tracker run it: tracker run deploy SERVICE VERSION -- COMMAND
"""

import argparse
import io
import sys
from contextlib import redirect_stderr

from tracker.application.session import Session
from tracker.cli.common import add_recording, say
from tracker.events import changes
from tracker.events.base import Arrival, Incoming, handle_of
from tracker.events.changes import Change
from tracker.times import utc

EXAMPLE = "example:  tracker COMMAND finish checkout v1.2.1 --sha 4be9f31 --at 15:10Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the step and what it is of."""
    parser.add_argument("step", choices=("start", "finish", "fail"), help="what happened")
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("version", metavar="VERSION")
    parser.add_argument("--env", default="production", metavar="ENVIRONMENT")
    parser.add_argument("--sha", metavar="SHA")
    parser.add_argument("--url", metavar="URL", help="link to the run")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record the step."""
    # The first line says that nothing was deployed, and not of what is refused.
    talk = io.StringIO()
    with redirect_stderr(talk):
        service = session.service(arguments.service)
        at, by = session.instant(arguments.at), session.author
    event = step_class(arguments.command, arguments.step)(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        source="typed",
        service=service,
        version=arguments.version,
        environment=arguments.env,
        sha=arguments.sha,
        url=arguments.url,
    )
    say("RECORDED ONLY, nothing was deployed")
    sys.stderr.write(talk.getvalue())
    incoming = Incoming(event=event, arrival=Arrival(via="typed", reported_by=by))
    recording = session.record([incoming])
    handle = handle_of((recording.recorded + recording.known)[0])
    known = "" if recording.recorded else " (already known)"
    said = f"{handle} {arguments.command} {arguments.step} {service} {arguments.version} at {utc(at.at)} by {by}{known}"
    return session.answer(recording, said)


def step_class(command: str, step: str) -> "type[Change]":
    """Return the event class of one step of a deploy or a rollback."""
    return {
        ("deploy", "start"): changes.DeployStarted,
        ("deploy", "finish"): changes.DeployFinished,
        ("deploy", "fail"): changes.DeployFailed,
        ("rollback", "start"): changes.RollbackStarted,
        ("rollback", "finish"): changes.RollbackFinished,
        ("rollback", "fail"): changes.RollbackFailed,
    }[command, step]
