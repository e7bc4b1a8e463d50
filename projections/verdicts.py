"""The verdicts of an incident: which changes are judged, on which samples, beside which healthy time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter

from projections.attachment import without_other_links
from projections.changes import EARLIER_MERGES, ChangeRow, in_production
from projections.comparison import (
    INCIDENT,
    ONSET_BEFORE,
    SETTLING_SECONDS,
    SO_FAR,
    WINDOWS,
    MetricSeries,
    RedactedSamples,
    VerdictRow,
    estimate_onset,
    estimate_recovery,
    verdict_rows,
    with_recorded,
)
from projections.detection import first_alert
from projections.dossier import Dossier, is_change
from projections.incident_windows import (
    BASELINE,
    BEFORE_ONSET,
    CHANGES,
    FOREVER,
    LONGEST_WINDOW,
    after,
    incident_instants,
)
from projections.lives import Lives
from projections.partial_answers import partial_answers
from projections.samples import Series
from projections.silence import blinding
from projections.versions import Versions
from tracker.events.base import Recorded, Window
from tracker.events.changes import CommitMade
from tracker.events.incidents import IncidentDeclared
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Incident
from tracker.times import from_ms

_CHANGES_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of an incident, and every event that they depend on.

    `changes` are those that were judged; `healthy_until` is when the healthy time before it ended.
    """

    incident: Incident
    rows: list[VerdictRow]
    changes: list[ChangeRow]
    metrics: list[MetricSeries]
    used: list[Recorded]
    as_of: datetime
    healthy_until: datetime


def verdicts(
    dossier: Dossier,
    *,
    change: str | None = None,
    metric: str | None = None,
    before_onset: timedelta = BEFORE_ONSET,
) -> Verdicts:
    """Judge an incident's changes, or the one that an event names."""
    incident = dossier.incident
    onset = _told_onset(dossier)
    known = judged_changes(dossier)
    if change is None:
        wanted = [row for row in known if _concerns(dossier, row, onset - before_onset)]
    else:
        wanted = [row for row in known if change in row.evidence]
    metrics, used = _measured(dossier, wanted, metric)
    used = [*dossier.facts, *used, *_change_events(dossier)]
    as_of = max(used, key=attrgetter("recorded_us")).recorded_at
    if incident.started_at is None:
        estimated = _not_before_a_deploy(estimate_onset(metrics, reported_at=onset), onset, known, incident)
        # What another incident left behind did not begin in this one.
        onset = max(estimated, min(Lives(incident, dossier.neighbours).begins_after or estimated, onset))
    caused_at = _caused_at(known, incident, onset)
    neighbours = _neighbours(dossier, as_of)
    spans = sorted(
        (each.begins_at, each.ends_at or as_of) for each in neighbours if each.resolution != "false-alarm"
    )
    judge = partial(
        verdict_rows,
        metrics=metrics,
        onset=onset,
        over_at=incident.ends_at,
        others=[row for row in known if row.status != "failed"],
        incidents=spans,
        as_of=as_of,
        healthy_until=caused_at,
    )
    answered = judge(wanted)
    if change is None:
        answered += judge(_after_it(incident, answered, metrics, onset))
        if incident.ends_at is None:
            answered += [
                replace(row, flags=(*row.flags, SO_FAR))
                for row in judge(_so_far(incident, answered, metrics, onset, as_of))
                if row.window == "10m" and row.verdict not in ("pending", "no_data")
            ]
    given = [dossier.effective[each.id] for each in dossier.facts if isinstance(each.event, VerdictsGiven)]
    return Verdicts(
        incident=incident,
        rows=with_recorded(answered, given),
        changes=wanted,
        metrics=metrics,
        used=used + dossier.lifecycle(neighbours),
        as_of=as_of,
        healthy_until=min(onset, caused_at or onset),
    )


def _after_it(
    incident: Incident, rows: Sequence[VerdictRow], metrics: Sequence[MetricSeries], onset: datetime
) -> list[ChangeRow]:
    """Return the end of the incident for each service of which no change is known to have brought its metrics back.

    Judging recovery needs an incident, not a deploy.
    """
    found = []
    declared = next(step for step in incident.own_steps if isinstance(step.event, IncidentDeclared))
    for service in incident.services:
        mine = [metric for metric in metrics if metric.service == service and metric.series is not None]
        known = {row.verdict for row in rows if row.service == service and row.baseline == "healthy"}
        if (
            not mine
            or known & {"recovered", "pending"}
            or (known and known <= {"unaffected", "within_normal"})
        ):
            continue
        over = estimate_recovery(mine, onset=onset, healthy_to=onset - ONSET_BEFORE, over_at=incident.ends_at)
        if over is not None and over > onset:
            found.append(_as_change(declared.id, service, over))
    return found


