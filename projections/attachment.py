"""Which of the services' facts belong to an incident, by time, by service and by people's word."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tracker.events.base import Event, Observation, Recorded, Window
from tracker.events.changes import Change
from tracker.events.corrections import Effective
from tracker.incident import Incident, Link

CHANGES_BEFORE = timedelta(days=1)
FACTS_BEFORE = timedelta(hours=1)
FACTS_AFTER = timedelta(days=1)


def span(incident: Incident) -> tuple[datetime, datetime | None]:
    """Return the span in which facts attach by themselves; the end is None while it is open."""
    end = incident.ends_at
    return incident.begins_at - CHANGES_BEFORE, end + FACTS_AFTER if end else None


def windows(incident: Incident) -> list[Window]:
    """Name the parts of the log that may hold facts of an incident."""
    start, end = span(incident)
    found = [Window(f"service:{service}", start, end) for service in incident.services]
    return [*found, *(Window(f"incident:{origin}") for origin in incident.merged_from)]


def linked_ids(incident: Incident) -> list[str]:
    """Name the facts that people put into the incident."""
    return sorted(link.target for link in incident.links.values() if link.linked)


def attached(incident: Incident, facts: Iterable[Effective]) -> list[Effective]:
    """Keep what belongs to the incident.

    Deploys and rollbacks count from a day before its start, everything else from an hour
    before, until a day after it was resolved. A link puts a fact in, an unlink takes it out.
    """
    kept = []
    found = list(facts)
    # A fact that its source restated is one fact to people, whichever of the two they pointed at.
    links: dict[tuple[object, ...], Link] = {}
    for fact in found:
        said = incident.links.get(fact.id)
        subject = fact.recorded.event.subject()
        if said is not None:
            links[subject] = max(said, links.get(subject, said), key=lambda link: (link.at, link.event))
    for fact in found:
        link = links.get(fact.recorded.event.subject())
        if link is not None and not link.linked:
            continue
        if link is not None or belongs(incident, fact.event):
            kept.append(fact)
    return kept


def belongs(incident: Incident, event: Event) -> bool:
    """Whether a fact attaches by time and service alone."""
    if not isinstance(event, Observation) or event.service not in incident.services:
        return False
    before = CHANGES_BEFORE if isinstance(event, Change) else FACTS_BEFORE
    _, end = span(incident)
    start = incident.begins_at - before
    return start <= event.occurred_at and (end is None or event.occurred_at < end)


def newest(recorded: Iterable[Recorded]) -> Recorded | None:
    """Return the last recorded of these events; None of none."""
    return max(recorded, key=lambda each: each.position, default=None)
