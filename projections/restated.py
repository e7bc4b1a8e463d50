"""Which of several statements about one thing to show: sources tell the same more than once."""

from collections.abc import Iterable, Sequence

from tracker.events.corrections import Effective
from tracker.times import utc

Told = tuple[Effective, tuple[Effective, ...]]
"""The statement to show, and all there are of its subject, that one first."""


def told(facts: Iterable[Effective]) -> list[Told]:
    """Gather facts by what they are about; the answer does not depend on their order."""
    found: dict[tuple[object, ...], list[Effective]] = {}
    for each in facts:
        found.setdefault(each.recorded.event.subject(), []).append(each)
    return [_chosen(same) for same in found.values()]


def _chosen(same: Sequence[Effective]) -> Told:
    """Choose: what people amended, then the source's own last word, then the fuller."""

    def weight(each: Effective) -> tuple[bool, str, int, str]:
        updated = getattr(each.event, "updated_at", None)
        annotations = len(getattr(each.event, "annotations", None) or {})
        return (bool(each.amendments), utc(updated) if updated else "", annotations, each.id)

    best = max(same, key=weight)
    others = sorted((each for each in same if each is not best), key=lambda each: each.id)
    return best, (best, *others)
