"""Attach a file to an incident: a screenshot, a dump, a log file. Its bytes are stored in the log.

Identical content is stored once, however often and under whatever name it is attached.
"""

import argparse
import hashlib
from pathlib import Path

from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.errors import BadInputError
from tracker.events.base import Arrival, Incoming, handle_of
from tracker.events.incidents import FileAttached, file_scope

EXAMPLE = "example:  tracker attach INC-42 pool-graph.png"
MAXIMUM_BYTES = 20_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file."""
    add_incident(parser)
    parser.add_argument("file", metavar="FILE", help="at most 20 MB")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    path = Path(arguments.file)
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise BadInputError(f"{path}: cannot be read: {wrong.strerror}", hint=f"ls -l {path}") from wrong
    if not data:
        raise BadInputError(f"{path} is empty: there is nothing to keep", hint=f"ls -l {path}")
    if len(data) > MAXIMUM_BYTES:
        raise BadInputError(
            f"{path} has {len(data)} bytes; at most {MAXIMUM_BYTES} are kept",
            hint=f"Compress it: gzip -k {path}",
        )
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    attached = FileAttached(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        decided_by=by,
        incident=incident.id,
        name=path.name,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).digest(),
        by_hash=True,
    )
    known = session.log.latest(file_scope(attached.sha256))
    incoming = Incoming(event=attached, arrival=Arrival(via="file"), payload=data)
    recording = session.decide(incident.id, lambda held: [incoming])
    handle = handle_of((recording.recorded + recording.known)[0])
    once = (
        f", as {known.handle} already did: its bytes are kept once"
        if known and known.handle != handle
        else ""
    )
    said = (
        f"{handle} {path.name} ({len(data)} bytes) kept with {incident.id}{once}; "
        f"back with: tracker show {handle} --raw -o FILE"
    )
    extra = {"incident": incident.id, "sha256": attached.sha256.hex()}
    return session.answer(recording, said, extra)
