"""Instants as exactly as they are known: 14:45 is anywhere from 14:45:00 up to 14:46:00."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tracker.events.base import Event
from tracker.events.incidents import IncidentDeclared, MilestoneSet
from tracker.incident import Incident
from tracker.times import to_us

EXACT_SECONDS = 1.0
"""A second is the finest unit shown: what is known so exactly counts as exact."""


@dataclass(frozen=True)
class Point:
    """An instant that lies between `earliest` and `latest`, and what it is, as a code with its facts.

    `typed` is the instant that was named, where one was; None where people gave a span.
    """

    earliest: datetime
    latest: datetime
    what: str
    typed: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> datetime | None:
        """The one instant to calculate with; None of a span."""
        return self.earliest if self.earliest == self.latest else self.typed

    @property
    def instant(self) -> datetime:
        """The one instant from which limits run; of a span its beginning."""
        return self.named or self.earliest

    @property
    def is_unknown(self) -> bool:
        """Whether it is known no better than to a day: an imported record that names no end has such a one."""
        return self.latest - self.earliest >= timedelta(days=1)


def exact(at: datetime, what: str) -> Point:
    return Point(at, at, what)


def known_to(
    at: datetime, precision_seconds: float, what: str, facts: Mapping[str, Any] | None = None
) -> Point:
    """Return an instant that is known to a precision.

    A whole minute was cut to it, so that it lies in that minute; what was counted back (5m-ago)
    lies on no whole unit, and is good to half of one on both sides.
    """
    if precision_seconds <= EXACT_SECONDS:
        return Point(at, at, what, facts=facts or {})
    length = timedelta(seconds=precision_seconds)
    if to_us(at) % (length // timedelta(microseconds=1)) == 0:
        return Point(at, at + length, what, at, facts or {})
    return Point(at - length / 2, at + length / 2, what, at, facts or {})


def point(event: Event, what: str) -> Point:
    """Return when an event happened, as exactly as its source knew it."""
    return known_to(event.occurred_at, event.precision_seconds, what)


def milestone_point(event: MilestoneSet) -> Point:
    """Return when a milestone was reached; people may have given two instants between which it lies."""
    if event.until is not None and event.until > event.occurred_at:
        return Point(event.occurred_at, event.until, event.milestone)
    return point(event, event.milestone)


def milestone_points(incident: Incident, name: str) -> list[Point]:
    """Return the instants of a milestone, in the order in which they were recorded."""
    events = [step.event for step in incident.own_steps]
    return [milestone_point(one) for one in events if isinstance(one, MilestoneSet) and one.milestone == name]


def milestone(incident: Incident, name: str) -> Point | None:
    """Return when a milestone was reached, as it was set last; None if nobody did."""
    return next(reversed(milestone_points(incident, name)), None)


def declared_point(incident: Incident) -> Point | None:
    declared = [step.event for step in incident.own_steps if isinstance(step.event, IncidentDeclared)]
    return point(declared[-1], "declared") if declared else None
