"""Which corrections stand behind the figures of a review that moved."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from projections.trends.measures import Measure
from tracker.application.all_incidents import AllIncidents
from tracker.events.base import REGISTRY, Recorded
from tracker.events.changes import CommitMade
from tracker.events.corrections import Correction
from tracker.log import Log

_KINDS = [name for name, kind in REGISTRY.items() if issubclass(kind, Correction)]


@dataclass(frozen=True)
class Corrected:
    """One correction; `behind` names the incidents and the handles of the changes to which its target belongs."""

    event: str
    handle: str
    kind: str
    target: str
    why: str
    by: str
    behind: frozenset[str]

    def concerns(self, *figures: Measure | None) -> bool:
        """Whether it corrected something that one of these counts."""
        return any(not self.behind.isdisjoint((*one.incidents, *one.changes)) for one in figures if one)


def corrections_between(log: Log, then: int) -> list[Corrected]:
    """Return what was corrected since a position, in the order of recording."""
    made = [
        (each, each.event)
        for each in log.read_all(_KINDS)
        if each.position > then and isinstance(each.event, Correction)
    ]
    if not made:
        return []
    # A retracted event belongs to what it belonged to before.
    owners = _owners([AllIncidents(log, then), AllIncidents(log)])
    targets = {each.id: each for each in log.by_ids(sorted({event.target for _, event in made}))}
    return [
        Corrected(
            event=each.id,
            handle=each.handle,
            kind=event.TOPIC.removeprefix("event-"),
            target=targets[event.target].handle if event.target in targets else event.target,
            why=event.why,
            by=event.decided_by,
            behind=frozenset(_behind(event, targets, owners)),
        )
        for each, event in made
    ]


def _behind(made: Correction, targets: dict[str, Recorded], owners: dict[str, set[str]]) -> Iterable[str]:
    if made.incident:
        yield made.incident
    yield from owners.get(made.target, ())
    target = targets.get(made.target)
    if target is not None and isinstance(target.event, Correction):
        yield from owners.get(target.event.target, ())
    if target is not None and isinstance(target.event, CommitMade):
        yield from owners.get(target.event.sha, ())


def _owners(logs: Sequence[AllIncidents]) -> dict[str, set[str]]:
    """Return by event, and by commit, the incidents and changes that are made of it."""
    found: dict[str, set[str]] = defaultdict(set)
    for known in logs:
        for incident in known.incidents:
            facts = [*incident.steps, *known.alerts.own(incident)]
            for event in (
                *(fact.id for fact in facts),
                *(event for row in known.own_changes(incident) for event in row.evidence),
            ):
                found[event].add(incident.merged_into or incident.id)
        for row in known.changes:
            for event in (row.event, *row.evidence):
                found[event].add(row.handle)
            if row.sha:
                found[row.sha].add(row.handle)
    return found
