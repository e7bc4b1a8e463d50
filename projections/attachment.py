"""Which facts of its services belong to an incident: by whose life they began in, and by people's links."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from projections.alert_spans import spans
from projections.changes import ChangeRow, grouped
from projections.deduplication import deduplicate, reported_once
from projections.lives import CHANGES_BEFORE, FACTS_AFTER, FACTS_BEFORE, STILL_FIRING, Beginning, Lives
from projections.silence import silences_of
from projections.tags import Tags
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Event, Observation, Recorded, Window, of_kinds
from tracker.events.changes import Change
from tracker.events.corrections import Correction, Effective, EventLinked, EventUnlinked
from tracker.events.repeats import Repeats
from tracker.events.silence import SILENCES, SourceReturned, SourceSilent
from tracker.incident import Incident, Link


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


class _Thing(NamedTuple):
    """What a fact is a part of: one occurrence of an alert, one deploy with all its phases, or the fact alone."""

    facts: tuple[Effective, ...]
    beginning: Beginning


def attached(
    incident: Incident, facts: Iterable[Effective], others: Iterable[Incident] = ()
) -> list[Effective]:
    """Keep what belongs to the incident, and to none of the others.

    Each occurrence of an alert, and each deploy, belongs to one incident with its beginning and its end; `Lives` says
    to which. A silence belongs to each in whose span any of it lies. A link adds a fact, an unlink removes it, and what
    people linked to another incident as its own or as its fix is that one's.
    """
    found, others = list(facts), list(others)
    blind, lives = _blind(incident, found), Lives(incident, others)
    theirs, links = taken(others), incident.links
    kept: set[str] = set()
    alone, rest = reported_once(found, ErrorSeen)
    alerts, rest = _single_alerts(rest)
    for fact in (*alone, *alerts):
        identity, event = fact.recorded.id, fact.event
        if identity in links:
            mine = links[identity].linked
        elif identity in theirs:
            mine = False
        elif isinstance(event, ErrorSeen):
            mine = lives.has_instant(event.service, event.occurred_at)
        else:
            mine = lives.has(_service(event), _beginning_of_alert(event))
        if mine:
            kept.add(identity)
    for thing in _things(rest):
        ids = {fact.recorded.id for fact in thing.facts}
        link = _last_link(incident, ids) if incident.links else None
        if link is None:
            event = thing.facts[0].event
            mine = (
                ids.isdisjoint(theirs) and _may_belong(event) and lives.has(_service(event), thing.beginning)
            )
            kept |= ids if mine else ids & blind
        elif link.linked:
            kept |= ids
    return [fact for fact in found if fact.recorded.id in kept]


def attached_repeats(
    incident: Incident, repeats: Iterable[Repeats], others: Iterable[Incident]
) -> list[Repeats]:
    """Keep of further events of errors, of which nobody linked any, those that belong to the incident."""
    lives = Lives(incident, others)
    parts = (one.where(partial(lives.has_instant, one.service), lives.edges(one.service)) for one in repeats)
    return [part for part in parts if part is not None]


def own_rows(
    incident: Incident, rows: Iterable[ChangeRow], others: Iterable[Incident] = ()
) -> list[ChangeRow]:
    """Keep the deploys, rollbacks and merges that belong to the incident, by the rule of `attached`."""
    others = list(others)
    lives, theirs = Lives(incident, others), taken(others)
    kept = []
    for row in rows:
        link = _last_link(incident, row.evidence)
        by_time = theirs.isdisjoint(row.evidence) and lives.has(row.service, _beginning(row))
        if link.linked if link is not None else by_time:
            kept.append(row)
    return kept


def rows_of_others(
    incident: Incident, rows: Iterable[ChangeRow], others: Iterable[Incident]
) -> list[ChangeRow]:
    """Keep the deploys, rollbacks and merges that belong to another incident."""
    others = list(others)
    lives, theirs = Lives(incident, others), taken(others)
    return [
        row
        for row in rows
        if not theirs.isdisjoint(row.evidence) or lives.is_anothers(row.service, _beginning(row))
    ]


def _beginning(row: ChangeRow) -> Beginning:
    return Beginning(min(row.started_at or row.at, row.at), CHANGES_BEFORE)


def _last_link(incident: Incident, ids: Iterable[str]) -> Link | None:
    """Return what people said last of any of these facts: sources may have reported one thing more than once."""
    links = [incident.links[each] for each in ids if each in incident.links]
    return max(links, key=lambda link: (link.at, link.told), default=None)


def taken(others: Iterable[Incident]) -> set[str]:
    """Return the facts that people linked to other incidents as their own, or as their fix."""
    return {
        link.target
        for other in others
        for link in other.links.values()
        if link.linked and link.role in (None, "fixed")
    }


def _single_alerts(facts: list[Effective]) -> tuple[list[Effective], list[Effective]]:
    """Part the alerts of which there is one report, as most of a storm, from all other facts."""
    alerts = of_kinds(facts, AlertFired, AlertResolved)
    times = Counter(_fingerprints(alerts))
    single = {
        fact.recorded.id
        for fact in alerts
        if not fact.amendments and times[getattr(fact.event, "fingerprint", "")] == 1
    }
    return (
        [fact for fact in alerts if fact.recorded.id in single],
        [fact for fact in facts if fact.recorded.id not in single] if single else facts,
    )


def _fingerprints(alerts: Iterable[Effective]) -> Iterator[str]:
    """Yield the fingerprint of each alert, and that which it had before it was amended."""
    for fact in alerts:
        yield getattr(fact.event, "fingerprint", "")
        if fact.amendments:
            yield getattr(fact.recorded.event, "fingerprint", "")


def _beginning_of_alert(event: Event) -> Beginning:
    """Return when an alert began of which there is no other report, and until when it is known to have fired."""
    if isinstance(event, AlertResolved):
        began = event.started_at if event.has_start else event.occurred_at
        return Beginning(began, fires_until=event.occurred_at)
    return Beginning(event.occurred_at, fires_until=STILL_FIRING)


def _things(facts: list[Effective]) -> list[_Thing]:
    """Group facts into what they are parts of."""
    alerts, changes = of_kinds(facts, AlertFired, AlertResolved), of_kinds(facts, Change)
    rest = [fact for fact in facts if not isinstance(fact.event, (AlertFired, AlertResolved, Change))]
    things = []
    for span in spans(deduplicate(alerts)):
        parts = tuple([fact for _, told in (*span.fired, *span.resolved, *span.repeats) for fact in told])
        ends_at = span.ends_at or STILL_FIRING
        things.append(_Thing(parts, Beginning(span.order[0], fires_until=ends_at)))
    for group in grouped(deduplicate(changes), tags=Tags(rest)):
        parts = tuple(fact for statement in group for fact in statement[1])
        began = min(statement[0].event.occurred_at for statement in group)
        things.append(_Thing(parts, Beginning(began, CHANGES_BEFORE)))
    things += [_Thing(parts, Beginning(shown.event.occurred_at)) for shown, parts in deduplicate(rest)]
    return things


def _may_belong(event: Event) -> bool:
    return isinstance(event, Observation) and not isinstance(event, (SourceSilent, SourceReturned))


def _service(event: Event) -> str | None:
    return getattr(event, "service", None)


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
    told = [facts[each.id] for each in of_kinds(recorded, SourceSilent, SourceReturned)]
    if not told:
        return recorded
    kept = {*_blind(incident, told), *linked_ids(incident)}
    others = {each.id for each in told if each.retraction is None} - kept
    return [
        each
        for each in recorded
        if each.id not in others and not (isinstance(each.event, Correction) and each.event.target in others)
    ]


def without_other_links(incident: Incident, recorded: Iterable[Recorded]) -> list[Recorded]:
    """Leave out links of facts to other incidents; links of its action items stay."""
    own = (incident.id, *incident.merged_from)
    found = sorted(recorded, key=attrgetter("position"))
    corrections = of_kinds(found, Correction)
    if not corrections:
        return found
    facts = {each.id for each in of_kinds(found, Observation)}
    dropped: set[str] = set()
    for each in corrections:
        event = each.event
        assert isinstance(event, Correction)
        said_there = isinstance(event, EventLinked | EventUnlinked) and event.incident not in own
        if (said_there and event.target in facts) or event.target in dropped:
            dropped.add(each.id)
    return [each for each in found if each.id not in dropped]
