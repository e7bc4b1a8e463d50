"""Everything that a report is written from, gathered from a dossier."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from operator import attrgetter
from typing import Any

from projections.actions import relevant
from projections.comparison import normal_range
from projections.dossier import Dossier
from projections.durations import durations_of
from projections.incident_windows import FOREVER, after
from projections.procedure.evaluation import procedure_for_report
from projections.procedure.fix_attempts import fix_of
from projections.review import REVIEWS, standing
from projections.samples import Series
from projections.timeline import timeline
from projections.timeline_rows import Entry
from projections.verdicts import Verdicts, of_query, verdicts
from reports.context import Context, MetricPlan, Provenance
from tracker.events.base import Recorded
from tracker.events.samples import SourceCollected
from tracker.times import zone

_COLLECTED_BEFORE = timedelta(days=2)
_COLLECTED_AFTER = timedelta(days=1)


def gather(
    dossier: Dossier,
    *,
    zone_name: str = "UTC",
    pictures: str = "svg",
    rows: Sequence[Entry] | None = None,
) -> tuple[Context, list[Recorded]]:
    """Return what a report is written from, but for its provenance; and the events that it depends on.

    `rows` are those of the timeline where they are known already.
    """
    # That the report was reviewed and published is no part of the story that it tells.
    entries = [
        entry
        for entry in (timeline(dossier) if rows is None else rows)
        if not isinstance(entry.fact, REVIEWS)
    ]
    shown = {event for entry in entries for event in entry.evidence}
    items, about_items = relevant(dossier)
    collected = _collected(dossier)
    judged = verdicts(dossier)
    used = [*dossier.facts, *about_items, *collected, *judged.used]
    used += [*dossier.lifecycle(dossier.neighbours), *dossier.taken]
    context = Context(
        incident=dossier.incident,
        entries=tuple(entries),
        changes=tuple(dossier.own_changes),
        durations={},
        metrics=(),
        collected=tuple(each.event for each in collected if isinstance(each.event, SourceCollected)),
        as_of=max([*dossier.facts, *about_items], key=attrgetter("recorded_us")).recorded_at,
        provenance=Provenance(0, "", "", "", {}),
        zone_name=zone_name,
        zone=zone(zone_name) if zone_name != "UTC" else UTC,
        pictures=pictures,
        verdicts=tuple(judged.rows),
        silences=tuple(silence for silence in dossier.silences if silence.event in shown),
        actions=tuple(items),
    )
    metrics, events = _metrics(dossier, context, judged)
    used += events
    procedure = procedure_for_report(dossier, judged.rows, used)
    used += procedure.used
    used += dossier.redactions(used)
    used.sort(key=lambda each: each.position)
    return (
        replace(
            context,
            metrics=tuple(metrics),
            durations=durations_of(procedure.evidence),
            fix=fix_of(procedure.evidence),
            redacted=tuple({each.position: each for each in used if each.redacted is not None}.values()),
            rules=tuple(procedure.rules),
            standing=standing(dossier.incident, used),
        ),
        used,
    )


def _collected(dossier: Dossier) -> list[Recorded]:
    """Return what sources answered about the incident's own span."""
    start = dossier.incident.begins_at - _COLLECTED_BEFORE
    end = after(dossier.incident, _COLLECTED_AFTER) or FOREVER
    return [each for service in dossier.incident.services for each in dossier.collected(service, start, end)]


def _metrics(dossier: Dossier, context: Context, judged: Verdicts) -> tuple[list[MetricPlan], list[Recorded]]:
    """Return the metrics that the log's settings and samples name, and the events that say so."""
    start, end = context.picture_span
    start = min(start, context.incident.begins_at - timedelta(hours=1))
    end = max(end, context.ends_at + timedelta(hours=1))
    plans: list[MetricPlan] = []
    used: list[Recorded] = []
    for service in context.incident.services:
        settings, said = dossier.settings(service)
        used += said
        for metric in dossier.metrics(service):
            configured = settings.get("metrics", {}).get(metric)
            series, chunks = dossier.series(service, metric, start, end)
            used += chunks
            if not series and configured is None:
                continue
            plan = _plan(service, metric, configured or {}, series)
            plans.append(_with_normal(plan, judged))
    return plans, used


def _plan(service: str, metric: str, configured: dict[str, Any], series: list[Series]) -> MetricPlan:
    return MetricPlan(
        service=service,
        name=metric,
        query=configured.get("query"),
        title=configured.get("title"),
        unit=configured.get("unit") or next((each.unit for each in series if each.unit), None),
        better=configured.get("better", "neither"),
        threshold=configured.get("threshold"),
        series=tuple(of_query(series, configured.get("query"))),
    )


def _with_normal(plan: MetricPlan, judged: Verdicts) -> MetricPlan:
    """Add the healthy level and natural swing of a metric of one series, for its picture."""
    mine = [each for each in judged.metrics if (each.service, each.metric) == (plan.service, plan.name)]
    if len(mine) != 1:
        return plan
    return replace(plan, normal=normal_range(mine[0], healthy_to=judged.healthy_until))
