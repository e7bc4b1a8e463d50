"""All incidents of a log and the facts of each, in a time that grows with the log alone.

Which facts are an incident's is decided in `attachment`; this finds quickly which may be, and which other incidents
have to be asked.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate

from projections.attachment import attached, linked_ids, span
from projections.incident_windows import FOREVER, NEAR, is_near
from tracker.events.base import Observation
from tracker.events.corrections import Effective
from tracker.incident import Incident


class Population:
    """Incidents with the observations of their services; `facts` have their corrections applied."""

    def __init__(self, incidents: Sequence[Incident], facts: Iterable[Effective] = ()) -> None:
        self.incidents = sorted(incidents, key=lambda each: (each.begins_at, each.id))
        self._own: dict[str, list[Effective]] = {}
        of_service: dict[str, list[Incident]] = defaultdict(list)
        for incident in self.incidents:
            for service in incident.services:
                of_service[service].append(incident)
        self._lives = {service: _Lives(known) for service, known in of_service.items()}
        self._facts: dict[str, Effective] = {}
        by_service: dict[str, list[Effective]] = defaultdict(list)
        for fact in facts:
            if fact.retraction is None and isinstance(fact.event, Observation):
                self._facts[fact.id] = fact
                by_service[fact.event.service or ""].append(fact)
        self._by_service: dict[str, tuple[list[datetime], list[Effective]]] = {}
        for service, known in by_service.items():
            known.sort(key=lambda each: each.event.occurred_at)
            self._by_service[service] = [each.event.occurred_at for each in known], known

    def neighbours(self, incident: Incident) -> list[Incident]:
        """Return the other incidents of its services, in its log, which may have facts that are near it."""
        found = {
            other.id: other
            for service in incident.services
            for other in self._lives[service].near(incident)
            if other.id != incident.id and other.origin == incident.origin
        }
        return list(found.values())

    def own(self, incident: Incident) -> list[Effective]:
        """Return the facts that belong to an incident."""
        if incident.id not in self._own:
            self._own[incident.id] = self._attached(incident)
        return self._own[incident.id]

    def _attached(self, incident: Incident) -> list[Effective]:
        start, end = span(incident)
        found: dict[str, Effective] = {}
        for service in incident.services:
            instants, facts = self._by_service.get(service, ([], []))
            first = bisect_left(instants, start)
            last = len(instants) if end is None else bisect_left(instants, end)
            found |= {fact.id: fact for fact in facts[first:last]}
        found |= {name: self._facts[name] for name in linked_ids(incident) if name in self._facts}
        return attached(incident, found.values(), self.neighbours(incident))


class _Lives:
    """The incidents of one service, by their beginning."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        self._incidents = incidents
        self._begins = [each.begins_at for each in incidents]
        #: By when the last of those so far was over.
        self._over = list(accumulate((each.ends_at or FOREVER for each in incidents), max))

    def near(self, incident: Incident) -> list[Incident]:
        end = (incident.ends_at or FOREVER) + NEAR
        at = bisect_left(self._begins, end)
        found = []
        while at > 0 and self._over[at - 1] + NEAR > incident.begins_at:
            at -= 1
            if is_near(self._incidents[at], incident):
                found.append(self._incidents[at])
        return found
