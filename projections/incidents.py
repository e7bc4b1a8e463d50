"""Which incidents there are."""

from collections.abc import Iterable

from tracker.events.base import Decision, Recorded, of_kinds
from tracker.events.corrections import Correction, Effective, effective
from tracker.events.incidents import IncidentMerged
from tracker.incident import Incident, Status, fold_effective, number_of


def incidents(recorded: Iterable[Recorded]) -> list[Incident]:
    """Fold every incident among these events, by number."""
    return incidents_of(effective(recorded).values())


def incidents_of(facts: Iterable[Effective]) -> list[Incident]:
    """Fold every incident among these facts, to which corrections were applied, by number."""
    # An observation is no part of an incident's stream, and most of a storm is one.
    steps = of_kinds(facts, Decision)
    about: dict[str, list[Effective]] = {}
    for fact in steps:
        if isinstance(fact.recorded.event, Correction):
            about.setdefault(fact.recorded.event.target, []).append(fact)
    streams: dict[str, dict[str, Effective]] = {}

    def add(name: str, fact: Effective) -> None:
        """Add a step with its corrections, which may be in another incident's stream."""
        stream = streams.setdefault(name, {})
        if fact.id not in stream:
            stream[fact.id] = fact
            for correction in about.get(fact.id, ()):
                add(name, correction)

    for fact in steps:
        event = fact.recorded.event
        name = getattr(event, "incident", None)
        if name is not None:
            add(name, fact)
        if isinstance(event, IncidentMerged):
            add(event.into, fact)
    folded = [fold_effective(name, stream.values()) for name, stream in streams.items()]
    return sorted((each for each in folded if each.exists), key=lambda each: number_of(each.id))


def ours(found: Iterable[Incident]) -> list[Incident]:
    """Keep the incidents that were declared here; the tracker does nothing by itself on one from a bundle."""
    return [each for each in found if not each.imported]


def open_ones(found: Iterable[Incident]) -> list[Incident]:
    return [each for each in found if each.status is Status.OPEN]