def _so_far(
    incident: Incident,
    rows: Sequence[VerdictRow],
    metrics: Sequence[MetricSeries],
    onset: datetime,
    as_of: datetime,
) -> list[ChangeRow]:
    """Return the last ten minutes of samples of each service of an incident that goes on and of which nothing else is judged."""
    found = []
    declared = next(step for step in incident.own_steps if isinstance(step.event, IncidentDeclared))
    judged = {row.service for row in rows if row.baseline == "healthy"}
    for service in incident.services:
        ends = [
            from_ms(int(metric.series.instants_ms[-1]))
            for metric in metrics
            if metric.service == service and metric.series is not None and len(metric.series.instants_ms)
        ]
        begins = min(as_of, max(ends, default=onset)) - timedelta(seconds=WINDOWS["10m"])
        if service not in judged and begins > onset:
            found.append(_as_change(declared.id, service, begins))
    return found


def _as_change(declared: str, service: str, at: datetime) -> ChangeRow:
    """Return an instant of an incident in the place of a change, to judge what came after it."""
    return ChangeRow(
        event=declared,
        kind=INCIDENT,
        status="finished",
        service=service,
        environment=None,
        version="",
        previous=None,
        sha=None,
        started_at=None,
        finished_at=at,
        at=at,
        title="",
        evidence=(declared,),
        sources=(),
        by=None,
    )


def judged_changes(dossier: Dossier) -> list[ChangeRow]:
    """Return the changes of production that a verdict may be about, or confounded by: up to a day after the end."""
    until = after(dossier.incident, _CHANGES_AFTER) or FOREVER
    return [row for row in in_production(dossier.changes) if row.kind != "merge" and row.at < until]


def metric_names(dossier: Dossier) -> list[str]:
    """Name the metrics of all services that are judged."""
    services = dict.fromkeys([*dossier.incident.services, *dossier.sampled])
    return sorted({name for service in services for name in dossier.metrics(service)})


def of_query(series: list[Series], query: str | None) -> list[Series]:
    """Keep the series of the query that the settings name; of an older one only where it has none."""
    return [each for each in series if each.query == query] or series


def _told_onset(dossier: Dossier) -> datetime:
    """Return when it began: as a person said, else the first alert's start where that is earlier."""
    incident = dossier.incident
    if incident.started_at is not None:
        return incident.started_at
    fired = first_alert(incident, dossier.own)
    return min(incident.begins_at, fired.earliest) if fired else incident.begins_at


def _concerns(dossier: Dossier, row: ChangeRow, since: datetime) -> bool:
    """Whether a change is judged: it went out near the incident or is linked to it, and nobody took it out.

    What went out in the life of another incident is judged there, beside what burned then: here its windows would
    show that incident's trouble as this one's. As a candidate cause it is named all the same.
    """
    incident = dossier.incident
    roles = [incident.links[each] for each in row.evidence if each in incident.links]
    linked = any(link.linked and link.role in (None, "caused", "fixed", "suspect") for link in roles)
    taken_out = bool(roles) and not linked
    near = since <= row.at and (incident.ends_at is None or row.at < incident.ends_at)
    near = near and row not in dossier.changes_of_others
    mine = row.service in incident.services and row.status != "failed"
    return mine and not taken_out and (near or linked)


def _caused_at(known: Sequence[ChangeRow], incident: Incident, onset: datetime) -> datetime | None:
    """Return when the change began to go out that people say caused it, if it ended in the hour before the onset, or later."""
    links = incident.links
    return min(
        (
            begins
            for row in known
            if (begins := min(row.started_at or row.at, row.at)) <= onset <= row.at + BEFORE_ONSET
            and any(
                links[each].linked and links[each].role == "caused" for each in row.evidence if each in links
            )
        ),
        default=None,
    )


def _not_before_a_deploy(
    began: datetime, told: datetime, known: Sequence[ChangeRow], incident: Incident
) -> datetime:
    """Do not take a deploy that was reported only on completion for the fix of the failure it caused."""
    ends = [row.at for row in known if row.service in incident.services and began <= row.at < told]
    return max([began, *ends])


def _change_events(dossier: Dossier) -> list[Recorded]:
    """Return what the changes that may be judged are known from."""
    incident = dossier.incident
    until = after(incident, _CHANGES_AFTER)
    since = incident.begins_at - EARLIER_MERGES
    near = [
        Window(f"service:{name}", since, until, (*CHANGES, CommitMade.TOPIC)) for name in incident.services
    ]
    mine = {each.id: each for each in dossier.select(near) if is_change(each)}
    rows = judged_changes(dossier)
    recent = [row for row in rows if row.at >= since]
    for row in [*_depended_on([row for row in rows if row.at < since], recent), *recent]:
        if row.service in incident.services or not incident.links.keys().isdisjoint(row.evidence):
            known = (*row.evidence, *(commit.event for commit in row.tagged))
            mine |= {event: dossier.effective[event].recorded for event in known}
    return without_other_links(incident, dossier.with_corrections(mine))


