"""Attach a file to an incident: a screenshot, a dump, a log file. Its bytes are stored in the log.

Identical content is stored once, however often and under whatever name it is attached.
"""

import argparse
from pathlib import Path

from tracker.application.recording import record
from tracker.application.requests import AttachFile
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording, answer_outcome
from tracker.errors import BadInputError
from tracker.text.shell import word

EXAMPLE = "example:  tracker attach INC-42 pool-graph.png"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("file", metavar="FILE", help="at most 20 MB")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    path = Path(arguments.file)
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise BadInputError(
            f"{path}: cannot be read: {wrong.strerror}", hint=f"ls -l {word(path)}"
        ) from wrong
    outcome = record(
        session,
        AttachFile(
            incident=arguments.incident, name=path.name, content=content, by=session.author, at=arguments.at
        ),
    )
    handle, same = outcome.handle, outcome.facts["same_bytes_as"]
    once = f"; {same} has the same content, which is stored once" if same and same != handle else ""
    return answer_outcome(
        arguments,
        outcome,
        f"{handle} {path.name} ({len(content)} bytes) attached to {outcome.incident}{once}; "
        f"get it back: tracker show {handle} --raw -o FILE",
    )
