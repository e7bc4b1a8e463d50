"""From the log's events to what claims are compared with: the instants of each point of an incident."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from projections.changes import ChangeRow, in_production
from projections.claims.clocks import clocks
from projections.claims.facts import ClaimFacts, Stamp, versions_in
from projections.claims.vocabulary import NOT_NOW, mentions
from projections.detection import detection
from projections.dossier import Dossier
from projections.durations import Duration, durations
from projections.messages import sent
from projections.updates import messages_of
from projections.versions import plain_version
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Event
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.events.corrections import Effective
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentReopened,
    IncidentResolved,
    LeadChanged,
    NoteAdded,
    StageChanged,
)
from tracker.events.verdicts import CheckMade, VerdictsGiven
from tracker.incident import Incident


def claim_facts(
    dossier: Dossier,
    *,
    zones: Sequence[tzinfo] = (UTC,),
    zone_known: bool = False,
    peaks: Mapping[str, tuple[float, str | None]] | None = None,
) -> ClaimFacts:
    """Gather what the log holds of an incident; "now" is when the last event was recorded."""
    incident, own = dossier.incident, dossier.own
    living = dossier.living(dossier.facts)
    steps = [step for step in incident.steps if step.retraction is None]
    notes = tuple(step for step in steps if isinstance(step.event, NoteAdded))
    rows = tuple(in_production(dossier.own_changes))
    measured = durations(dossier)
    points = _points(incident, steps, own, rows, measured)
    said = _from_notes(notes, points)
    for point, stamps in said.items():
        if not points.get(point) or point in ("reported", "verified", "confirmed", "cause", "started"):
            points.setdefault(point, []).extend(stamps)
    if incident.detected_by in (None, "customer", "person") and not points.get("reported"):
        points["reported"] = list(points.get("detected", []))
    if not points.get("detected"):
        points["detected"] = list(points.get("reported") or points.get("alerted") or _some_time(points) or [])
    everything = [*(each for stamps in points.values() for each in stamps if each.origin == "log")]
    everything += [Stamp(step.event.occurred_at, _called(step.event), step.id) for step in steps]
    everything += [Stamp(each.event.occurred_at, _called(each.event), each.id) for each in own]
    versions = {plain_version(row.version) for row in rows if row.kind != "merge"}
    versions |= {plain_version(r.previous_version) for r in rows if r.previous_version}
    versions |= {plain_version(each.event.name) for each in living if isinstance(each.event, VersionTagged)}
    versions |= {
        v for each in living if isinstance(each.event, BranchSeen) for v in versions_in(each.event.name)
    }
    versions |= (
        {v for note in notes if isinstance(note.event, NoteAdded) for v in versions_in(note.event.text)}
        if not any(row.kind != "merge" for row in rows)
        else set()
    )
    return ClaimFacts(
        incident=incident,
        points={name: tuple(sorted(each, key=lambda s: s.at)) for name, each in points.items()},
        durations=measured,
        changes=rows,
        elsewhere=tuple(row for row in dossier.own_changes if row.elsewhere),
        messages=tuple(sent(messages_of(incident))),
        notes=notes,
        commits=tuple(each for each in own if isinstance(each.event, CommitMade)),
        alerts=tuple(each for each in own if isinstance(each.event, AlertFired)),
        everything=tuple(sorted(everything, key=lambda each: each.at)),
        versions=frozenset(versions),
        leads=_leads(steps),
        now=max((each.recorded_at for each in dossier.facts), default=incident.begins_at),
        peaks=peaks or {},
        zones=tuple(dict.fromkeys((*zones, *_typed_in(steps)))),
        zone_known=zone_known,
    )


def _points(
    incident: Incident,
    steps: Sequence[Effective],
    own: Sequence[Effective],
    rows: Sequence[ChangeRow],
    measured: Mapping[str, Duration],
) -> dict[str, list[Stamp]]:
    found: dict[str, list[Stamp]] = {}

    def add(
        point: str, at: datetime | None, what: str, event: str | None, until: datetime | None = None
    ) -> None:
        if at is not None:
            found.setdefault(point, []).append(Stamp(at, what, event, until))

    words = {
        "started": ("started", "it started"),
        "detected": ("detected", "it was detected"),
        "confirmed": ("confirmed", "it was confirmed"),
        "mitigated": ("recovered", "it was mitigated"),
        "ended": ("recovered", "it ended"),
    }
    for name, said in incident.milestones.items():
        add(words[name][0], said.at, words[name][1], said.event, said.until)
    for step in steps:
        event = step.event
        if isinstance(event, IncidentDeclared) and event.incident == incident.id:
            add("declared", event.occurred_at, "it was declared", step.id)
        elif isinstance(event, IncidentResolved):
            add("resolved", event.occurred_at, "it was resolved", step.id)
        elif isinstance(event, IncidentReopened):
            add("declared", event.occurred_at, "it was reopened", step.id)
        elif isinstance(event, StageChanged) and event.stage == "identified":
            add("cause", event.occurred_at, "its cause was identified", step.id)
        elif isinstance(event, NoteAdded) and event.kind == "root-cause":
            add("cause", event.occurred_at, "its root cause was noted", step.id)
        elif isinstance(event, VerdictsGiven):
            add(
                "verified",
                event.occurred_at,
                f"the {event.window} after {event.version} were judged",
                step.id,
            )
            for verdict in event.verdicts:
                if verdict.left_normal_at and "started" not in incident.milestones:
                    add("started", verdict.left_normal_at, f"{verdict.metric} left normal", step.id)
                if verdict.recovered_at:
                    add("recovered", verdict.recovered_at, f"{verdict.metric} was back to normal", step.id)
        elif isinstance(event, CheckMade):
            add("verified", event.occurred_at, "the metrics were looked at", step.id)
    for each in own:
        fact = each.event
        if isinstance(fact, AlertFired):
            add("alerted", fact.occurred_at, f"the alert {fact.name} fired", each.id)
            if "started" not in incident.milestones:
                add("started", fact.occurred_at, f"the alert {fact.name} fired", each.id)
        elif isinstance(fact, AlertResolved):
            add("alert ended", fact.occurred_at, f"the alert {fact.name} stopped firing", each.id)
            add("recovered", fact.occurred_at, f"the alert {fact.name} stopped firing", each.id)
    erred = min((e for e in own if isinstance(e.event, ErrorSeen)), key=lambda e: e.order, default=None)
    if erred is not None:
        add("first error", erred.event.occurred_at, "the first error was seen", erred.id)
    elif found.get("started"):
        found["first error"] = list(found["started"])
    for row in rows:
        if row.kind == "merge":
            add("merged", row.at, f"{row.version} was merged", row.event)
            continue
        point = "rolled back" if row.kind == "rollback" else "deployed"
        done = "was put back" if row.kind == "rollback" else "was deployed"
        if row.finished_at is None:
            done = f"began to be {'put back' if row.kind == 'rollback' else 'deployed'}"
        if row.status != "failed":
            add(point, row.finished_at or row.started_at, f"{row.version} {done}", row.event)
        else:
            add(point, row.at, f"the {row.kind} of {row.version} failed", row.event)
        if row.started_at is not None:
            add(
                "deploying" if row.kind == "deploy" else point,
                row.started_at,
                f"the {row.kind} of {row.version} began",
                row.event,
            )
    held = measured.get("downtime")
    if held is not None and held.to is not None and held.state == "recorded":
        same = [each for stamps in found.values() for each in stamps if each.at == held.to]
        add(
            "recovered",
            held.to,
            same[0].what if same else "all was back to normal",
            same[0].event if same else None,
        )
    alert = detection(incident, own) if incident.detected_by in (None, "alert") else None
    if "detected" not in found and alert is not None:
        found["detected"] = [stamp for stamp in found["alerted"] if stamp.at == alert.instant]
    return found


def _typed_in(steps: Sequence[Effective]) -> list[tzinfo]:
    """Return the offsets that people typed times in: a report without a zone may well be in theirs."""
    minutes = dict.fromkeys(step.event.utc_offset_minutes for step in steps if step.event.utc_offset_minutes)
    return [timezone(timedelta(minutes=each)) for each in list(minutes)[:4]]


def _some_time(points: Mapping[str, list[Stamp]]) -> list[Stamp]:
    """Return the span in which it must have been detected where no detection is recorded: from start to declaration."""
    declared = min(points.get("declared", []), key=lambda each: each.at, default=None)
    started = min(points.get("started", []), key=lambda each: each.at, default=None)
    if declared is None or started is None or started.at >= declared.at:
        return [declared] if declared else []
    return [Stamp(started.at, "it was detected before its declaration", declared.event, declared.at)]


_NOTED = {
    "first error": "the first error was seen",
    "started": "it started",
    "reported": "the first report came",
    "detected": "it was detected",
    "alerted": "an alert fired",
    "alert ended": "the alert stopped",
    "declared": "it was declared",
    "confirmed": "it was confirmed",
    "cause": "its root cause was identified",
    "deploying": "the deploy began",
    "deployed": "the fix was deployed",
    "rolled back": "it was rolled back",
    "recovered": "it recovered",
    "verified": "it was verified",
    "resolved": "it was resolved",
    "merged": "it was merged",
}


def _from_notes(notes: Sequence[Effective], points: Mapping[str, list[Stamp]]) -> dict[str, list[Stamp]]:
    """Return the points that people wrote down in words, at the instant of the note."""
    found: dict[str, list[Stamp]] = {}
    for note in notes:
        event = note.event
        assert isinstance(event, NoteAdded)
        if event.kind in ("prevention", "lesson") or clocks(event.text):
            continue
        text = event.text[:500]
        for each in mentions(text):
            before = text[: each.start]
            if NOT_NOW.search(text) or re.search(
                r"\b(?:no|not|never|before|since|until)\b[^.,;]{0,20}$", before, re.IGNORECASE
            ):
                continue
            found.setdefault(each.point, []).append(
                Stamp(event.occurred_at, _NOTED[each.point], note.id, origin="note")
            )
    return found


def from_rows(facts: ClaimFacts, rows: Sequence[tuple[str, datetime]]) -> ClaimFacts:
    """Add from a text's own timeline the points that the log does not have."""
    added: dict[str, list[Stamp]] = {}
    for text, at in rows:
        for each in mentions(text):
            if not facts.of(each.point):
                added.setdefault(each.point, []).append(Stamp(at, _NOTED[each.point], None, origin="text"))
    if not added:
        return facts
    return replace(facts, points={**facts.points, **{name: tuple(each) for name, each in added.items()}})


def _called(event: Event) -> str:
    return event.TOPIC.replace("-", " ")


def _leads(steps: Sequence[Effective]) -> tuple[tuple[datetime, str, str], ...]:
    found = []
    for step in steps:
        event = step.event
        if isinstance(event, IncidentDeclared | LeadChanged) and event.lead:
            found.append((event.occurred_at, event.lead, step.id))
    return tuple(found)
