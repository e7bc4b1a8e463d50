"""When an incident began and when it was detected: the rules from which limits, durations and reminders run."""

from collections.abc import Iterable
from datetime import datetime

from projections.attachment import attached
from projections.outages import onset
from projections.points import Point, declared_point, milestone, point
from tracker.events.alerts import AlertFired
from tracker.events.corrections import Effective
from tracker.incident import Incident


def first_alert(incident: Incident, living: Iterable[Effective]) -> Point | None:
    """Return when the first alert of an incident fired; None if none did."""
    alerts = attached(incident, [fact for fact in living if isinstance(fact.event, AlertFired)])
    first = min((fact.event for fact in alerts), key=lambda event: event.occurred_at, default=None)
    return point(first, "first_alert") if first is not None else None


def beginning(incident: Incident, living: Iterable[Effective]) -> Point | None:
    """Return when it began: as people reported, else when the first metric left normal, else the first alert's start."""
    return milestone(incident, "started") or onset(incident) or first_alert(incident, living)


def detection(incident: Incident, living: Iterable[Effective]) -> Point | None:
    """Return when it was detected: as reported, else the first alert's start where that was before the declaration."""
    reported = milestone(incident, "detected")
    if reported is not None:
        return reported
    fired, declared = first_alert(incident, living), declared_point(incident)
    if fired is None or (declared is not None and fired.earliest > declared.latest):
        return None
    return fired


def detected_at(incident: Incident, living: Iterable[Effective]) -> datetime:
    """Return from when limits run: the detection, else the declaration."""
    found = detection(incident, living) or declared_point(incident)
    assert found is not None
    return found.instant
