"""Events at hand under the places where the log has them, and with their corrections, as the log would give them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import attrgetter, itemgetter

from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Recorded, Window, of_kinds, place
from tracker.events.corrections import Correction, Effective
from tracker.times import from_us

_OF_SERVICE = (ErrorSeen, AlertFired, AlertResolved)
"""What storms are made of, and is found under its service alone."""
_NOTHING: tuple[list[datetime], list[Recorded]] = ([], [])


class EventIndex:
    """Events by place and instant; what is asked for costs what is given."""

    def __init__(self, recorded: Sequence[Recorded], effective: Mapping[str, Effective]) -> None:
        self._recorded, self._effective = recorded, effective

    def select(self, asked: Iterable[Window], ids: Iterable[str] = ()) -> list[Recorded]:
        """Return the events of these windows, and of these ids, with their corrections, as the log would."""
        found: dict[str, Recorded] = {}
        for window in asked:
            instants, events = self._places.get(place(window.scope), _NOTHING)
            first = 0 if window.start is None else bisect_left(instants, window.start)
            last = len(instants) if window.end is None else bisect_left(instants, window.end)
            if window.topics:
                kinds = frozenset(window.topics)
                found |= {each.id: each for each in events[first:last] if each.event.TOPIC in kinds}
            else:
                found |= {each.id: each for each in events[first:last]}
        found |= {name: self._effective[name].recorded for name in ids if name in self._effective}
        return self._closed(found)

    @cached_property
    def _places(self) -> dict[str, tuple[list[datetime], list[Recorded]]]:
        """Every event under its places, each by instant."""
        found: dict[str, list[tuple[datetime, Recorded]]] = {}
        of_service: dict[str | None, list[tuple[datetime, Recorded]]] = {}
        for each in self._recorded:
            event = each.event
            if isinstance(event, _OF_SERVICE):
                rows = of_service.get(event.service)
                if rows is None:
                    rows = of_service[event.service] = found.setdefault(event.index_rows()[0][0], [])
                rows.append((event.occurred_at, each))
            else:
                for scope, at in event.index_rows():
                    found.setdefault(scope, []).append((from_us(at), each))
        index = {}
        for scope, rows in found.items():
            rows.sort(key=itemgetter(0))
            index[scope] = ([at for at, _ in rows], [each for _, each in rows])
        return index

    def _closed(self, found: dict[str, Recorded]) -> list[Recorded]:
        """Add the corrections of these events and the targets of corrections, in order of position."""
        about = self._corrections
        if not about:
            return sorted(found.values(), key=attrgetter("position"))
        left = [each for each in found.values() if each.id in about or isinstance(each.event, Correction)]
        while left:
            each = left.pop()
            near = list(about.get(each.id, ()))
            if isinstance(each.event, Correction) and each.event.target in self._effective:
                near.append(self._effective[each.event.target].recorded)
            for other in near:
                if other.id not in found:
                    found[other.id] = other
                    left.append(other)
        return sorted(found.values(), key=lambda each: each.position)

    @cached_property
    def _corrections(self) -> dict[str, list[Recorded]]:
        about: dict[str, list[Recorded]] = {}
        for each in of_kinds(self._recorded, Correction):
            assert isinstance(each.event, Correction)
            about.setdefault(each.event.target, []).append(each)
        return about
