"""Whether a whole bundle says what can be: a file whose hashes match may say anything.

Settings are checked as tracker.toml is, instants by the one gate, numbers for being numbers, texts for
their length, and decisions for what nobody could have typed here.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from tracker.errors import BadInputError
from tracker.events.base import Arrival, Decision, Event
from tracker.events.corrections import EventAmended, amended
from tracker.events.housekeeping import SettingsChanged
from tracker.events.incidents import IncidentDeclared, IncidentMerged, NoteAdded
from tracker.events.plausible import AHEAD, EARLIEST, implausible
from tracker.settings.validation import problem_of_recorded

LONGEST_NAME = 1_000
LONGEST_TEXT = 4 << 20
LARGEST_NUMBER = 1e15
_NAMES = (
    "service",
    "services",
    "source",
    "decided_by",
    "incident",
    "lead",
    "owner",
    "name",
    "metric",
    "unit",
    "version",
)
_TITLES = ("title", "impact")
_LONGEST_TITLE = 20_000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def problem_of(event: Event, now: datetime, events: Mapping[str, Event]) -> str | None:
    """Return what of an event cannot be, in words; `events` are those of the bundle, by id."""
    checks: tuple[Callable[[], str | None], ...] = (
        lambda: implausible(event, now),
        lambda: _settings(event),
        lambda: _values(event, f"a {event.TOPIC} event"),
        lambda: _decision(event),
        lambda: _amendment(event, now, events),
    )
    return next((problem for check in checks if (problem := check()) is not None), None)


def problem_of_times(recorded_at: datetime, arrival: Arrival, now: datetime) -> str | None:
    """Return what of an event's recording and arrival cannot be, in words."""
    origin = arrival.origin
    for name, at in (
        ("the recording", recorded_at),
        ("received_at", arrival.received_at),
        ("the first recording", origin.recorded_at if origin else None),
    ):
        if at is not None and not EARLIEST <= at <= now + AHEAD:
            return f"{name} of an event is {at.isoformat()}"
    return None


def _settings(event: Event) -> str | None:
    return problem_of_recorded(event.service, event.settings) if isinstance(event, SettingsChanged) else None


def _values(value: Any, where: str, name: str = "") -> str | None:
    if isinstance(value, float) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
            return f"{name} of {where} is {value:g}"
    elif isinstance(value, str):
        longest = LONGEST_NAME if name in _NAMES else _LONGEST_TITLE if name in _TITLES else LONGEST_TEXT
        if len(value) > longest:
            return f"{name} of {where} has {len(value)} characters, more than {longest}"
    elif isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(type(value)):
            problem = _values(getattr(value, field.name), where, field.name)
            if problem is not None:
                return problem
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            problem = _values(item, where, name)
            if problem is not None:
                return problem
    return None


def _decision(event: Event) -> str | None:
    if isinstance(event, Decision) and (
        not event.decided_by.strip() or _UNPRINTABLE.search(event.decided_by)
    ):
        return f"decided_by of a {event.TOPIC} event is {event.decided_by!r}"
    if isinstance(event, IncidentDeclared) and not (
        event.services and all(event.services) and event.title.strip()
    ):
        return "an incident is declared without a title or a service"
    if isinstance(event, NoteAdded) and not event.text.strip():
        return "a note has no text"
    if isinstance(event, IncidentMerged) and event.into == event.incident:
        return f"{event.incident} is merged into itself"
    return None


def _amendment(event: Event, now: datetime, events: Mapping[str, Event]) -> str | None:
    """Return what is wrong with what an amendment makes of its target."""
    if not isinstance(event, EventAmended) or event.target not in events:
        return None
    try:
        changed = amended(events[event.target], event.changes)
    except BadInputError as wrong:
        return f"an amendment does not fit: {wrong.message}"
    problem = implausible(changed, now) or _values(changed, f"a {changed.TOPIC} event") or _decision(changed)
    return f"an amendment does not fit: {problem}" if problem else None
