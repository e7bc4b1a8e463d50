"""What happened, in the order in which it happened.

The one builder for the command line, the report, the page, JSON and notebooks. It reads
no clock and no store: events in, rows out, in the one total order of `Effective.order`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter

import msgspec

from projections.alert_groups import folded
from projections.alert_spans import joined
from projections.attachment import attached, attached_repeats
from projections.changes import steps
from projections.deduplication import Statement, deduplicate, reported_once
from projections.dossier import Dossier
from projections.places import Production
from projections.silence import Silence, silences_of
from projections.tags import Tags
from projections.timeline_rows import Entry, Group, entry
from tracker.events.actions import Action
from tracker.events.alerts import AlertFired, AlertResolved, ErrorSeen
from tracker.events.base import (
    Decision,
    Event,
    Observation,
    of_kinds,
)
from tracker.events.changes import BranchSeen, Change, CommitMade, RepositoryRead
from tracker.events.corrections import Correction, Effective
from tracker.events.incidents import MilestoneSet
from tracker.events.messages import (
    MessageFailed,
    MessagePosting,
    MessagePrepared,
    MessagePrinted,
    MessageSent,
)
from tracker.events.repeats import ErrorKey, Repeats
from tracker.events.samples import AlertRuleSeen, MetricSampled, SourceCollected
from tracker.events.silence import SourceSilent
from tracker.events.verdicts import CheckMade
from tracker.incident import Incident

_UNSEEN = (MetricSampled, SourceCollected, AlertRuleSeen, RepositoryRead)


def _is_row(event: Event) -> bool:
    """Whether a fact is a row; a branch without a fork point adds nothing to its commits."""
    return not isinstance(event, _UNSEEN) and not (isinstance(event, BranchSeen) and event.fork_point is None)


def timeline(
    dossier: Dossier,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    order: str = "occurred",
) -> list[Entry]:
    """Build the rows of an incident; in the order "recorded" how it came in a bundle is one, too."""
    recorded = [*dossier.facts, *dossier.imports] if order == "recorded" else dossier.facts
    facts = [dossier.effective[each.id] for each in recorded]
    rows = entries(
        facts,
        incident=dossier.incident,
        others=dossier.neighbours,
        start=start,
        end=end,
        order=order,
        production=dossier.production,
        tags=dossier.tags,
        repeats=dossier.repeats,
        own=None if order == "recorded" else dossier.own,
    )
    people = dossier.settings(None)[0].get("people", {})
    names = {other: name for name, others in people.items() for other in others}
    return [_under_one_name(row, names) for row in rows] if names else rows


def _under_one_name(row: Entry, names: Mapping[str, str]) -> Entry:
    """Give a person that the settings know under several names the one that the log uses."""
    fact = row.fact
    if isinstance(fact, CommitMade) and fact.author in names:
        row = replace(row, fact=msgspec.structs.replace(fact, author=names[fact.author]))
    return replace(row, by=names.get(row.by, row.by)) if row.by is not None else row


def entries(
    events: Iterable[Effective],
    *,
    incident: Incident | None = None,
    others: Sequence[Incident] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    order: str = "occurred",
    production: Production | None = None,
    tags: Tags | None = None,
    repeats: Sequence[Repeats] = (),
    own: list[Effective] | None = None,
) -> list[Entry]:
    """Build the rows of an incident, or of a span of services' facts, without what was retracted.

    What belongs to one of the `others` is no row of the incident; `own` is what belongs to it, where that is known.

    In the order "recorded" the corrections are rows too, and what they struck out: that is how the
    log learned of it all.
    """
    everything = list(events)
    facts, decisions = _of_incident(
        [each for each in everything if each.retraction is None], incident, others, own
    )
    if of_kinds(facts, BranchSeen, *_UNSEEN):
        facts = [fact for fact in facts if _is_row(fact.event)]
    if incident is not None and order == "occurred":
        decisions = _outcomes([decision for decision in decisions if _counts(decision, incident)])
    # A silence that began before the span may last into it: then it is a row of it.
    silent = {event: silence for silence in silences_of(facts) for event in silence.evidence}
    if start is not None:
        facts = [fact for fact in facts if fact.event.occurred_at >= start or _lasts(fact, silent, start)]
        decisions = [decision for decision in decisions if decision.event.occurred_at >= start]
    if end is not None:
        facts, decisions = (
            [each for each in some if each.event.occurred_at < end] for some in (facts, decisions)
        )
    tags = Tags(each for each in everything if each.retraction is None) if tags is None else tags
    mine = repeats if incident is None else attached_repeats(incident, repeats, others)
    again = {part.key: part for one in mine if (part := one.between(start, end)) is not None}
    groups = _gathered(facts, again, silent, production, tags) + [
        Group(decision, (decision,)) for decision in decisions
    ]
    if order == "recorded":
        corrections = [each for each in everything if isinstance(each.event, Correction)]
        retracted = _of_incident(
            [each for each in everything if each.retraction is not None], incident, others
        )
        groups += [Group(each, (each,)) for each in corrections]
        groups += [Group(each, (each,), {"retracted": True}) for some in retracted for each in some]
    if order == "recorded":
        return sorted((entry(group, incident) for group in groups), key=lambda row: (row.position, row.event))
    return [entry(group, incident) for group in sorted(groups, key=lambda group: group.shown.order)]


def _of_incident(
    events: Sequence[Effective],
    incident: Incident | None,
    others: Sequence[Incident],
    known: list[Effective] | None = None,
) -> tuple[list[Effective], list[Effective]]:
    """Return the facts and the decisions of an incident, or of all; corrections are neither."""
    facts = of_kinds(events, Observation) if known is None else known
    decisions = [each for each in of_kinds(events, Decision) if not isinstance(each.event, Correction)]
    if incident is None:
        return facts, decisions
    own = (incident.id, *incident.merged_from)
    # An action item of another incident may be linked to this one, and is no part of its story.
    return facts if known is not None else attached(incident, facts, others), [
        each for each in decisions if not (isinstance(each.event, Action) and each.event.incident not in own)
    ]


def _outcomes(decisions: Sequence[Effective]) -> list[Effective]:
    """Of each message, keep its outcome, or its preparation while it has none.

    A text that went to several channels is one message: the first post of it is kept.
    """
    settled = {
        each.event.prepared
        for each in decisions
        if isinstance(each.event, MessageSent)
        or (isinstance(each.event, MessageFailed) and each.event.retry_at is None)
    }
    again = _posted_again(decisions)
    return [
        each
        for each in decisions
        if not isinstance(each.event, MessagePosting | MessagePrinted)
        and not (isinstance(each.event, MessagePrepared) and each.id in settled)
        and not (isinstance(each.event, MessageFailed) and each.event.retry_at is not None)
        and each.id not in again
    ]


def _posted_again(decisions: Sequence[Effective]) -> set[str]:
    """Return the posts of a text that another channel had before, and the preparations for those."""
    texts = {
        each.id: (each.event.incident, each.event.kind, each.event.text, each.event.occurred_at)
        for each in decisions
        if isinstance(each.event, MessagePrepared)
    }
    first: dict[object, str] = {}
    again = set()
    for each in sorted(decisions, key=lambda decision: decision.recorded.position):
        prepared = each.event.prepared if isinstance(each.event, MessageSent) else None
        if prepared in texts and first.setdefault(texts[prepared], each.id) != each.id:
            again.add(each.id)
    return again | {name for name, text in texts.items() if text in first}


def _lasts(fact: Effective, silent: dict[str, Silence], start: datetime) -> bool:
    return isinstance(fact.event, SourceSilent) and fact.id in silent and silent[fact.id].touches(start, None)


def _counts(decision: Effective, incident: Incident) -> bool:
    """Whether a decision is a row of the story: a check of a watch is not, nor a milestone that was set again."""
    event = decision.event
    if not isinstance(event, MilestoneSet) or event.incident != incident.id:
        return not isinstance(event, CheckMade)
    milestone = incident.milestones.get(event.milestone)
    return milestone is None or milestone.event == decision.id


def _gathered(
    facts: Sequence[Effective],
    repeats: Mapping[ErrorKey, Repeats],
    silent: dict[str, Silence],
    production: Production | None,
    tags: Tags,
) -> list[Group]:
    """Make one group of all facts about one thing."""
    alerts, changes, groups = [], [], []
    once, facts = reported_once(facts, ErrorSeen)
    errors: list[Statement] = [(each, (each,)) for each in once]
    for each in deduplicate(facts):
        event = each[0].event
        if isinstance(event, AlertFired | AlertResolved):
            alerts.append(each)
        elif isinstance(event, Change):
            changes.append(each)
        elif isinstance(event, ErrorSeen):
            errors.append(each)
        elif isinstance(event, SourceSilent) and each[0].id in silent:
            groups.append(Group(*each, {"silence": silent[each[0].id]}))
        else:
            groups.append(Group(*each))
    groups += [
        Group(
            row.shown,
            row.witnesses,
            {"alerts": row.count, "told_apart_by": row.labels, "lasted_seconds": row.lasted_seconds},
        )
        for row in folded(joined(alerts))
    ]
    groups += [
        Group(step.shown, step.witnesses, {"reported_by": step.sources})
        for step in steps(changes, production, tags)
    ]
    return groups + _repeated(errors, repeats)


def _repeated(errors: Sequence[Statement], repeats: Mapping[ErrorKey, Repeats]) -> list[Group]:
    """Make one row of all events of one error, at its first."""
    found: dict[ErrorKey | str, list[Statement]] = {key: [] for key in repeats}
    for each in errors:
        shown = each[0]
        event = shown.event
        assert isinstance(event, ErrorSeen)
        key = (event.service, event.project, event.group) if event.group else shown.id
        found.setdefault(key, []).append(each)
    return [
        _of_error(same, repeats.get(key) if isinstance(key, tuple) else None) for key, same in found.items()
    ]


def _of_error(same: Sequence[Statement], more: Repeats | None) -> Group:
    """Make a row of events of one error; of `more` only those are decoded that the row can begin with."""
    witnesses = [witness for each in same for witness in each[1]]
    shown = [each[0] for each in same]
    # Errors have one rank and no turn: this is their `order`.
    rows: list[tuple[datetime, str, Statement | None]] = [
        (each[0].event.occurred_at, each[0].recorded.id, each) for each in same
    ]
    if more is not None:
        ends = {each.id: Effective(each, each.event) for each in (more.first, more.first_recorded)}
        witnesses += ends.values()
        shown += ends.values()
        rows += [(at, identity, None) for at, identity, _, _ in more.stored]
    rows.sort(key=itemgetter(0, 1))
    evidence: dict[str, None] = {}
    for _, identity, told in rows:
        evidence |= {identity: None} if told is None else {each.recorded.id: None for each in told[1]}
    return Group(
        min(shown, key=lambda each: (each.event.occurred_at, each.recorded.id)),
        tuple(witnesses),
        {
            "times": len(rows),
            "repeated_for_seconds": (rows[-1][0] - rows[0][0]).total_seconds(),
            "evidence": tuple(evidence),
            "last_position": max(
                *(each.recorded.position for each in witnesses), more.last_position if more else 0
            ),
        },
    )