def _depended_on(older: Sequence[ChangeRow], recent: Sequence[ChangeRow]) -> Sequence[ChangeRow]:
    """Return the older changes without which the recent ones would be others: since the first of a version that came back."""
    versions = Versions()
    for row in recent:
        versions.add(row)
    first = next((number for number, row in enumerate(older) if versions.has(row)), len(older))
    return older[first:]


def _neighbours(dossier: Dossier, as_of: datetime) -> list[Incident]:
    """Return the other incidents of the same services, which no baseline may hold."""
    incident = dossier.incident
    return [
        other
        for other in dossier.others
        if other.merged_into is None
        and set(other.services) & set(incident.services)
        and (other.ends_at or as_of) > incident.begins_at - BASELINE
        and (other.declared_at or as_of) < (incident.ends_at or as_of)
    ]


def _measured(
    dossier: Dossier, wanted: Sequence[ChangeRow], only: str | None
) -> tuple[list[MetricSeries], list[Recorded]]:
    """Return the series of the metrics of each service with a change that is judged, and the events that hold them."""
    found: list[MetricSeries] = []
    used: list[Recorded] = []
    services = [*dossier.incident.services, *(row.service for row in wanted if row.service)]
    for service in dict.fromkeys(services):
        used += dossier.settings(service)[1]
        instants = [row.at for row in wanted if row.service == service]
        if service in dossier.incident.services:
            instants = instants or incident_instants(dossier.incident)
        start, end = min(instants), max(instants) + LONGEST_WINDOW
        used += (answers := dossier.collected(service, start - 2 * BASELINE, end))
        for metric in dossier.metrics(service):
            if only in (None, metric):
                measured, events = _series(dossier, service, metric, (start, end), answers)
                found += measured
                used += events
    return found, used


def _series(
    dossier: Dossier,
    service: str,
    metric: str,
    span: tuple[datetime, datetime],
    answers: Sequence[Recorded],
) -> tuple[list[MetricSeries], list[Recorded]]:
    start, end = span
    settings = dossier.settings(service)[0]
    configured = settings.get("metrics", {}).get(metric, {})
    series, chunks = dossier.series(service, metric, start - BASELINE, end, whole=True)
    mine: list[Series | None] = [*of_query(series, configured.get("query"))]
    sources = sorted({each.source for each in mine if each is not None}) or ["prometheus"]
    silences = blinding(dossier.silences, service, metric, sources)
    blind = tuple(silence for silence in silences if silence.touches(start, end))
    used = [*chunks, *(dossier.effective[event].recorded for each in blind for event in each.evidence)]
    measured = [
        MetricSeries(
            service=service,
            metric=metric,
            query=one.query if one is not None else configured.get("query"),
            unit=configured.get("unit") or (one.unit if one is not None else None),
            better=configured.get("better", "neither"),
            threshold=configured.get("threshold"),
            settling_seconds=float(settings.get("settling_seconds", SETTLING_SECONDS)),
            series=one,
            asked_until=_asked_until(answers, metric),
            partial=partial_answers(
                (each.event for each in answers if isinstance(each.event, SourceCollected)),
                metric,
                one.query if one is not None else configured.get("query"),
            ),
            label=_label(metric, one) if one is not None and len(mine) > 1 else metric,
            silences=blind,
            redacted=_redacted(chunks),
        )
        for one in mine or [None]
    ]
    return measured, used


def _label(name: str, series: Series) -> str:
    labels = [f'{key}="{value}"' for key, value in sorted(series.labels.items()) if key != "__name__"]
    return f"{name}{{{', '.join(labels)}}}"


def _asked_until(answers: Sequence[Recorded], metric: str) -> datetime | None:
    """Return up to which instant a source answered for a metric, in whole."""
    asked = [
        each.event.until
        for each in answers
        if isinstance(each.event, SourceCollected) and each.event.what == metric and each.event.is_whole
    ]
    return max(asked, default=None)


def _redacted(chunks: Sequence[Recorded]) -> tuple[RedactedSamples, ...]:
    """Name the spans whose samples were removed for good."""
    return tuple(
        RedactedSamples(each.event.occurred_at, each.event.last_at, each.redacted)
        for each in chunks
        if each.redacted is not None and isinstance(each.event, MetricSampled)
    )
