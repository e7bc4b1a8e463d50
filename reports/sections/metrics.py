"""What the configured metrics did, drawn and summed up from the log's own samples."""

from datetime import datetime, timedelta

from projections.comparison import INCIDENT, NOT_JUDGED, SO_FAR, VerdictRow
from projections.partial_answers import partial_answers
from projections.samples import Series, Summary, between, summary
from projections.silence import Silence, blinding
from reports.charts import Band, Chart, ChartInterval, Line, Mark
from reports.context import Context, MetricPlan
from reports.markdown import code, command, link, table, text
from reports.numbers import rounded_with_unit
from reports.wording import silence as silence_words
from reports.wording.changes import version_name
from reports.wording.metrics import after_change_in_words
from reports.wording.text import capitalized
from reports.wording.verdict_phrases import (
    SPANS,
    in_part,
    reason,
    remarks,
    sentence,
    settled_after,
    when_normal,
    window_name,
)
from tracker.events.alerts import AlertFired
from tracker.events.base import handle_of
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.times import in_minutes, to_ms

AROUND = timedelta(hours=1)
_WORST = {"lower": "Highest", "higher": "Lowest", "neither": "Lowest to highest"}


def lines(context: Context) -> list[str]:
    """Write the section: for each metric its picture, its numbers, and where they come from."""
    if not context.metrics:
        services = ", ".join(text(service) for service in context.incident.services)
        return [
            f"No metric is configured for {services}, and no samples are recorded; "
            f"add `[services.NAME.metrics.NAME]` to tracker.toml, then {command('collect', context.incident.id)}"
        ]
    written: list[str] = _verdicts(context)
    first = main_metric(context)
    for metric in context.metrics:
        title = _capitalized_title(metric)
        written += [f"### {text(title)} of {text(metric.service)} ({code(metric.name)})", ""]
        written += [*_metric(context, metric, with_picture=metric != first), ""]
    return written[:-1]


def main_metric(context: Context) -> MetricPlan | None:
    """Return the metric that matters most: the one longest over its limit, else out of normal, else the first with samples."""
    known = [metric for metric in context.metrics if metric.series]
    begins, over = context.incident.begins_at, context.recovered_at or context.ends_at
    moved = {
        (row.service, row.metric.partition("{")[0])
        for row in context.verdicts
        if row.recovered_at is not None or row.verdict == "regressed"
    }

    def weight(metric: MetricPlan) -> tuple[float, bool]:
        beyond = max((_beyond_seconds(metric, series, begins, over) for series in metric.series), default=0.0)
        return beyond, (metric.service, metric.name) in moved

    return max(known, key=weight, default=None)


def _capitalized_title(metric: MetricPlan) -> str:
    return capitalized(metric.spoken_name)


def _verdicts(context: Context) -> list[str]:
    """Write, for each deploy and rollback, what became of the metrics: a sentence, then the figures."""
    written: list[str] = []
    for key in dict.fromkeys((row.change, row.service) for row in context.verdicts):
        rows = [row for row in context.verdicts if (row.change, row.service) == key]
        first = rows[0]
        what = "Rolled back to" if first.kind == "rollback" else "Deployed"
        at = context.moment(first.deployed_at)
        said = f"{what} {text(version_name(first.version))}"
        if first.kind == INCIDENT:
            said = (
                f"No deploy is known to have ended it: {text(first.service)} was back, or the incident over,"
                if SO_FAR not in first.flags
                else f"No deploy is known to have ended it, and it goes on: {text(first.service)} is judged by the ten minutes that begin"
            )
        written += [f"**{text(after_change_in_words(rows, context.name_of))}**", ""]
        written += [f"{said} at {at} ({code(first.handle)})."]
        judged = [row for row in rows if row.verdict not in NOT_JUDGED]
        if judged:
            if any(row.settling_seconds for row in judged):
                written[-1] += f" The first {settled_after(judged)} are settling time and excluded."
            written += [
                "",
                *table(_VERDICT_HEAD, [_verdict(context, row) for row in judged]),
                *_left_out(context, judged),
            ]
        not_judged: dict[str, list[str]] = {}
        for row in rows:
            if row.verdict in NOT_JUDGED and row.baseline == "before_change":
                not_judged.setdefault(f"{row.verdict.replace('_', ' ')}. {reason(row)}", []).append(
                    f"{context.name_of(row)} ({window_name(row)})"
                )
        for why, metrics in not_judged.items():
            written += ["", f"{text(', '.join(dict.fromkeys(metrics)))}: {text(why)}"]
        written += [""]
    return [*written, _COLUMNS, ""] if any(line.startswith("|") for line in written) else written


