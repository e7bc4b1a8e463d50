"""The outages of an incident and the spans in which it was held to be open: what a reopening does to durations.

The rule: each resolution that was taken back by a reopening ends an outage, and the reopening begins the
next. A recovery belongs to the outage in which its instant lies. An instant is a span where its source knew
it only so exactly: 14:45 is anywhere from 14:45:00 up to 14:46:00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.events.base import Event
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentMerged,
    IncidentReopened,
    IncidentResolved,
    MilestoneSet,
)
from tracker.events.verdicts import Verdict, VerdictsGiven
from tracker.incident import Incident
from tracker.times import to_us

EXACT_SECONDS = 1.0
"""A second is the finest unit shown: what is known so exactly is taken as it is."""


@dataclass(frozen=True)
class Point:
    """An instant that lies between `earliest` and `latest`, and what it is.

    `typed` is the instant that was named, where one was; None where people said a span.
    """

    earliest: datetime
    latest: datetime
    what: str
    typed: datetime | None = None

    @property
    def named(self) -> datetime | None:
        """The one instant to count with; None of a span."""
        return self.earliest if self.earliest == self.latest else self.typed

    @property
    def instant(self) -> datetime:
        """The one instant from which limits run; of a span its beginning."""
        return self.named or self.earliest


@dataclass(frozen=True)
class OutageInterval:
    """A span in which an incident was held to be "open" or "resolved"; `end` is None while it lasts."""

    state: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Outage:
    """One outage: `start` is None for the first, which begins when the incident started.

    `recovered` is when it was over by metrics or by people's word, `resolved` when it was held to be over.
    """

    start: Point | None
    recovered: Point | None
    resolved: Point | None


def exact(at: datetime, what: str) -> Point:
    """Return an instant that is known exactly."""
    return Point(at, at, what)


def known_to(at: datetime, precision_seconds: float, what: str) -> Point:
    """Return an instant that is known so exactly.

    A whole minute was cut to it, so that it lies in that minute; what was counted back (5m-ago)
    lies on no whole unit, and is good to half of one on both sides.
    """
    if precision_seconds <= EXACT_SECONDS:
        return exact(at, what)
    length = timedelta(seconds=precision_seconds)
    if to_us(at) % (length // timedelta(microseconds=1)) == 0:
        return Point(at, at + length, what, at)
    return Point(at - length / 2, at + length / 2, what, at)


def point(event: Event, what: str) -> Point:
    """Return when an event happened, as exactly as its source knew it."""
    return known_to(event.occurred_at, event.precision_seconds, what)


def milestone_point(event: MilestoneSet) -> Point:
    """Return when a milestone was reached; people may have said two instants between which it lies."""
    if event.until is not None and event.until > event.occurred_at:
        return Point(event.occurred_at, event.until, event.milestone)
    return point(event, event.milestone)


def declared_point(incident: Incident) -> Point | None:
    """Return when an incident was declared."""
    found = [event for event in _steps(incident) if isinstance(event, IncidentDeclared)]
    return point(found[-1], "declared") if found else None


def milestone(incident: Incident, name: str) -> Point | None:
    """Return when a milestone was reached, as it was set last; None if nobody said."""
    found = [e for e in _steps(incident) if isinstance(e, MilestoneSet) and e.milestone == name]
    return milestone_point(found[-1]) if found else None


def outages(incident: Incident) -> tuple[Outage, ...]:
    """Return the outages of an incident, oldest first; there is always one."""
    starts: list[Point | None] = [None]
    ends: list[Point | None] = [None]
    for event in _steps(incident):
        if isinstance(event, IncidentResolved | IncidentMerged):
            ends[-1] = point(event, "resolved" if isinstance(event, IncidentResolved) else "merged")
        elif isinstance(event, IncidentReopened) and ends[-1] is not None:
            starts.append(point(event, "reopened"))
            ends.append(None)
    found = []
    for number, start in enumerate(starts):
        after = starts[number + 1] if number + 1 < len(starts) else None
        begins = start.earliest if start else None
        until = after.earliest if after else None
        recovered, resolved = _recovered(incident, begins, until), ends[number]
        found.append(Outage(start, _before(recovered, until), _before(resolved, until)))
    return tuple(found)


def _before(found: Point | None, until: datetime | None) -> Point | None:
    """Cut an end off where the next outage begins: no instant lies in two of them."""
    if found is None or until is None or found.latest <= until:
        return found
    typed = min(found.typed, until) if found.typed is not None else None
    return Point(min(found.earliest, until), until, found.what, typed)


def spans(incident: Incident) -> tuple[OutageInterval, ...]:
    """Return when an incident was held to be open and when resolved, from its beginning to its end.

    The spans follow each other without gaps, and lie between `begins_at` and `ends_at`, whatever
    instants its steps name; of an incident that ends before it begins they are empty.
    """
    if not incident.exists:
        return ()
    found: list[OutageInterval] = []
    begins, last = incident.begins_at, incident.ends_at
    at = begins
    for number, outage in enumerate(outages(incident)):
        if number > 0 and outage.start is not None:
            opened = _within(outage.start.instant, at, last)
            found.append(OutageInterval("resolved", at, opened))
            at = opened
        end = outage.resolved.instant if outage.resolved else None
        closed = _within(end, at, last) if end is not None else None
        found.append(OutageInterval("open", at, closed))
        at = closed if closed is not None else at
    return tuple(found)


def _within(at: datetime, earliest: datetime, latest: datetime | None) -> datetime:
    return max(earliest, min(at, latest) if latest is not None else at)


def _steps(incident: Incident) -> Iterator[Event]:
    """Return what was decided on this incident and not struck out, in the order in which it was recorded."""
    for step in incident.steps:
        if step.retraction is None and getattr(step.event, "incident", None) == incident.id:
            yield step.event


def _recovered(incident: Incident, begins: datetime | None, until: datetime | None) -> Point | None:
    """Return when an outage was over: by the metrics, else as people said."""

    def inside(found: Point) -> bool:
        after = begins is None or found.earliest >= begins
        return after and (until is None or found.earliest < until)

    measured = [each for each in _measured(incident) if inside(each.back)]
    if measured:
        held = measured[-1]
        # A deploy that finds all back is not what brought it back.
        for each in reversed(measured[:-1]):
            if each.until > held.begins and each.back.earliest <= held.back.earliest:
                held = each
        return held.back
    for name in ("mitigated", "ended"):
        said = [
            milestone_point(event)
            for event in _steps(incident)
            if isinstance(event, MilestoneSet) and event.milestone == name
        ]
        said = [each for each in said if inside(each)]
        if said:
            return said[-1]
    return None


@dataclass(frozen=True)
class _Recovery:
    """After a change that began at `begins`, all was back at `back`, and stayed so as long as was looked, to `until`."""

    begins: datetime
    until: datetime
    back: Point


def _measured(incident: Incident) -> list[_Recovery]:
    """Return when all was back after each change that left no metric out of normal, in the order of changes.

    Of each change's metrics, the verdict of the longest window counts.
    """
    last: dict[tuple[str, str], tuple[float, VerdictsGiven, Verdict]] = {}
    for event in _steps(incident):
        if not isinstance(event, VerdictsGiven):
            continue
        length = (event.occurred_at - event.window_from).total_seconds()
        for verdict in event.verdicts:
            if verdict.baseline != "healthy" or verdict.verdict == "not_enough_data":
                continue
            held = last.get((event.change, verdict.metric))
            if held is None or length >= held[0]:
                last[event.change, verdict.metric] = (length, event, verdict)
    by_change: dict[str, list[tuple[VerdictsGiven, Verdict]]] = {}
    for (change, _), (_, event, verdict) in last.items():
        by_change.setdefault(change, []).append((event, verdict))
    found = []
    for judged in by_change.values():
        left = [(event, verdict) for event, verdict in judged if verdict.verdict != "unaffected"]
        back = [each.recovered_at for _, each in left if each.verdict == "recovered" and each.recovered_at]
        if left and len(back) == len(left):
            begins = min(each.window_from - timedelta(seconds=each.settling_seconds) for each, _ in left)
            until = min(each.occurred_at for each, _ in left)
            found.append(_Recovery(begins, until, exact(max(back), "the last metric back to normal")))
    return sorted(found, key=lambda each: each.begins)


def onset(incident: Incident) -> Point | None:
    """Return when the first metric left normal, by the verdicts recorded."""
    found = [
        verdict.left_normal_at
        for event in _steps(incident)
        if isinstance(event, VerdictsGiven)
        for verdict in event.verdicts
        if verdict.left_normal_at is not None
    ]
    return exact(min(found), "the first metric out of normal") if found else None
