"""When an incident began and when it was detected: the rules from which limits, durations and reminders run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.lives import FACTS_BEFORE
from projections.outages import onset, outages
from projections.points import Point, declared_point, exact, milestone, milestone_points, point
from tracker.events.alerts import AlertFired
from tracker.events.corrections import Effective
from tracker.events.incidents import IncidentReopened
from tracker.incident import Incident

_LONGEST_UNNOTICED = timedelta(days=1)
"""An alert that fired so long before an incident is not what it was detected by."""


def first_alert(incident: Incident, own: Iterable[Effective]) -> Point | None:
    """Return when the first alert of an incident fired; None if none did before it was declared.

    Where none began in the hour before it, the last one counts that still fired when it was declared: an older one may
    be about anything. `own` are facts that belong to the incident.
    """
    declared = declared_point(incident)
    assert declared is not None
    fired = [fact.event for fact in own if isinstance(fact.event, AlertFired)]
    fired.sort(key=lambda event: event.occurred_at)
    since = incident.begins_at - FACTS_BEFORE
    before = [event for event in fired if event.occurred_at <= declared.latest]
    near = [event for event in before if event.occurred_at >= since]
    still = [event for event in before if since - _LONGEST_UNNOTICED <= event.occurred_at < since]
    first = [*near[:1], *still[-1:]][:1]
    return point(first[0], "first_alert") if first else None


def beginning(incident: Incident, own: Iterable[Effective]) -> Point | None:
    """Return when it began: as people reported, else when the first metric left normal, else the first alert's start."""
    return milestone(incident, "started") or onset(incident) or first_alert(incident, own)


def detection(incident: Incident, own: Iterable[Effective]) -> Point | None:
    """Return when it was detected: as reported, else the first alert's start where that was before the declaration."""
    return milestone(incident, "detected") or first_alert(incident, own)


def detected_at(incident: Incident, own: Iterable[Effective]) -> datetime:
    """Return from when limits run: the detection, else the declaration."""
    found = detection(incident, own) or declared_point(incident)
    assert found is not None
    return found.instant


@dataclass(frozen=True)
class Relapse:
    """An incident came back: when it was reopened, when that was detected, and why it was reopened."""

    reopened: Point
    detected: Point
    why: str


def relapse(incident: Incident, own: Iterable[Effective]) -> Relapse | None:
    """Return how it came back the last time; None if it never did.

    It was detected as reported since it was resolved, else by the first alert since then, else by the reopening.
    `own` are facts that belong to the incident.
    """
    found = outages(incident)
    reopened = found[-1].start
    if reopened is None:
        return None
    over = found[-2].resolved
    since = over.earliest if over is not None else reopened.earliest
    reported = [each for each in milestone_points(incident, "detected") if each.earliest >= since]
    fired = sorted(
        fact.event.occurred_at
        for fact in own
        if isinstance(fact.event, AlertFired) and since < fact.event.occurred_at <= reopened.latest
    )
    by_alert = [exact(fired[0], "first_alert")] if fired else []
    why = [step.event.why for step in incident.own_steps if isinstance(step.event, IncidentReopened)]
    return Relapse(reopened, [*reported[-1:], *by_alert, reopened][0], why[-1])
