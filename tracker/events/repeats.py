"""Further events of one error: of a storm they are counted and named, and hardly one of them is shown.

They stay as they are stored. What is said of them, and first and last of its error, is an event as any other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

from tracker.events.base import Recorded

Stored = tuple[datetime, str, int, Sequence[Any]]
"""One of them: when it happened, its id, its position, and its row of the store."""
ErrorKey = tuple[str | None, str, str]
"""Service, project and group: the events of one error have them in common."""
_AT = itemgetter(0)


@dataclass(frozen=True)
class Repeats:
    """Events of one error which nobody corrected and no other event repeats, in the order in which they happened."""

    key: ErrorKey
    stored: Sequence[Stored]
    read: Callable[[Sequence[Any]], Recorded]

    @property
    def service(self) -> str | None:
        return self.key[0]

    @cached_property
    def first(self) -> Recorded:
        return self.read(self.stored[0][3])

    @cached_property
    def first_recorded(self) -> Recorded:
        return self.read(min(self.stored, key=itemgetter(2))[3])

    @cached_property
    def last_position(self) -> int:
        return max(position for _, _, position, _ in self.stored)

    def events(self) -> list[Recorded]:
        """Decode them all."""
        return [self.read(row) for _, _, _, row in self.stored]

    def between(self, start: datetime | None, end: datetime | None) -> "Repeats | None":
        """Return those from `start` to before `end`, None is open; None if there are none."""
        first = 0 if start is None else bisect_left(self.stored, start, key=_AT)
        last = len(self.stored) if end is None else bisect_left(self.stored, end, key=_AT)
        return self._of(self.stored[first:last])

    def where(self, is_one: Callable[[datetime], bool], edges: Iterable[datetime]) -> "Repeats | None":
        """Return those at whose instant something is so that changes at these edges only; None if there are none."""
        places = {0, len(self.stored)}
        for edge in edges:
            places |= {bisect_left(self.stored, edge, key=_AT), bisect_right(self.stored, edge, key=_AT)}
        parts = [self.stored[first:last] for first, last in pairwise(sorted(places))]
        return self._of(list(chain.from_iterable(part for part in parts if is_one(part[0][0]))))

    def _of(self, stored: Sequence[Stored]) -> "Repeats | None":
        if len(stored) == len(self.stored):
            return self
        return Repeats(self.key, stored, self.read) if stored else None