_COLUMNS = (
    "*Window*: how long after the change, without its settling time. "
    "*Baseline*: what it is compared with, the time before the change or the healthy time before the incident. "
    "*Observed* and *Expected*: the median in the window, and what the baseline lets expect. "
    "*Detectable change*: the smallest difference that the samples can show; less is noise."
)
_VERDICT_HEAD = [
    *("Metric", "Window", "Baseline", "Verdict", "Observed", "Expected", "Detectable change", "Remarks"),
]
_BASELINES = {"before_change": "before the change", "healthy": "healthy time"}


def _verdict(context: Context, row: VerdictRow) -> tuple[str, ...]:
    def number(value: float | None) -> str:
        return "–" if value is None else rounded_with_unit(value, row.unit)

    normal = when_normal(row)
    shown = [f"normal {normal}"] if normal else []
    shown += remarks(row)
    if row.provisional:
        shown.append("provisional")
    if row.said_then is not None:
        shown.append(f"verdict then: {str(row.said_then['verdict']).replace('_', ' ')}")
    return (
        text(context.name_of(row)),
        window_name(row),
        _BASELINES[row.baseline],
        row.verdict.replace("_", " "),
        number(row.observed),
        number(row.expected),
        f"±{number(row.smallest_visible_change)}",
        text(" · ".join(shown)) or "–",
    )


def _left_out(context: Context, rows: list[VerdictRow]) -> list[str]:
    """Name once what was left out of baselines, and in which verdicts."""
    metrics: dict[str, list[str]] = {}
    for row in rows:
        for remark in row.reasons:
            if remark.code == "samples_left_out":
                metrics.setdefault(sentence(remark), []).append(
                    f"{context.name_of(row)} ({SPANS[row.window]})"
                )
    return [
        line
        for what, names in metrics.items()
        for line in ("", f"{text(', '.join(dict.fromkeys(names)))}: {text(what)}")
    ]


def _metric(context: Context, metric: MetricPlan, *, with_picture: bool) -> list[str]:
    if not metric.series:
        return [
            f"No samples recorded; {command('collect', context.incident.id)}",
            *_gone(context, metric),
            *_in_part(context, metric),
            *_blind(context, metric),
        ]
    written = [*(picture(context, metric) if with_picture else []), *_numbers(context, metric)]
    queries = sorted({series.query for series in metric.series})
    sources = sorted({series.source for series in metric.series})
    steps = sorted({f"{series.step_seconds:g}" for series in metric.series})
    written += [
        "",
        f"Query {', '.join(code(query) for query in queries)}, step {' and '.join(steps)} s, "
        f"from {', '.join(text(source) for source in sources)}.",
    ]
    return written + _gone(context, metric) + _in_part(context, metric) + _blind(context, metric)


def picture(context: Context, metric: MetricPlan) -> list[str]:
    """Link the picture, where there will be one; the numbers below it say the same in short."""
    if context.pictures == "none":
        return []
    start, end = context.picture_span
    alternative = f"{capitalized(metric.spoken_name)} of {metric.service}, {context.moment(start, 60)} to {context.moment(end, 60)}"
    return [f"![{text(alternative)}]({context.incident.id}/{link(picture_name(context, metric))})", ""]


def _silences(context: Context, metric: MetricPlan) -> list[Silence]:
    """Return the silences in which its samples are missing, within the picture."""
    start, end = context.picture_span
    sources = sorted({series.source for series in metric.series}) or ["prometheus"]
    return [
        silence
        for silence in blinding(context.silences, metric.service, metric.name, sources)
        if silence.touches(start, end)
    ]


def _blind(context: Context, metric: MetricPlan) -> list[str]:
    written: list[str] = []
    for silence in _silences(context, metric):
        written += [
            "",
            f"No data: {text(silence_words.describe(silence))} ({code(handle_of(silence.event))}).",
        ]
    return written


def _gone(context: Context, metric: MetricPlan) -> list[str]:
    start, _ = context.picture_span
    gone = min(
        (
            answer.missing_until
            for answer in context.collected
            if answer.service == metric.service and answer.what == metric.name and answer.missing_until
        ),
        default=None,
    )
    if gone is None or gone <= start:
        return []
    return [
        "",
        f"The source had already deleted samples from before {context.moment(gone)} when it was first queried.",
    ]


