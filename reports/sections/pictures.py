"""The pictures of a report: which metric matters most, and what each picture shows."""

from datetime import datetime

from projections.outages import outages
from projections.samples import Series, between
from projections.silence import Silence, blinding
from reports.charts import Band, Chart, ChartInterval, Line, Mark
from reports.context import Context, MetricPlan
from reports.markdown import link, text
from reports.sections.windows import window_bars
from reports.wording.changes import version_name
from reports.wording.text import capitalized
from tracker.events.alerts import AlertFired
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.times import to_ms


def main_metric(context: Context) -> MetricPlan | None:
    """Return the metric that matters most: the one longest over its limit, else out of normal, else the first with samples."""
    known = [metric for metric in context.metrics if metric.series]
    begins, over = context.incident.begins_at, context.impact_ends_at
    moved = {
        (row.service, row.metric.partition("{")[0])
        for row in context.verdicts
        if row.recovered_at is not None or row.verdict == "regressed"
    }

    def weight(metric: MetricPlan) -> tuple[float, bool]:
        beyond = max((beyond_seconds(metric, series, begins, over) for series in metric.series), default=0.0)
        return beyond, (metric.service, metric.name) in moved

    return max(known, key=weight, default=None)


def picture(context: Context, metric: MetricPlan) -> list[str]:
    """Link the picture, where there will be one; the numbers below it say the same in short."""
    if context.pictures == "none":
        return []
    start, end = context.picture_span
    alternative = f"{capitalized(metric.spoken_name)} of {metric.service}, {context.moment(start, 60)} to {context.moment(end, 60)}"
    return [
        f"![{text(alternative)}]({link(context.picture_folder)}/{link(picture_name(context, metric))})",
        "",
    ]


def picture_name(context: Context, metric: MetricPlan) -> str:
    """Return the file name of a metric's picture; another zone's picture is another file.

    Names that came in somebody's bundle lead into no other folder.
    """
    zone = "" if context.zone_name == "UTC" else "." + context.zone_name
    name = f"{metric.service}-{metric.name}{zone}.{context.pictures}"
    return "".join("-" if char in "/\\" or not char.isprintable() else char for char in name)


def pictures(context: Context, *, with_windows: bool = False) -> dict[str, Chart]:
    """Return the charts that the section shows, by file name; on the page with the windows of the verdicts."""
    return {
        picture_name(context, metric): chart(context, metric, with_windows=with_windows)
        for metric in context.metrics
        if metric.series
    }


def chart(context: Context, metric: MetricPlan, *, with_windows: bool = False) -> Chart:
    """Plan one metric's picture: its samples, the incident, and what was done meanwhile."""
    start, end = context.picture_span
    lines = [
        Line(
            # One series is the metric; several are told apart by their labels.
            label=(len(metric.series) > 1 and labels_of(series)) or metric.spoken_name,
            instants_ms=between(series, start, end).instants_ms,
            values=between(series, start, end).values,
            step_seconds=series.step_seconds,
        )
        for series in metric.series
    ]
    band = None
    if metric.normal is not None and len(lines) == 1:
        import numpy as np

        normal = metric.normal
        # What was never below zero is not expected there.
        never_below = all(len(line.values) and np.nanmin(line.values) >= 0 for line in lines)
        low = max(normal.level - normal.swing, 0.0) if never_below else normal.level - normal.swing
        band = Band(
            instants_ms=np.array([to_ms(start), to_ms(end)], np.int64),
            low=np.array([low] * 2),
            high=np.array([normal.level + normal.swing] * 2),
            label="expected ± natural swing",
        )
    marks = [mark for mark in _marks(context, metric.service) if start <= mark.at <= end]
    return Chart(
        title=f"{capitalized(metric.spoken_name)} of {metric.service}",
        unit=metric.unit,
        start=start,
        end=end,
        lines=tuple(lines),
        marks=tuple(marks),
        spans=(
            *(ChartInterval(*span, "incident", context.incident.id) for span in _outages(context)),
            *(
                ChartInterval(
                    max(silence.start, start),
                    min(silence.end or max(context.as_of, start), end),
                    "blind",
                    silence.watched.source,
                )
                for silence in silences_of(context, metric)
            ),
            *(window_bars(context, metric, start, end) if with_windows else ()),
        ),
        threshold=metric.threshold,
        band=band,
        zone=context.zone_name,
        tz=context.zone,
    )


def _outages(context: Context) -> list[tuple[datetime, datetime]]:
    """Return from when to when it lasted: until it came back, the time in between was no part of it."""
    incident = context.incident
    spans = []
    for outage in outages(incident)[:-1]:
        start, end = outage.start, outage.recovered or outage.resolved
        begins = start.earliest if start is not None else incident.begins_at
        spans.append((begins, max(begins, end.earliest) if end is not None else begins))
    start = outages(incident)[-1].start
    begins = start.earliest if start is not None else incident.begins_at
    return [*spans, (begins, max(begins, context.impact_ends_at))]


def _marks(context: Context, service: str) -> list[Mark]:
    marks = []
    for entry in context.entries:
        if entry.service not in (None, service) or context.is_elsewhere(entry):
            continue
        fact = entry.fact
        if isinstance(fact, DeployFinished):
            fixed = entry.attribution is not None and entry.attribution.role == "fixed"
            marks.append(Mark(entry.occurred_at, "fix" if fixed else "deploy", version_name(fact.version)))
        elif isinstance(fact, RollbackFinished):
            marks.append(Mark(entry.occurred_at, "rollback", version_name(fact.version)))
        elif isinstance(fact, AlertFired):
            marks.append(Mark(entry.occurred_at, "alert", fact.name))
    incident = context.incident
    if incident.declared_at is not None:
        marks.append(Mark(incident.declared_at, "declared", ""))
    for outage in outages(incident):
        if outage.start is not None:
            marks.append(Mark(outage.start.earliest, "reopened", ""))
        if outage.resolved is not None and not outage.resolved.is_unknown:
            marks.append(Mark(outage.resolved.earliest, "resolved", ""))
    return marks


def silences_of(context: Context, metric: MetricPlan) -> list[Silence]:
    """Return the silences in which its samples are missing, within the picture."""
    start, end = context.picture_span
    sources = sorted({series.source for series in metric.series}) or ["prometheus"]
    return [
        silence
        for silence in blinding(context.silences, metric.service, metric.name, sources)
        if silence.touches(start, end)
    ]


def beyond_seconds(metric: MetricPlan, series: Series, start: datetime, end: datetime) -> float:
    """Return for how long a series was on the wrong side of its limit."""
    if metric.threshold is None:
        return 0.0
    values = between(series, start, end).values
    beyond = values < metric.threshold if metric.better == "higher" else values > metric.threshold
    return float(beyond.sum()) * series.step_seconds


def labels_of(series: Series) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items()) if name != "__name__")
