"""Reading what verdicts stand on, and recording them: shared by compare, watch, collect and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from projections.attachment import attached, without_other_links
from projections.changes import EARLIER_VERSIONS, ChangeRow, changes
from projections.comparison import (
    SETTLING_SECONDS,
    MetricSeries,
    RedactedSamples,
    VerdictRow,
    estimate_onset,
    verdict_rows,
    verdicts_to_record,
    with_recorded,
)
from projections.samples import Series
from projections.silence import blinding, silences
from reports.wording.timeline import redaction
from tracker.application.action_items import about
from tracker.application.metric_settings import configured_metrics, of_query
from tracker.application.session import Recording, Session
from tracker.errors import BadInputError
from tracker.events.alerts import AlertFired
from tracker.events.base import Recorded, Window
from tracker.events.corrections import Correction, effective
from tracker.events.incidents import IncidentLifecycleEvent, MilestoneSet
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.events.silence import SILENCES
from tracker.incident import Incident

#: Deploys so long before the onset are judged; `tracker changes` names them as candidates.
BEFORE_ONSET = timedelta(hours=1)
_BACK = timedelta(days=15)


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of an incident, and every event that they stand on."""

    incident: "Incident"
    rows: "list[VerdictRow]"
    changes: "list[ChangeRow]"
    used: "list[Recorded]"
    as_of: datetime
    metrics: "list[MetricSeries]"
    healthy_until: datetime


def compute_verdicts(
    session: Session,
    incident: "Incident",
    up_to: int | None,
    *,
    change: "Recorded | None" = None,
    metric: str | None = None,
    before_onset: timedelta = BEFORE_ONSET,
) -> Verdicts:
    """Judge an incident's changes, or the one named, up to a position; nothing is appended."""
    onset = _onset(session, incident, up_to)
    facts = session.facts_of(incident, up_to)
    ends = incident.ends_at
    recorded = session.log.select(
        [
            Window(
                "changes",
                onset - EARLIER_VERSIONS,
                (ends or datetime.max.replace(tzinfo=UTC) - _BACK) + timedelta(days=1),
            )
        ],
        up_to,
    )
    known = [row for row in changes(recorded) if row.kind != "merge"]
    wanted = _wanted(known, incident, onset - before_onset, change)
    metrics, used = _metrics(session, incident, wanted, up_to, metric)
    used = [*facts, *used, *_of_services(recorded, incident)]
    as_of = max(each.recorded_at for each in used)
    if incident.started_at is None:
        onset = _not_before_a_deploy(estimate_onset(metrics, reported_at=onset), onset, known, incident)
    caused_at = _caused_at(known, incident, onset)
    spans, told = _other_incidents(session, incident, up_to, as_of)
    used += told
    found = verdict_rows(
        wanted,
        metrics,
        onset=onset,
        over_at=ends,
        others=[row for row in known if row.status != "failed"],
        incidents=spans,
        as_of=as_of,
        healthy_until=caused_at,
    )
    return Verdicts(
        incident, with_recorded(found, facts), wanted, used, as_of, metrics, min(onset, caused_at or onset)
    )


def record_verdicts(session: Session, incident: "Incident", recording: Recording | None = None) -> Verdicts:
    """Append the verdicts of the windows that are over and were not judged on these samples yet."""
    found = compute_verdicts(session, incident, None)
    if verdicts_to_record(found.rows, session.log.incident(incident.id), incident.id):
        session.decide(
            incident.id,
            lambda held: verdicts_to_record(found.rows, [step.recorded for step in held.steps], incident.id),
            recording,
        )
        return compute_verdicts(session, session.incident(incident.id), None)
    return found


def _wanted(
    known: "Sequence[ChangeRow]", incident: "Incident", since: datetime, change: "Recorded | None"
) -> "list[ChangeRow]":
    if change is not None:
        named = [row for row in known if change.id in row.evidence]
        if not named:
            raise BadInputError(
                f"{change.handle} is no deploy or rollback near {incident.id}",
                hint=f"tracker changes {incident.id}",
            )
        return named
    found = []
    for row in known:
        roles = [incident.links[each] for each in row.evidence if each in incident.links]
        linked = any(link.linked and link.role in (None, "caused", "fixed", "suspect") for link in roles)
        out = bool(roles) and not linked
        near = since <= row.at and (incident.ends_at is None or row.at < incident.ends_at)
        if row.service in incident.services and row.status != "failed" and not out and (near or linked):
            found.append(row)
    return found


def _caused_at(known: "Sequence[ChangeRow]", incident: "Incident", onset: datetime) -> datetime | None:
    """Return when the change began to go out that people say caused it, if it ended in the hour before the onset, or later."""
    links = incident.links
    found = [
        begins
        for row in known
        if (begins := min(row.started_at or row.at, row.at)) <= onset <= row.at + BEFORE_ONSET
        and any(links[each].linked and links[each].role == "caused" for each in row.evidence if each in links)
    ]
    return min(found, default=None)


def _onset(session: Session, incident: "Incident", up_to: int | None) -> datetime:
    """Return when it began: as a person said, else the first alert's start where that is earlier."""
    if incident.started_at is not None:
        return incident.started_at
    living = [
        each for each in effective(session.facts_of(incident, up_to)).values() if each.retraction is None
    ]
    fired = [
        each.event.occurred_at for each in attached(incident, living) if isinstance(each.event, AlertFired)
    ]
    return min([incident.begins_at, *fired])


