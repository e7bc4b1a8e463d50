"""Imports that were undone: each of their events was retracted, and counts again if it is imported again."""

from collections.abc import Iterable

from tracker.events.base import Incoming
from tracker.events.corrections import EventRetracted, effective
from tracker.log import Log
from tracker.times import utc

UNDONE = "the import was undone: "
"""How the reason of each retraction of an undone import begins."""


def taken_back(log: Log, known: Iterable[str], by: str) -> list[Incoming]:
    """Return what retracts the retractions of undone imports, for events that a bundle brings again."""
    facts = effective(log.with_corrections(log.by_ids(list(known)))).values()
    return [
        Incoming(
            event=EventRetracted(
                occurred_at=log.now(),
                decided_by=by,
                incident=struck.incident,
                target=fact.retraction.id,
                why=f"imported again on {utc(log.now())}",
                target_scopes=struck.scopes(),
            )
        )
        for fact in facts
        if fact.retraction is not None
        and isinstance(struck := fact.retraction.event, EventRetracted)
        and struck.why.startswith(UNDONE)
    ]
