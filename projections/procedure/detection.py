"""From when limits run."""

from collections.abc import Iterable
from datetime import datetime

from projections.attachment import attached
from tracker.events.alerts import AlertFired
from tracker.events.corrections import Effective
from tracker.incident import Incident


def detected_at(incident: Incident, living: Iterable[Effective]) -> datetime:
    """Return when an incident was detected: as people said, else the first alert before the declaration, else that."""
    said = incident.milestones.get("detected")
    if said is not None:
        return said.at
    declared = incident.declared_at
    assert declared is not None
    fired = [
        each.event.occurred_at
        for each in attached(incident, living)
        if isinstance(each.event, AlertFired) and each.event.occurred_at <= declared
    ]
    return min(fired, default=declared)
