"""Which incidents there are, and where each stands."""

from collections.abc import Iterable

from tracker.events.base import Recorded
from tracker.events.incidents import IncidentMerged
from tracker.incident import Incident, Status, fold


def incidents(recorded: Iterable[Recorded]) -> list[Incident]:
    """Fold every incident among these events, by number."""
    streams: dict[str, list[Recorded]] = {}
    for each in recorded:
        name = getattr(each.event, "incident", None)
        if name is None:
            continue
        streams.setdefault(name, []).append(each)
        if isinstance(each.event, IncidentMerged):
            streams.setdefault(each.event.into, []).append(each)
    found = [fold(name, stream) for name, stream in streams.items()]
    return sorted((each for each in found if each.exists), key=lambda each: number_of(each.id))


def number_of(incident_id: str) -> int:
    """Return the number in an incident's id; 0 if it has none."""
    tail = incident_id.rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else 0


def open_ones(found: Iterable[Incident]) -> list[Incident]:
    """Keep the incidents that are not over."""
    return [each for each in found if each.status is Status.OPEN]
