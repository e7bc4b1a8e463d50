"""Checking the events of a bundle: each against its digest, each hole against its redaction."""

import hashlib
import re

import msgspec

from tracker.bundles.container import Manifest, Reader
from tracker.bundles.damage import UNREADABLE, Place
from tracker.errors import BadInputError, StoreError
from tracker.events.base import (
    REGISTRY,
    UPCASTERS,
    Arrival,
    Event,
    decode,
    encode,
    event_id,
    handle_of,
)
from tracker.events.bundles import BundleImported
from tracker.events.corrections import EventRedacted
from tracker.events.housekeeping import LogSealed
from tracker.events.incidents import IncidentDeclared, IncidentMerged
from tracker.events.vocabulary import VALUES
from tracker.log.holes import left_by, shared_file_hash, stored_digest
from tracker.log.rows import StoredEvent, stream_of
from tracker.times import from_us

_NUMBER = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}-[1-9]\d{0,8}")
_LOG_ID, _HASH, _EVENT = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-v]{24}")


class EventCheck:
    """Checks each event by itself, and the order of all."""

    def __init__(self, reader: Reader, manifest: Manifest) -> None:
        self._reader, self._manifest = reader, manifest
        self._position, self._recorded_us = 0, -(2**62)
        self.events: dict[str, Event] = {}
        self.redactions: dict[str, tuple[str, EventRedacted]] = {}
        self._holes: dict[str, tuple[StoredEvent, Place]] = {}
        self._files: set[bytes] = set()
        self._declared = False
        self._last: StoredEvent | None = None
        if not _NUMBER.fullmatch(manifest.incident):
            raise reader.damaged(Place("manifest"), "it has no valid incident number")

    def event(self, stored: StoredEvent) -> None:
        """Keep the event if it matches its digest; a redacted one when its redaction follows."""
        place = Place("events", stored.position, stored.id)
        what = self._misplaced(stored)
        if what is not None:
            raise self._reader.damaged(place, what)
        self._position, self._recorded_us, self._last = stored.position, stored.recorded_us, stored
        if stored.id in self.events or stored.id in self._holes:
            raise self._reader.damaged(place, "it is in the bundle twice")
        if stored.state is None or stored.salt is None:
            self._holes[stored.id] = (stored, place)
            return
        file = shared_file_hash(stored.topic, stored.state)
        if stored_digest(stored) != stored.digest:
            raise self._reader.damaged(place, "its bytes do not match its digest")
        event = self._decoded(stored, place)
        if stored.topic not in UPCASTERS and encode(event) != stored.state:
            raise BadInputError(
                f"{self._reader.name}: {place} has fields that this tracker does not know",
                hint="It was written by a newer tracker: upgrade this one",
            )
        what = self._foreign(stored, event) or self._file(file, stored.payload)
        if what is not None:
            raise self._reader.damaged(place, what)
        self._keep(stored.id, event, place)
        if isinstance(event, EventRedacted):
            self._redaction(stored.id, event, place)

    def _keep(self, identity: str, event: Event, place: Place) -> None:
        self._refuse_unknown_words(event, place)
        self.events[identity] = event
        if isinstance(event, IncidentDeclared) and event.incident == self._manifest.incident:
            self._declared = True

    def _redaction(self, identity: str, redaction: EventRedacted, place: Place) -> None:
        """Check a redaction against its hole; the first redaction counts, as in a log."""
        if redaction.target in self.redactions:
            return
        if redaction.target in self.events:
            raise self._reader.damaged(
                place, f"it redacts {handle_of(redaction.target)}, which still has its content"
            )
        if redaction.target not in self._holes:
            return
        hole, where = self._holes[redaction.target]
        left, what = left_by(redaction, handle_of(identity), hole)
        if left is None:
            raise self._reader.damaged(where, what or "its content is missing")
        what = self._misnumbered(left)
        if what is not None:
            raise self._reader.damaged(where, what)
        self.redactions[redaction.target] = (identity, redaction)
        self._keep(hole.id, left, where)

    def _file(self, sha256: bytes | None, payload: bytes) -> str | None:
        """Check a file that is stored once against its hash: its bytes are with its first event."""
        if sha256 is None:
            return None
        if not payload:
            return None if sha256 in self._files else "the bytes of its file are not in the bundle"
        if hashlib.sha256(payload).digest() != sha256:
            return "the bytes of its file do not match its hash"
        if sha256 in self._files:
            return "the bytes of its file are in the bundle twice"
        self._files.add(sha256)
        return None

    def _misplaced(self, stored: StoredEvent) -> str | None:
        if not 0 < stored.position < 2**62 or not 0 < stored.originator_version < 2**31:
            return "its position is not valid"
        if stored.position <= self._position:
            return "it does not follow the event before it"
        if stored.position > self._manifest.position:
            return f"it is after position {self._manifest.position}, where the bundle ends"
        if not self._recorded_us <= stored.recorded_us < 2**62:
            return "it was recorded before the event that precedes it"
        return None

    def _decoded(self, stored: StoredEvent, place: Place) -> Event:
        assert stored.state is not None
        try:
            from_us(stored.recorded_us)
            if stored.arrival:
                msgspec.msgpack.decode(stored.arrival, type=Arrival)
            return decode(stored.topic, stored.state)
        except UNREADABLE as wrong:
            raise self._reader.damaged(place, "it cannot be decoded") from wrong
        except OverflowError as wrong:
            raise self._reader.damaged(place, "its recording time is out of range") from wrong
        except StoreError as wrong:
            if stored.topic not in REGISTRY and stored.topic not in UPCASTERS:
                raise BadInputError(
                    f"{self._reader.name} has an event of kind {stored.topic!r}, which this tracker does not know",
                    hint="It was written by a newer tracker: upgrade this one",
                ) from wrong
            raise self._reader.damaged(place, "its content cannot be decoded") from wrong

    def _refuse_unknown_words(self, event: Event, place: Place) -> None:
        """Refuse a value that could not have been typed here: answers print these as they are."""
        for name, allowed in VALUES.get(type(event), {}).items():
            value = getattr(event, name)
            if value is not None and value not in allowed:
                raise BadInputError(
                    f"{self._reader.name}: {place} has {name} {value!r}, which this tracker does not know",
                    hint="If it was written by a newer tracker: upgrade this one",
                )

    def _foreign(self, stored: StoredEvent, event: Event) -> str | None:
        if isinstance(event, LogSealed):
            return "it is a seal, which no bundle contains"
        identity = event_id(event, stored.state, stored.topic)
        if stored.id != identity:
            return f"its id is not that of its content ({identity})"
        stream = stream_of(event)
        if (stream or identity) != stored.originator_id:
            return "it is in another incident's stream"
        return self._misnumbered(event)

    def _misnumbered(self, event: Event) -> str | None:
        for number in (stream_of(event), event.into if isinstance(event, IncidentMerged) else None):
            if number is not None and not _NUMBER.fullmatch(number):
                return "its incident number is not valid"
        if isinstance(event, BundleImported) and not _names_a_log(event):
            return "it names no valid log to import from"
        return None

    def end(self) -> None:
        """Check what is known only at the end."""
        manifest, last = self._manifest, self._last
        if last is None or (last.position, last.id, last.digest.hex()) != (
            manifest.position,
            manifest.last_event,
            manifest.last_digest,
        ):
            raise self._reader.damaged(
                Place("events"),
                f"the last one is not the event that the manifest names ({manifest.last_event})",
            )
        if not self._declared:
            raise self._reader.damaged(Place("events"), f"none of them declares {manifest.incident}")
        unexplained = self._holes.keys() - self.redactions.keys()
        if unexplained:
            place = min((self._holes[hole][1] for hole in unexplained), key=lambda place: place.position or 0)
            raise self._reader.damaged(
                place, "its content is missing, and no redaction in the bundle names it"
            )


def _names_a_log(event: BundleImported) -> bool:
    """Whether everything of it that a report prints is valid."""
    numbers = (event.number, event.was, *event.numbers, *event.numbers.values())
    hashes = (event.head, event.last_digest)
    return (
        bool(_LOG_ID.fullmatch(event.log))
        and all(_NUMBER.fullmatch(each) for each in numbers)
        and all(_HASH.fullmatch(each) for each in hashes)
        and bool(_EVENT.fullmatch(event.last_event))
    )
