"""Events of another log as they read here: an incident whose number is in use gets another one.

An event's id is a function of its content, so a decision with another number is another event;
whoever points at it is made to point at what it became. What people wrote stays as they wrote it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tracker.events.base import Event, decode, encode, event_id
from tracker.events.bundles import BundleImported
from tracker.events.corrections import Correction, EventRedacted
from tracker.events.housekeeping import SettingsChanged

_NUMBERS = ("incident", "into", "number", "only_for")
"""The fields that hold an incident's number, in whatever kind of event."""


class Renumbering:
    """Rewrites events in the order of their log; what they point at came before them."""

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

    def of(self, identity: str, event: Event) -> Event:
        """Return an event as it reads here."""
        rewritten = self.fields_of(event)
        became = event_id(rewritten)
        if became != identity:
            self._ids[identity] = became
        return rewritten

    def fields_of(self, event: Event) -> Event:
        """Return an event with the numbers and ids of here; of one whose content is gone nobody knows another id."""
        changes: dict[str, Any] = {}
        for name in event.__struct_fields__:
            value = getattr(event, name)
            here = self._became(name, value)
            if here is not value:
                changes[name] = here
        if isinstance(event, SettingsChanged) and event.only_for is None and not self._same_log:
            # Another log's settings hold for the incident that they came with, never for ours.
            changes["only_for"] = self._numbers.get(self._incident, self._incident)
        if isinstance(event, BundleImported):
            changes["numbers"] = {there: self._number(here) for there, here in event.numbers.items()}
        if isinstance(event, Correction):
            changes["target_scopes"] = tuple(self._scope(each) for each in event.target_scopes)
        if isinstance(event, EventRedacted):
            left = decode(event.target_topic, event.left)
            became = self.fields_of(left)
            if became != left:
                changes["left"] = encode(became)
        return msgspec.structs.replace(event, **changes) if changes else event

    def _became(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._number(value) if name in _NUMBERS else self._ids.get(value, value)
        if isinstance(value, tuple) and any(each in self._ids for each in value if isinstance(each, str)):
            return tuple(self._ids.get(each, each) for each in value)
        if isinstance(value, dict) and any(
            each in self._ids for each in value.values() if isinstance(each, str)
        ):
            return {
                key: self._ids.get(each, each) if isinstance(each, str) else each
                for key, each in value.items()
            }
        return value

    def _number(self, value: str) -> str:
        return self._numbers.get(value, value)

    def _scope(self, scope: str) -> str:
        kind, colon, name = scope.partition(":")
        return f"{kind}:{self._number(name)}" if colon and kind == "incident" else scope


def numbers_of(incident: str, events: Iterable[Event]) -> list[str]:
    """Name the incidents of which there is something, the bundle's own first."""
    found = [incident]
    for event in events:
        found += [
            value for name in ("incident", "into") if isinstance(value := getattr(event, name, None), str)
        ]
    return list(dict.fromkeys(found))


def given(
    wanted: Sequence[str], earlier: Mapping[str, str], in_use: Mapping[str, bool], *, prefix: str, last: int
) -> dict[str, str]:
    """Give each number of another log its number here.

    One that was brought before keeps what it got then (`earlier`); one that nobody uses here, or
    whose incident is this very one, stays as it is; any other gets the next free one.
    """
    numbers: dict[str, str] = {}
    for number in wanted:
        if number in earlier:
            numbers[number] = earlier[number]
        elif not in_use[number]:
            numbers[number] = number
    taken = [int(each.rpartition("-")[2]) for each in numbers.values()]
    following = max([last, *taken]) + 1
    for number in wanted:
        if number not in numbers:
            numbers[number] = f"{prefix}-{following}"
            following += 1
    return {number: numbers[number] for number in wanted}
