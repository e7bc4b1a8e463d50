"""Which facts of its services belong to an incident: by time and service, and by people's links."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from projections.silence import silences_of
from tracker.events.base import Event, Observation, Recorded, Window
from tracker.events.changes import Change
from tracker.events.corrections import Correction, Effective, EventLinked, EventUnlinked
from tracker.events.silence import SILENCES, SourceReturned, SourceSilent
from tracker.incident import Incident, Link

CHANGES_BEFORE = timedelta(days=1)
FACTS_BEFORE = timedelta(hours=1)
FACTS_AFTER = timedelta(days=1)


def span(incident: Incident) -> tuple[datetime, datetime | None]:
    """Return the span in which facts belong to it by time; the end is None while it is open."""
    end = incident.ends_at
    return incident.begins_at - CHANGES_BEFORE, end + FACTS_AFTER if end else None


def windows(incident: Incident) -> list[Window]:
    """Return the parts of the log that may hold facts of an incident; a silence may have begun long before it."""
    start, end = span(incident)
    found = [Window(f"service:{service}", start, end) for service in incident.services]
    found.append(Window(SILENCES, None, end))
    return [*found, *(Window(f"incident:{origin}") for origin in incident.merged_from)]


def linked_ids(incident: Incident) -> list[str]:
    """Return the facts that people linked to the incident."""
    return sorted(link.target for link in incident.links.values() if link.linked)


def attached(incident: Incident, facts: Iterable[Effective]) -> list[Effective]:
    """Keep what belongs to the incident.

    Deploys and rollbacks belong to it from a day before its start, everything else from an hour before, until a day
    after it was resolved; a silence, where any of it lies in that span. A link adds a fact, an unlink removes it.
    """
    kept = []
    found = list(facts)
    blind = _blind(incident, found)
    # A fact that its source reported twice is one fact, whichever of the two people linked.
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
        if link is not None or fact.id in blind or belongs(incident, fact.event):
            kept.append(fact)
    return kept


def _blind(incident: Incident, facts: Iterable[Effective]) -> set[str]:
    """Return the events of silences in which facts of an incident may have been missed."""
    found = silences_of(facts)
    if not found:
        return set()
    _, end = span(incident)
    return {
        event
        for each in found
        if each.watched.service in (None, *incident.services)
        and each.touches(incident.begins_at - FACTS_BEFORE, end)
        for event in each.evidence
    }


def without_other_silences(
    incident: Incident, recorded: list[Recorded], facts: Mapping[str, Effective]
) -> list[Recorded]:
    """Leave out the silences in which nothing of an incident was missed, with their corrections.

    `facts` has these events with corrections applied.
    """
    told = [facts[each.id] for each in recorded if isinstance(each.event, SourceSilent | SourceReturned)]
    if not told:
        return recorded
    kept = {*_blind(incident, told), *linked_ids(incident)}
    others = {each.id for each in told if each.retraction is None} - kept
    return [
        each
        for each in recorded
        if each.id not in others and not (isinstance(each.event, Correction) and each.event.target in others)
    ]


def belongs(incident: Incident, event: Event) -> bool:
    """Whether a fact belongs to an incident by time and service alone."""
    if not isinstance(event, Observation) or isinstance(event, SourceSilent | SourceReturned):
        return False
    if event.service not in incident.services:
        return False
    before = CHANGES_BEFORE if isinstance(event, Change) else FACTS_BEFORE
    _, end = span(incident)
    start = incident.begins_at - before
    return start <= event.occurred_at and (end is None or event.occurred_at < end)


def without_other_links(incident: Incident, recorded: Iterable[Recorded]) -> list[Recorded]:
    """Leave out links of facts to other incidents; links of its action items stay."""
    own = (incident.id, *incident.merged_from)
    found = sorted(recorded, key=lambda each: each.position)
    facts = {each.id for each in found if isinstance(each.event, Observation)}
    dropped: set[str] = set()
    for each in found:
        event = each.event
        if not isinstance(event, Correction):
            continue
        said_there = isinstance(event, EventLinked | EventUnlinked) and event.incident not in own
        if (said_there and event.target in facts) or event.target in dropped:
            dropped.add(each.id)
    return [each for each in found if each.id not in dropped]
