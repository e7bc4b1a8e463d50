"""How the library's readers turn stored bytes into events."""

from typing import Any

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from tracker.events.base import Event, decode, encode, event_id
from tracker.log.rows import stream_of


class EventMapper(Mapper[str]):
    """Frozen structs to MessagePack and back, by registered topic only.

    The library's own mapper imports whatever module a row names, and is four times slower.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Encode one event; a decision's version is given by the log, so it is 1 here."""
        event: Event = domain_event
        return StoredEvent(stream_of(event) or event_id(event), 1, event.TOPIC, encode(event))

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return decode(stored_event.topic, stored_event.state)