def _in_part(context: Context, metric: MetricPlan) -> list[str]:
    """Say which spans of the picture are known in part only: what the source left out may change every number."""
    start, end = context.picture_span
    mine = [answer for answer in context.collected if answer.service == metric.service]
    queries = {metric.query, *(series.query for series in metric.series)}
    written: list[str] = []
    for query in sorted(query for query in queries if query):
        for answer in partial_answers(mine, metric.name, query):
            if answer.touches(start, end):
                written += ["", f"{text(in_part(answer))}; {command('collect', context.incident.id)}"]
    return written


def _numbers(context: Context, metric: MetricPlan) -> list[str]:
    begins, over = context.incident.begins_at, context.recovered_at or context.ends_at
    during_name = (
        "During (until it was mitigated)" if context.recovered_at else "During (until it was resolved)"
    )
    if context.incident.ends_at is None and context.recovered_at is None:
        during_name = "During (so far)"
    windows = [
        ("Hour before", begins - AROUND, begins),
        (during_name, begins, over),
        ("Hour after", over, over + AROUND),
    ]
    if during_name == "During (so far)":
        windows = windows[:-1]  # nothing is after it yet
    rows: list[tuple[str, ...]] = []
    for series in metric.series:
        label = _label(series)
        for name, start, end in windows:
            numbers = summary(series, start, end)
            cells = (name, *_summed(numbers, metric), _over(metric, series, start, end))
            rows.append((label, *cells) if len(metric.series) > 1 else cells)
    limit = rounded_with_unit(metric.threshold, metric.unit) if metric.threshold is not None else None
    side = "Under" if metric.better == "higher" else "Over"
    head = ["Window", "Median", _WORST[metric.better], "Samples", f"{side} {limit}"]
    if limit is None:
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table(["Series", *head] if len(metric.series) > 1 else head, rows)


def _summed(numbers: Summary, metric: MetricPlan) -> tuple[str, str, str]:
    counted = f"{numbers.count} of {numbers.expected_count}"
    if numbers.median is None or numbers.minimum is None or numbers.maximum is None:
        return "no samples", "no samples", counted
    low, high = (
        rounded_with_unit(numbers.minimum, metric.unit),
        rounded_with_unit(numbers.maximum, metric.unit),
    )
    worst = {"lower": high, "higher": low}.get(metric.better, f"{low} to {high}")
    return rounded_with_unit(numbers.median, metric.unit), worst, counted


def _over(metric: MetricPlan, series: Series, start: datetime, end: datetime) -> str:
    if metric.threshold is None:
        return ""
    values = between(series, start, end).values
    return in_minutes(_beyond_seconds(metric, series, start, end)) if len(values) else "no samples"


def _beyond_seconds(metric: MetricPlan, series: Series, start: datetime, end: datetime) -> float:
    """Return for how long a series was on the wrong side of its limit."""
    if metric.threshold is None:
        return 0.0
    values = between(series, start, end).values
    beyond = values < metric.threshold if metric.better == "higher" else values > metric.threshold
    return float(beyond.sum()) * series.step_seconds


def _label(series: Series) -> str:
    return text(_named(series)) or "all"


def _named(series: Series) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items()) if name != "__name__")


def picture_name(context: Context, metric: MetricPlan) -> str:
    """Return the file name of a metric's picture; another zone's picture is another file.

    Names that came in somebody's bundle lead into no other folder.
    """
    zone = "" if context.zone_name == "UTC" else "." + context.zone_name
    name = f"{metric.service}-{metric.name}{zone}.{context.pictures}"
    return "".join("-" if char in "/\\" or not char.isprintable() else char for char in name)


def pictures(context: Context) -> dict[str, Chart]:
    """Return the charts that the section shows, by file name."""
    return {
        picture_name(context, metric): chart(context, metric) for metric in context.metrics if metric.series
    }


def chart(context: Context, metric: MetricPlan) -> Chart:
    """Plan one metric's picture: its samples, the incident, and what was done meanwhile."""
    start, end = context.picture_span
    lines = [
        Line(
            # One series is the metric; several are told apart by their labels.
            label=(len(metric.series) > 1 and _named(series)) or metric.spoken_name,
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
            ChartInterval(
                context.incident.begins_at,
                context.recovered_at or context.ends_at,
                "incident",
                context.incident.id,
            ),
            *(
                ChartInterval(
                    max(silence.start, start),
                    min(silence.end or max(context.as_of, start), end),
                    "blind",
                    silence.watched.source,
                )
                for silence in _silences(context, metric)
            ),
        ),
        threshold=metric.threshold,
        band=band,
        zone=context.zone_name,
        tz=context.zone,
    )


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
    if incident.resolved_at is not None:
        marks.append(Mark(incident.resolved_at, "resolved", ""))
    return marks
