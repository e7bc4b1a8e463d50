"""Which incidents there are."""

from collections.abc import Iterable

from tracker.events.base import Recorded
from tracker.events.corrections import Correction
from tracker.events.incidents import IncidentMerged
from tracker.incident import Incident, Status, fold


def incidents(recorded: Iterable[Recorded]) -> list[Incident]:
    """Fold every incident among these events, by number."""
    held = {each.id: each for each in recorded}
    about: dict[str, list[Recorded]] = {}
    for each in held.values():
        if isinstance(each.event, Correction):
            about.setdefault(each.event.target, []).append(each)
    streams: dict[str, dict[str, Recorded]] = {}

    def add(name: str, each: Recorded) -> None:
        """Add a step with its corrections, which may lie in another incident's stream."""
        stream = streams.setdefault(name, {})
        if each.id not in stream:
            stream[each.id] = each
            for correction in about.get(each.id, ()):
                add(name, correction)

    for each in held.values():
        name = getattr(each.event, "incident", None)
        if name is not None:
            add(name, each)
        if isinstance(each.event, IncidentMerged):
            add(each.event.into, each)
    found = [fold(name, stream.values()) for name, stream in streams.items()]
    return sorted((each for each in found if each.exists), key=lambda each: number_of(each.id))


def number_of(incident_id: str) -> int:
    """Return the number in an incident's id; 0 if it has none."""
    tail = incident_id.rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else 0


def ours(found: Iterable[Incident]) -> list[Incident]:
    """Keep the incidents that were declared here; the tracker does nothing by itself on one from a bundle."""
    return [each for each in found if not each.imported]


def open_ones(found: Iterable[Incident]) -> list[Incident]:
    return [each for each in found if each.status is Status.OPEN]
