"""Putting an incident's events into a bundle, with what proves them."""

import io
from collections.abc import Iterable

import msgspec

from tracker.bundles.container import MOST_UNPACKED_BYTES, Manifest, packed, written
from tracker.bundles.damage import BundleDamagedError
from tracker.bundles.reading import read
from tracker.errors import BadInputError, LogNotWholeError
from tracker.events.base import Recorded
from tracker.log import Log
from tracker.version import version


def bundled(log: Log, incident: str, recorded: Iterable[Recorded]) -> tuple[bytes, Manifest]:
    """Return a bundle of these events of the log, as it was at the last of them.

    The same events give the same bytes, whatever was recorded since.

    Raises:
        BadInputError: If it would be larger than bundles are read.
        LogNotWholeError: If these events do not fit the log's proof: nobody could import them.
    """
    positions = sorted({each.position for each in recorded})
    position = positions[-1]
    rows = log.stored(positions)
    events, length = packed(rows)
    if length > MOST_UNPACKED_BYTES:
        raise BadInputError(
            f"the evidence of {incident} has {length} bytes; a bundle holds at most {MOST_UNPACKED_BYTES}",
            hint="Give the store itself instead: its tracker.db holds everything",
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
    data = written(parts)
    try:
        read(io.BytesIO(data), incident)
    except BundleDamagedError as damaged:
        raise LogNotWholeError(
            f"this log does not prove {incident}: {damaged.place.said()}: {damaged.what}",
            hint="See where it is not whole: tracker verify",
        ) from damaged
    return data, manifest
