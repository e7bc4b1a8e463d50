"""Export an incident to one file: its events, samples and evidence, and the proof that this log held them.

Whoever imports it gets the same report, byte for byte. Of other incidents it contains only number
and time span. Nothing is recorded, and the same position gives the same bytes.
"""

import argparse
import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from tracker.application.bundle_contents import evidence
from tracker.application.provenance import refuse_unknown_head
from tracker.application.secret_warnings import notices_of_events
from tracker.application.session import Session
from tracker.bundles.container import KIND, Reader
from tracker.bundles.writing import bundled
from tracker.cli.common import add_incident, add_reading, say, write_json
from tracker.cli.progress import waiting
from tracker.errors import BadInputError, TrackerError, UsageError
from tracker.text.shell import word

EXAMPLE = "example:  tracker bundle INC-42 -o INC-42.bundle"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="default ./INC-42.bundle; - is stdout")
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    incident = session.incident(arguments.incident, up_to)
    name = incident.id
    to_stdout = arguments.output == "-"
    if to_stdout and arguments.json:
        raise UsageError(
            "--json and -o - both write to stdout",
            hint=f"tracker bundle {word(name)} -o {word(name)}.bundle --json",
        )
    if to_stdout and sys.stdout.isatty():
        raise UsageError(
            "a bundle is binary and is not written to a terminal",
            hint=f"tracker bundle {word(name)} -o {word(name)}.bundle",
        )
    target = Path(arguments.output or f"{name}.bundle")
    if not to_stdout:
        _refuse_other(session, target, name)
    with waiting("bundle"):
        _, recorded = evidence(session, incident, up_to)
        data, manifest = bundled(session.log, name, recorded)
    beside = session.log.payloads(
        [each.position for each in recorded if not each.event.TOPIC.startswith("metric-")]
    )
    say(*notices_of_events(recorded, beside, "the bundle" if to_stdout else str(target)))
    if to_stdout:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    save(data, target)
    sha256 = hashlib.sha256(data).hexdigest()
    if arguments.json:
        write_json(
            {
                "incident": name,
                "file": str(target),
                "sha256": sha256,
                "bytes": len(data),
                "events": manifest.events,
                "log": manifest.log,
                "position": manifest.position,
                "head": manifest.head,
            }
        )
        return 0
    print(target)
    say(
        f"{manifest.events} events of log {manifest.log} as of position {manifest.position}, {len(data)} bytes"
    )
    say(f"sha256 {sha256}")
    say(
        f"Next: tracker verify --bundle {word(target)}   ·   on the other machine: tracker import {word(target.name)}"
    )
    return 0


def _refuse_other(session: Session, target: Path, incident: str) -> None:
    """Refuse to write over what is no bundle, and over a bundle with a head that this log does not have.

    Raises:
        BadInputError: If something else is there, or the folder is not.
        LogNotWholeError: If it is such a bundle.
    """
    hint = "Name another place: -o FILE"
    if target.is_dir():
        raise BadInputError(f"{target} is a folder", hint=hint)
    if not target.parent.is_dir():
        raise BadInputError(
            f"{target}: there is no folder {target.parent}", hint=f"mkdir -p {word(target.parent)}"
        )
    if not target.exists():
        return
    if not target.is_file():
        raise BadInputError(f"{target} is not a file", hint=hint)
    try:
        with target.open("rb") as held:
            first = held.read(len(KIND))
    except OSError as wrong:
        raise BadInputError(f"{target}: cannot be read: {wrong.strerror}", hint=hint) from wrong
    if first and first != KIND:
        raise BadInputError(f"{target} already exists and is not a bundle; it was not overwritten", hint=hint)
    if not first:
        return
    try:
        with target.open("rb") as file:
            manifest = Reader(file, str(target)).manifest()
    except (OSError, TrackerError):
        return  # damaged, or of a newer tracker: it proves nothing to this one
    refuse_unknown_head(
        session,
        target,
        incident,
        log=manifest.log,
        position=manifest.position,
        head=manifest.head,
        rewrite="bundle",
    )


def save(data: bytes, target: Path) -> None:
    """Put a file where it is meant, whole or not at all.

    Raises:
        BadInputError: If the place cannot be written.
    """
    made = ""
    try:
        number, made = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            Path(made).chmod(target.stat().st_mode & 0o7777)
        Path(made).replace(target)
    except OSError as wrong:
        if made:
            with contextlib.suppress(OSError):
                Path(made).unlink()
        raise BadInputError(
            f"{target}: cannot be written: {wrong.strerror}", hint="Name another place: -o FILE"
        ) from wrong
