"""Everything that a report is written from, read from the log; and the report itself."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from projections.changes import changes
from projections.comparison import normal_range
from projections.durations import durations
from projections.review import REVIEWS, ReportStatus, publications, standing
from projections.silence import silences
from projections.timeline import timeline
from reports.context import Context, MetricPlan, Provenance
from reports.generated_regions import ParsedReport
from reports.post_incident import Document, write
from tracker.application import action_items, report_files
from tracker.application.metric_settings import configured_metrics, of_query
from tracker.application.procedure import evaluate_for_report, incident_durations
from tracker.application.provenance import provenance
from tracker.application.session import Session
from tracker.application.verdicts import Verdicts, compute_verdicts
from tracker.events.base import Recorded, Window
from tracker.events.samples import SourceCollected
from tracker.incident import Incident
from tracker.times import zone


def as_it_was(session: Session, found: "ParsedReport") -> dict[str, str]:
    """Return the parts of a report as the log had them at the position in its footer; none where that cannot be told."""
    footer = report_files.footer_of(found)
    if not footer or int(footer["position"]) > session.log.position:
        return {}
    if footer["log"] not in (None, session.log.id):
        return {}
    written = again(session, found, int(footer["position"]))
    return {part.name: part.text for part in written.parts}


def again(
    session: Session,
    found: "ParsedReport",
    position: int,
    *,
    standing: "ReportStatus | None" = None,
    with_pictures: bool = False,
) -> "Document":
    """Write a report that stands somewhere anew, in its own form, as of a position."""
    held = found.attributes
    return document(
        session,
        held["incident"],
        position,
        zone_name=held.get("zone", "UTC"),
        suffix="png" if held.get("pictures") == "png" else "svg",
        template=held["template"],
        standing=standing,
        with_pictures=with_pictures,
    )


def standing_of(session: Session, incident: "Incident", up_to: int | None) -> "ReportStatus":
    """Say where a report stands; all that it stands on is read only once it was published."""
    if not publications(incident):
        return standing(incident, ())
    return gathered(session, incident.id, up_to).standing


def document(
    session: Session,
    name: str,
    up_to: int | None,
    *,
    zone_name: str = "UTC",
    suffix: str = "svg",
    template: str = "guide",
    standing: "ReportStatus | None" = None,
    with_pictures: bool = True,
) -> "Document":
    """Gather what the log holds of an incident up to a position, and write the report.

    `standing` says where the report stands, where that is not what the log says at that position:
    it is published by being written.
    """
    context = gathered(session, name, up_to, zone_name=zone_name, suffix=suffix)
    if standing is not None:
        context = replace(context, standing=standing)
    return write(context, template=template, with_pictures=with_pictures)


def gathered(
    session: Session, name: str, up_to: int | None, *, zone_name: str = "UTC", suffix: str = "svg"
) -> "Context":
    """Read all that the report stands on; its position is that of the last event used."""
    incident = session.incident(name, up_to)
    facts = session.facts_of(incident, up_to)
    # That the report was reviewed and published is no part of the story that it tells.
    entries = [each for each in timeline(facts, incident=incident) if not isinstance(each.fact, REVIEWS)]
    shown = {event for entry in entries for event in entry.evidence}
    actions, about_actions = action_items.relevant(session, incident, up_to)
    as_of = max(each.recorded_at for each in [*facts, *about_actions])
    base = Context(
        incident=incident,
        entries=tuple(entries),
        changes=tuple(changes(facts)),
        durations=durations(incident, facts),
        metrics=(),
        collected=(),
        as_of=as_of,
        provenance=Provenance(0, "", "", "", {}),
        zone_name=zone_name,
        zone=zone(zone_name) if zone_name != "UTC" else UTC,
        picture_suffix=suffix,
        silences=tuple(each for each in silences(facts) if each.event in shown),
        actions=tuple(actions),
    )
    collected = _collected(session, incident, up_to)
    plans, used = _metrics(session, base, up_to)
    found = compute_verdicts(session, incident, up_to)
    used += facts + about_actions + collected + found.used
    procedure = evaluate_for_report(session, incident, up_to, verdicts=found.rows, facts=facts, among=used)
    used += procedure.used
    used += redactions_of(session, used, up_to)
    used.sort(key=lambda each: each.position)
    return replace(
        base,
        metrics=tuple(_with_normal(plan, found) for plan in plans),
        verdicts=tuple(found.rows),
        durations=incident_durations(incident, facts, procedure.evidence),
        redacted=tuple({each.position: each for each in used if each.redacted is not None}.values()),
        rules=tuple(procedure.rules),
        standing=standing(incident, used),
        collected=tuple(each.event for each in collected if isinstance(each.event, SourceCollected)),
        provenance=provenance(session, name, used, up_to),
    )


def redactions_of(session: Session, found: "Iterable[Recorded]", up_to: int | None) -> "list[Recorded]":
    """Return what says of these events that they were redacted: the report says it, too."""
    return session.log.by_ids([each.redacted.event for each in found if each.redacted is not None], up_to)


def _with_normal(plan: "MetricPlan", found: "Verdicts") -> "MetricPlan":
    """Add the healthy level and natural swing of a metric of one series, for its picture."""
    mine = [each for each in found.metrics if (each.service, each.metric) == (plan.service, plan.name)]
    return (
        replace(plan, normal=normal_range(mine[0], healthy_to=found.healthy_until))
        if len(mine) == 1
        else plan
    )


def _collected(session: Session, incident: "Incident", up_to: int | None) -> "list[Recorded]":
    """Return what sources said of the incident's own span."""
    start = incident.begins_at - timedelta(days=2)
    end = (incident.ends_at or datetime.max.replace(tzinfo=UTC) - timedelta(days=2)) + timedelta(days=1)
    return session.log.select([Window(f"collected:{name}", start, end) for name in incident.services], up_to)


def _metrics(
    session: Session, context: "Context", up_to: int | None
) -> "tuple[list[MetricPlan], list[Recorded]]":
    """Return the metrics that the log's settings and samples name, and the events that say so."""
    start, end = context.picture_span
    start = min(start, context.incident.begins_at - timedelta(hours=1))
    end = max(end, context.ends_at + timedelta(hours=1))
    plans: list[MetricPlan] = []
    used: list[Recorded] = []
    for service in context.incident.services:
        settings_of, event = configured_metrics(session, service, up_to, context.incident.id)
        configured = settings_of.get("metrics", {})
        used += event
        sampled = [scope.partition("/")[2] for scope in session.log.scope_names(f"samples:{service}/")]
        for metric in dict.fromkeys([*configured, *sampled]):
            settings = configured.get(metric, {})
            series, chunks = session.samples_with_events(service, metric, start, end, up_to)
            used += chunks
            if not series and metric not in configured:
                continue
            plans.append(
                MetricPlan(
                    service=service,
                    name=metric,
                    query=settings.get("query"),
                    unit=settings.get("unit") or next((each.unit for each in series if each.unit), None),
                    better=settings.get("better", "neither"),
                    threshold=settings.get("threshold"),
                    series=tuple(of_query(series, settings.get("query"))),
                )
            )
    return plans, used
