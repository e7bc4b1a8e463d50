"""Gather the facts of an incident from its log: every instant with its names, and what people noted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

from projections.actions import ActionItem, actions_among, of_incident
from projections.changes import ChangeRow, in_production
from projections.claims.clocks import clocks
from projections.claims.facts import Facts, written
from projections.claims.stamps import Stamp
from projections.claims.text import content_words, versions_in
from projections.claims.topics import topics_in
from projections.claims.vocabulary import any_case
from projections.dossier import Dossier
from projections.durations import Duration, durations
from projections.incident_windows import Part
from projections.messages import Message, sent
from projections.updates import messages_of
from projections.versions import plain_version
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import Window, of_kinds
from tracker.events.changes import BranchSeen, CommitMade, TestsFinished, VersionTagged
from tracker.events.corrections import Effective
from tracker.events.incidents import (
    IncidentDeclared,
    IncidentReopened,
    IncidentResolved,
    LeadChanged,
    MilestoneSet,
    NoteAdded,
    ServiceAdded,
    SeverityChanged,
    StageChanged,
)
from tracker.events.repeats import Repeats
from tracker.events.verdicts import CheckMade, VerdictsGiven
from tracker.incident import Incident

_BUMP = any_case(r"\bbump\b|^release\b|\bversion\b")
_NOTED_ALWAYS = frozenset(
    ["reported", "joined", "decided", "verified", "hypothesis", "tested", "started", "confirmed"]
)
_NOT_FROM_NOTES = frozenset(
    ("outage", "severity", "message", "lead", "deploy failed", "rolling back", "reopened", "committed", "alerted",
     "alert ended", "fixed"))  # fmt: skip


def facts_of(dossier: Dossier, *, zones: Sequence[tzinfo] = (UTC,), zone_known: bool = False) -> Facts:
    """Gather what the log holds of an incident; "now" is when the last event was recorded."""
    incident = dossier.incident
    steps = [step for step in incident.steps if step.retraction is None]
    notes = tuple(step for step in steps if isinstance(step.event, NoteAdded))
    rows = tuple(in_production(dossier.own_changes))
    messages = tuple(sent(messages_of(incident)))
    measured = durations(dossier)
    stamps = [
        *_decided(incident, steps),
        *_observed(dossier.own, dossier.own_repeats),
        *_changed(rows),
        *_sent(messages),
        *_measured(measured),
    ]
    known = {stamp.point for stamp in stamps}
    if "detected" not in known:
        early = sorted((s for s in stamps if s.point in ("alerted", "declared")), key=lambda s: s.at)[:1]
        stamps += [replace(each, point="detected") for each in early]
    if incident.detected_by in ("customer", "person"):
        stamps += [replace(each, point="reported") for each in stamps if each.point == "detected"]
    noted = [stamp for note in notes for stamp in _noted(note, known)]
    commits = tuple(each for each in dossier.own if isinstance(each.event, CommitMade))
    actions: tuple[ActionItem, ...] = ()
    if Part.ACTIONS in dossier.parts:
        told = [dossier.effective[each.id] for each in dossier.select([Window("actions")])]
        actions = tuple(of_incident(actions_among(told), incident))
    facts = Facts(
        logged=(*stamps, *noted),
        incident=incident,
        durations=measured,
        changes=rows,
        earlier=tuple(in_production(dossier.changes)),
        elsewhere=tuple(row for row in dossier.own_changes if row.elsewhere),
        messages=messages,
        notes=notes,
        commits=tuple(each for each in dossier.living(dossier.work) if isinstance(each.event, CommitMade))
        or commits,
        actions=actions,
        zones=tuple(zones),
        zone_known=zone_known,
        now=dossier.last_recorded_at,
    )
    living = dossier.living(dossier.work)
    versions = {
        plain_version(v)
        for row in rows
        if row.kind != "merge"
        for v in (row.version, row.previous_version)
        if v
    }
    versions |= {plain_version(each.event.name) for each in living if isinstance(each.event, VersionTagged)}
    versions |= {
        v for each in living if isinstance(each.event, BranchSeen) for v in versions_in(each.event.name)
    }
    if not any(row.kind != "merge" for row in rows):
        texts_of_notes = (note.event.text for note in notes if isinstance(note.event, NoteAdded))
        versions |= {v for text in texts_of_notes for v in versions_in(text)}
    texts = tuple((stamp, content_words(f"{text} {stamp.by or ''}")) for stamp, text in _texts(facts, stamps))
    return replace(facts, versions=frozenset(versions), texts=texts)


def _decided(incident: Incident, steps: Iterable[Effective]) -> Iterable[Stamp]:
    """Yield the instants of what people said and decided."""
    names = {"mitigated": "recovered", "ended": "recovered"}
    for step in steps:
        event = step.event
        by = getattr(event, "decided_by", None)

        def at(point: str, *tags: str, who: str | None = by, step: Effective = step) -> Stamp:
            return Stamp(
                point, step.event.occurred_at, step.id, names=frozenset(t.lower() for t in tags if t), by=who
            )

        if isinstance(event, IncidentDeclared) and event.incident == incident.id:
            yield at("declared", event.severity)
            yield at("severity", event.severity)
            if event.lead:
                yield at("lead", who=event.lead)
        elif isinstance(event, MilestoneSet):
            point = names.get(event.milestone, event.milestone)
            yield Stamp(point, event.occurred_at, step.id, event.until, by=by)
        elif isinstance(event, IncidentResolved):
            yield at("resolved")
        elif isinstance(event, IncidentReopened):
            yield at("reopened")
        elif isinstance(event, SeverityChanged):
            yield at("severity", event.severity)
        elif isinstance(event, LeadChanged):
            yield at("lead", who=event.lead)
        elif isinstance(event, ServiceAdded):
            yield at("service added", event.service)
        elif isinstance(event, StageChanged):
            yield at("cause" if event.stage == "identified" else "stage", event.stage)
        elif isinstance(event, NoteAdded):
            point = {"root-cause": "cause", "hypothesis": "hypothesis"}.get(event.kind, "note")
            yield at(point, event.kind)
            if event.affected_from:
                yield Stamp("started", event.affected_from, step.id, by=by)
            if event.affected_to:
                yield Stamp("recovered", event.affected_to, step.id, by=by)
        elif isinstance(event, VerdictsGiven):
            yield at("verified", plain_version(event.version), who=None)
            for verdict in event.verdicts:
                if verdict.left_normal_at and "started" not in incident.milestones:
                    yield Stamp("started", verdict.left_normal_at, step.id)
                if verdict.recovered_at:
                    yield Stamp("recovered", verdict.recovered_at, step.id)
        elif isinstance(event, CheckMade):
            yield at("verified")


def _observed(own: Iterable[Effective], repeats: Iterable[Repeats]) -> Iterable[Stamp]:
    """Yield the instants of alerts, errors, commits, branches and tests."""
    kinds = (AlertFired, AlertResolved, CommitMade, BranchSeen, TestsFinished)
    errors = [(each.event.occurred_at, each.id) for each in of_kinds(own, ErrorSeen)]
    first_error = min([*errors, *(each.stored[0][:2] for each in repeats)], default=None)
    if first_error is not None:
        yield Stamp("first error", *first_error)
    for each in sorted(of_kinds(own, *kinds), key=lambda each: each.order):
        event = each.event
        service = (getattr(event, "service", None) or "").lower()
        if isinstance(event, AlertFired | AlertResolved):
            point = "alerted" if isinstance(event, AlertFired) else "alert ended"
            yield Stamp(point, event.occurred_at, each.id, names=frozenset((event.name.lower(), service)))
        elif isinstance(event, CommitMade):
            tags = {event.sha[:7], service, *(plain_version(v) for v in versions_in(event.subject_line))}
            tags |= {word for word in ("develop", "main", "master") if word in event.subject_line.lower()}
            point = "merged" if event.is_merge else "committed"
            yield Stamp(point, event.occurred_at, each.id, names=frozenset(tags), by=event.author)
        elif isinstance(event, BranchSeen):
            yield Stamp(
                "branched", event.occurred_at, each.id, names=frozenset((event.name.lower(), service))
            )
        elif isinstance(event, TestsFinished):
            yield Stamp("tested", event.occurred_at, each.id)


def _changed(rows: Iterable[ChangeRow]) -> Iterable[Stamp]:
    """Yield the instants of deploys, rollbacks and merges."""
    for row in rows:
        names = frozenset(filter(None, (plain_version(row.version), (row.service or "").lower())))
        if row.kind == "merge":
            continue
        done, doing = ("deployed", "deploying") if row.kind == "deploy" else ("rolled back", "rolling back")
        if row.started_at is not None:
            yield Stamp(doing, row.started_at, row.event, names=names, by=row.by)
        if row.status == "failed":
            yield Stamp(f"{row.kind} failed", row.at, row.event, names=names, by=row.by)
        else:
            yield Stamp(done, row.finished_at or row.at, row.event, names=names, by=row.by)


def _sent(messages: Iterable[Message]) -> Iterable[Stamp]:
    for message in messages:
        event = message.sent_event or message.event
        names = frozenset((message.kind,))
        if message.sent_at is not None:
            yield Stamp("message", message.sent_at, event, names=names, by=message.by)
        if message.eta is not None:
            yield Stamp("eta", message.eta, event, names=names)


def _measured(measured: Mapping[str, Duration]) -> Iterable[Stamp]:
    held = measured.get("downtime")
    if held is not None and held.state == "recorded" and held.to is not None and held.from_ is not None:
        yield Stamp("recovered", held.to, None)
        yield Stamp("started", held.from_, None)


def _noted(note: Effective, known: set[str]) -> Iterable[Stamp]:
    """Yield the points that a note names, at its instant, and the instants that it contains."""
    event = note.event
    assert isinstance(event, NoteAdded)
    text = event.text[:500]
    inside = clocks(text)
    for clock in inside:
        day = event.occurred_at.date()
        for at in clock.instants([UTC], [day, day - timedelta(days=1)])[:1]:
            yield Stamp("noted", at, note.id, by=event.decided_by, origin="note")
    if inside or event.kind in ("prevention", "lesson", "impact"):
        return
    for topic in topics_in(text):
        if "deployed" in known and topic.point in (
            "rolled back",
            "deployed",
            "deploying",
            "merged",
            "tested",
        ):
            continue
        if (
            topic.negated
            or topic.point in _NOT_FROM_NOTES
            or (topic.point in known and topic.point not in _NOTED_ALWAYS)
        ):
            continue
        yield Stamp(topic.point, event.occurred_at, note.id, by=event.decided_by, origin="note")


def _texts(facts: Facts, stamps: Iterable[Stamp]) -> Iterable[tuple[Stamp, str]]:
    """Yield what the log says in words of each event, for rows that repeat it in other words."""
    by_event = {stamp.event: stamp for stamp in stamps if stamp.event and stamp.point != "eta"}
    for note in facts.notes:
        if note.id in by_event and isinstance(note.event, NoteAdded):
            yield by_event[note.id], written(note.event)[:1000]
    for message in facts.messages:
        if (event := message.sent_event or message.event) in by_event:
            yield by_event[event], message.text[:1000]
    for commit in facts.commits:
        if commit.id in by_event and isinstance(commit.event, CommitMade):
            yield by_event[commit.id], commit.event.subject_line


def is_bump(commit: CommitMade) -> bool:
    """Whether a commit only raises the version."""
    return _BUMP.search(commit.subject_line) is not None
