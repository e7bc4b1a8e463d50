"""Which of several statements about one thing to show: sources tell the same more than once."""

from collections.abc import Iterable, Sequence

from msgspec.structs import fields

from tracker.events.base import Event
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
    """Choose: what people amended, then the source's own last word, then the fuller.

    Of a commit, tag or branch, a clone knows more than the forge that tells of it.
    """

    def weight(each: Effective) -> tuple[bool, str, int, int, str]:
        updated = getattr(each.event, "updated_at", None)
        annotations = len(getattr(each.event, "annotations", None) or {})
        source = getattr(each.event, "source", "").partition(":")[0]
        return (
            bool(each.amendments),
            utc(updated) if updated else "",
            annotations,
            _known(each.event) if source == "git" else 0,
            each.id,
        )

    if len(same) == 1:
        return same[0], (same[0],)
    best = max(same, key=weight)
    others = sorted((each for each in same if each is not best), key=lambda each: each.id)
    return best, (best, *others)


def _known(event: Event) -> int:
    """Count what an event says beyond what its kind must."""
    return sum(getattr(event, field.name) != field.default for field in fields(event))
