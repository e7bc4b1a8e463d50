"""Earlier incidents that are like one, and what was promised after them and was still open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.actions import ActionItem, actions
from projections.incidents import incidents
from projections.population import Population
from projections.similarity import IncidentText, Match, rank
from projections.similarity.gathering import KINDS, incident_texts, linked_as_cause_or_fix
from tracker.events.base import REGISTRY, Window
from tracker.events.changes import Change, CommitMade
from tracker.events.corrections import Correction, effective
from tracker.log import Log


@dataclass(frozen=True)
class Repeat:
    """A match, with the action items of that incident that were open when the later one began."""

    match: Match
    open_actions: Sequence[ActionItem]


@dataclass(frozen=True)
class Similar:
    """One incident, compared with so many earlier ones."""

    incident: str
    compared: int
    repeats: Sequence[Repeat]


def similar(log: Log, wanted: Iterable[str] | None = None, up_to: int | None = None) -> list[Similar]:
    """Compare incidents with those that began before them: these, or all in the order of their beginning.

    One that was merged into another is compared as a part of that one.
    """
    population = _population(log, up_to)
    # A tuple: it cannot change between two questions, so what is prepared of it is not looked at again.
    texts = tuple(_texts(log, population, up_to))
    began = {incident.id: incident.begins_at for incident in population.incidents}
    into = {
        each.id: each.merged_into
        for each in population.incidents
        if each.merged_into is not None and each.merged_into in began
    }
    promised: dict[str, list[ActionItem]] = {}
    for item in actions(log.select([Window("actions")], up_to)):
        promised.setdefault(_root(item.incident, into), []).append(item)
    places = {text.id: at for at, text in enumerate(texts)}
    names = [text.id for text in texts] if wanted is None else [_root(name, into) for name in wanted]
    return [_of(texts, places[name], promised, began) for name in names if name in places]


def _of(
    texts: Sequence[IncidentText],
    at: int,
    promised: Mapping[str, Sequence[ActionItem]],
    began: Mapping[str, datetime],
) -> Similar:
    begins_at = began[texts[at].id]
    repeats = [
        Repeat(
            match,
            [
                item
                for item in promised.get(match.id, ())
                if item.added_at <= begins_at and (item.done_at is None or item.done_at > begins_at)
            ],
        )
        for match in rank(texts[at], texts, first=at)
    ]
    return Similar(texts[at].id, at, repeats)


def _root(name: str, into: Mapping[str, str]) -> str:
    """Return the incident under which a merged one goes on."""
    seen = {name}
    while (name := into.get(name, name)) not in seen:
        seen.add(name)
    return name


def _population(log: Log, up_to: int | None) -> Population:
    declared = log.select([Window("incidents")], up_to)
    names = {name for each in declared if (name := getattr(each.event, "incident", None)) is not None}
    known = incidents(log.select([Window(f"incident:{name}") for name in names], up_to))
    corrections = [name for name, kind in REGISTRY.items() if issubclass(kind, Correction)]
    return Population(known, effective(log.read_all([*KINDS, *corrections], up_to)).values())


def _texts(log: Log, population: Population, up_to: int | None) -> list[IncidentText]:
    linked = effective(
        log.with_corrections(log.by_ids(linked_as_cause_or_fix(population.incidents), up_to), up_to)
    )
    shas = tuple(
        {sha for fact in linked.values() if isinstance(fact.event, Change) and (sha := fact.event.sha)}
    )
    commits = [fact.event for fact in linked.values() if isinstance(fact.event, CommitMade)]
    if shas:
        commits += [
            each.event
            for each in log.read_all([CommitMade.TOPIC], up_to)
            if isinstance(each.event, CommitMade) and each.event.sha.startswith(shas)
        ]
    return incident_texts(population, linked, commits)
