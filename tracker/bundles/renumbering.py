"""Rewriting imported events: an incident whose number is in use gets another one.

An event's id is a function of its content, so a decision with another number has another id;
fields that hold the old id are rewritten, too. What people wrote stays unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tracker.events.base import Event, decode, encode, event_id
from tracker.events.bundles import BundleImported
from tracker.events.corrections import Correction, EventRedacted
from tracker.events.housekeeping import SettingsChanged
from tracker.incident import HIGHEST_IMPORTED, number_of

_NUMBERS = ("incident", "into", "number", "only_for")
"""The fields that hold an incident's number, in any kind of event."""


class Renumbering:
    """Rewrites events in the order of their log, in which targets precede what points at them."""

    def __init__(
        self,
        numbers: Mapping[str, str],
        incident: str,
        *,
        same_log: bool = False,
        ids: Mapping[str, str] | None = None,
    ) -> None:
        self._numbers, self._incident, self._same_log = numbers, incident, same_log
        self._ids: dict[str, str] = dict(ids or {})

    def rewrite(self, identity: str, event: Event) -> Event:
        """Return an event with the numbers and ids of this log, and remember its own new id."""
        rewritten = self.rewrite_fields(event)
        here = event_id(rewritten)
        if here != identity:
            self._ids[identity] = here
        return rewritten

    def rewrite_fields(self, event: Event) -> Event:
        """Return an event with the numbers and ids of this log. A hole keeps its id: no other can be computed."""
        changes: dict[str, Any] = {}
        for name in event.__struct_fields__:
            value = getattr(event, name)
            here = self._rewrite_value(name, value)
            if here is not value:
                changes[name] = here
        if isinstance(event, SettingsChanged) and event.only_for is None and not self._same_log:
            # Another log's settings apply to the imported incident, never to ours.
            changes["only_for"] = self._numbers.get(self._incident, self._incident)
        if isinstance(event, BundleImported):
            changes["numbers"] = {there: self._number(here) for there, here in event.numbers.items()}
        if isinstance(event, Correction):
            changes["target_scopes"] = tuple(self._scope(scope) for scope in event.target_scopes)
        if isinstance(event, EventRedacted):
            left = decode(event.target_topic, event.left)
            rewritten = self.rewrite_fields(left)
            if rewritten != left:
                changes["left"] = encode(rewritten)
        return msgspec.structs.replace(event, **changes) if changes else event

    def _rewrite_value(self, name: str, value: Any) -> Any:
        """Return the value itself if nothing in it changes."""
        if isinstance(value, str):
            return self._number(value) if name in _NUMBERS else self._ids.get(value, value)
        if isinstance(value, tuple):
            items = tuple(self._ids.get(item, item) if isinstance(item, str) else item for item in value)
            return value if items == value else items
        if isinstance(value, dict):
            values = {
                key: self._ids.get(item, item) if isinstance(item, str) else item
                for key, item in value.items()
            }
            return value if values == value else values
        return value

    def _number(self, value: str) -> str:
        return self._numbers.get(value, value)

    def _scope(self, scope: str) -> str:
        kind, colon, name = scope.partition(":")
        return f"{kind}:{self._number(name)}" if colon and kind == "incident" else scope


def numbers_of(incident: str, events: Iterable[Event]) -> list[str]:
    """Return the numbers of all incidents in these events, the bundle's own first."""
    numbers = [incident]
    for event in events:
        numbers += [
            value for name in ("incident", "into") if isinstance(value := getattr(event, name, None), str)
        ]
    return list(dict.fromkeys(numbers))


def assign_numbers(
    wanted: Sequence[str], earlier: Mapping[str, str], in_use: Mapping[str, bool], *, prefix: str, last: int
) -> dict[str, str]:
    """Map each number of another log to its number here.

    One that was imported before keeps its number (`earlier`); one that is not in use here, or only
    by the same incident, stays as it is; any other, and one that is too high, gets the next free one.
    """
    numbers: dict[str, str] = {}
    for number in wanted:
        if number in earlier:
            numbers[number] = earlier[number]
        elif not in_use[number] and 0 < number_of(number) <= HIGHEST_IMPORTED:
            numbers[number] = number
    taken = [number_of(number) for number in numbers.values()]
    following = max([last, *taken]) + 1
    for number in wanted:
        if number not in numbers:
            numbers[number] = f"{prefix}-{following}"
            following += 1
    return {number: numbers[number] for number in wanted}
