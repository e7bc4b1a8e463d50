"""The rows of the tables of changes and alerts: what sources reported, with the incidents that it belongs to."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from projections.alert_spans import spans
from projections.changes import ChangeRow
from projections.deduplication import deduplicate
from projections.frames.columns import ALERTS, CHANGES
from projections.frames.tables import Row, incidents_of_facts
from tracker.application.all_incidents import AllIncidents
from tracker.events.alerts import AlertFired, AlertResolved


def changes(known: AllIncidents) -> Iterator[Row]:
    candidate_for, said, fixed = known.candidates(), defaultdict(list), defaultdict(list)
    for incident in known.incidents:
        for link in incident.links.values():
            if link.linked and link.role:
                said[link.target, link.role].append(incident.id)
        if (fix := known.fix(incident)) is not None:
            fixed[fix.event].append(incident.id)

    def row(change: ChangeRow) -> dict[str, Any]:
        def said_of(role: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(name for event in change.evidence for name in said[event, role]))

        seconds = _seconds(change.started_at, change.finished_at)
        return {
            **CHANGES.of(change),
            "occurred_at": change.at,
            "duration_seconds": seconds
            if seconds is not None
            else getattr(change.fact, "duration_seconds", None),
            "candidate_for": tuple(candidate_for.get(change.event, ())),
            "fixed": tuple(fixed.get(change.event, ())),
            **{f"said_{role}": said_of(role) for role in ("caused", "fixed", "dismissed")},
        }

    return map(row, known.changes)


def alerts(known: AllIncidents) -> Iterator[Row]:
    incident_of = incidents_of_facts(known.alerts)
    facts = known.observed(AlertFired, AlertResolved)
    for span in spans(deduplicate(facts)):
        starts_at = span.starts_at
        if starts_at is None:
            continue
        statements = [*span.fired, *span.resolved, *span.repeats]
        witnesses = [witness for _, of_one in statements for witness in of_one]
        shown = statements[0][0]
        event: Any = shown.event
        yield {
            **ALERTS.of(event),
            "starts_at": starts_at,
            "incident": next((incident_of[each.id] for each in witnesses if each.id in incident_of), None),
            "ends_at": span.ends_at,
            "duration_seconds": _seconds(starts_at, span.ends_at),
            "summary": event.annotations.get("summary"),
            "labels": dict(event.labels),
            "sources": tuple(sorted({getattr(each.event, "source", "") for each in witnesses})),
            "handle": shown.handle,
            "event": shown.id,
            "evidence": tuple(dict.fromkeys(each.id for each in witnesses)),
        }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start is not None and end is not None else None
