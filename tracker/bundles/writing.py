"""Writing a bundle: an incident's events and the proof of them."""

import io
from collections.abc import Iterable

import msgspec

from tracker.bundles.container import MOST_UNPACKED_BYTES, Manifest, pack, whole_file
from tracker.bundles.damage import BundleDamagedError
from tracker.bundles.reading import read
from tracker.errors import BadInputError, LogNotWholeError
from tracker.events.base import Recorded
from tracker.log import Log
from tracker.version import version


def bundled(log: Log, incident: str, recorded: Iterable[Recorded]) -> tuple[bytes, Manifest]:
    """Return a bundle of these events of the log, as of the last of them.

    The same events give the same bytes, whatever was recorded since.

    Raises:
        BadInputError: If it would be too large to be read.
        LogNotWholeError: If these events do not match the log's proof, so that no log could import them.
    """
    positions = sorted({event.position for event in recorded})
    position = positions[-1]
    rows = log.stored(positions)
    events, length = pack(rows)
    if length > MOST_UNPACKED_BYTES:
        raise BadInputError(
            f"the events of {incident} have {length} bytes; a bundle has at most {MOST_UNPACKED_BYTES}",
            hint="Share the store itself instead: tracker.db has everything",
        )
    proof = log.proof(positions, position)
    manifest = Manifest(
        incident=incident,
        log=log.id or "",
        position=position,
        last_event=rows[-1].id,
        last_digest=rows[-1].digest.hex(),
        head=log.head(position),
        events=len(rows),
        events_bytes=length,
        seals=len(proof.seals),
        written_by=f"tracker {version()}",
    )
    parts = {
        "manifest": manifest.encoded(),
        "seals": msgspec.msgpack.encode(proof.seals),
        "digests": proof.digests,
        "events": events,
    }
    data = whole_file(parts)
    try:
        read(io.BytesIO(data), incident)
    except BundleDamagedError as damaged:
        raise LogNotWholeError(
            f"this log does not prove {incident}: {damaged.place}: {damaged.what}",
            hint="Find the damage with: tracker verify",
        ) from damaged
    return data, manifest