def _not_before_a_deploy(
    began: datetime, told: datetime, known: "Sequence[ChangeRow]", incident: "Incident"
) -> datetime:
    """Keep a deploy that was told of at its end, after what it broke, from being taken for a fix of it."""
    ends = [row.at for row in known if row.service in incident.services and began <= row.at < told]
    return max([began, *ends])


def _other_incidents(
    session: Session, incident: "Incident", up_to: int | None, as_of: datetime
) -> "tuple[list[tuple[datetime, datetime]], list[Recorded]]":
    """Return the spans of other incidents of the same services, which no baseline may hold, and what says so."""
    others = [
        each
        for each in session.incident_summaries(up_to)
        if each.id != incident.id
        and each.merged_into is None
        and set(each.services) & set(incident.services)
        and (each.ends_at or as_of) > incident.begins_at - _BACK
        and each.begins_at < (incident.ends_at or as_of)
    ]
    whole = session.load_incidents(others, up_to) if others else []
    spans = sorted(
        (each.begins_at, each.ends_at or as_of) for each in whole if each.resolution != "false-alarm"
    )
    held = {event.id: event for each in whole for event in session.log.incident(each.id, up_to)}
    said = {
        each.id for each in held.values() if isinstance(each.event, IncidentLifecycleEvent | MilestoneSet)
    }
    return spans, about(said, list(held.values()))


def _of_services(recorded: "Sequence[Recorded]", incident: "Incident") -> "list[Recorded]":
    """Keep the changes of an incident's services, with what corrects them."""
    recorded = without_other_links(incident, recorded)
    mine = {each.id for each in recorded if getattr(each.event, "service", None) in incident.services}
    return [
        each
        for each in recorded
        if each.id in mine or (isinstance(each.event, Correction) and each.event.target in mine)
    ]


def _metrics(
    session: Session,
    incident: "Incident",
    wanted: "Sequence[ChangeRow]",
    up_to: int | None,
    only: str | None,
) -> "tuple[list[MetricSeries], list[Recorded]]":
    plans: list[MetricSeries] = []
    used: list[Recorded] = []
    names: set[str] = set()
    quiet: list[Recorded] = []
    if wanted:
        quiet = session.log.select(
            [Window(SILENCES, None, max(row.at for row in wanted) + timedelta(days=1))], up_to
        )
    known = silences(quiet)
    for service in dict.fromkeys([*incident.services, *(row.service for row in wanted if row.service)]):
        mine = [row.at for row in wanted if row.service == service]
        settings, event = configured_metrics(session, service, up_to, incident.id)
        sampled = [scope.partition("/")[2] for scope in session.log.scope_names(f"samples:{service}/")]
        used += event
        names |= {*settings.get("metrics", {}), *sampled}
        if not mine:
            continue
        start, end = min(mine) - _BACK, max(mine) + timedelta(days=1, minutes=5)
        told = session.log.select([Window(f"collected:{service}", start - _BACK, end)], up_to)
        used += told
        for name in dict.fromkeys([*settings.get("metrics", {}), *sampled]):
            if only is not None and name != only:
                continue
            configured: dict[str, Any] = settings.get("metrics", {}).get(name, {})
            series, chunks = session.samples_with_events(service, name, start, end, up_to)
            used += chunks
            asked = [
                each.event.until
                for each in told
                if isinstance(each.event, SourceCollected)
                and each.event.what == name
                and not each.event.problem
            ]
            found: list[Series | None] = [*of_query(series, configured.get("query"))]
            for one in found or [None]:
                labels = (
                    [f'{k}="{v}"' for k, v in sorted(one.labels.items()) if k != "__name__"]
                    if one is not None
                    else []
                )
                sources = sorted({each.source for each in found if each is not None}) or ["prometheus"]
                blind = [
                    each for each in blinding(known, service, name, sources) if each.touches(min(mine), end)
                ]
                told_of = {event for each in blind for event in each.evidence}
                used += [each for each in quiet if each.id in told_of]
                plans.append(
                    MetricSeries(
                        service=service,
                        metric=name,
                        query=one.query if one is not None else configured.get("query"),
                        unit=configured.get("unit") or (one.unit if one is not None else None),
                        better=configured.get("better", "neither"),
                        threshold=configured.get("threshold"),
                        settling_seconds=float(settings.get("settling_seconds", SETTLING_SECONDS)),
                        series=one,
                        asked_until=max(asked, default=None),
                        label=f"{name}{{{', '.join(labels)}}}" if len(found) > 1 else name,
                        silences=tuple(blind),
                        redacted=_redacted(chunks),
                    )
                )
    if only is not None and only not in names:
        raise BadInputError(
            f"there is no metric {only!r}",
            hint=f"The metrics are: {', '.join(sorted(names)) or 'none; add [services.NAME.metrics.NAME] to tracker.toml'}",
        )
    return plans, used


def _redacted(chunks: "list[Recorded]") -> "tuple[RedactedSamples, ...]":
    """Name the spans whose samples were removed for good."""
    return tuple(
        RedactedSamples(each.event.occurred_at, each.event.last_at, redaction(each.redacted))
        for each in chunks
        if each.redacted is not None and isinstance(each.event, MetricSampled)
    )
