"""What the configured metrics did, drawn and summed up from the log's own samples."""

from datetime import datetime, timedelta

from projections.partial_answers import partial_answers
from projections.samples import Series, Summary, between, summary
from reports.context import Context, MetricPlan
from reports.markdown import code, command, table, text
from reports.numbers import rounded_with_unit
from reports.sections import verdicts
from reports.sections.pictures import beyond_seconds, labels_of, main_metric, picture, silences_of
from reports.wording import silence as silence_words
from reports.wording.text import capitalized
from reports.wording.verdict_phrases import (
    in_part,
)
from tracker.events.base import handle_of
from tracker.times import in_minutes

AROUND = timedelta(hours=1)
_WORST = {"lower": "Highest", "higher": "Lowest", "neither": "Lowest to highest"}
_RECOVERIES = {
    "last_metric": "all metrics were back to normal",
    "mitigated": "it was mitigated",
    "ended": "the impact ended",
}


def lines(context: Context) -> list[str]:
    """Write the section: for each metric its picture, its numbers, and where they come from."""
    if not context.metrics:
        services = ", ".join(text(service) for service in context.incident.services)
        return [
            f"No metric is configured for {services}, and no samples are recorded; "
            f"add `[services.NAME.metrics.NAME]` to tracker.toml, then {command('collect', context.incident.id)}"
        ]
    written: list[str] = verdicts.lines(context)
    first = main_metric(context)
    for metric in context.metrics:
        title = _capitalized_title(metric)
        written += [f"### {text(title)} of {text(metric.service)} ({code(metric.name)})", ""]
        written += [*_metric(context, metric, with_picture=metric != first), ""]
    return written[:-1]


def _capitalized_title(metric: MetricPlan) -> str:
    return capitalized(metric.spoken_name)


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


def _blind(context: Context, metric: MetricPlan) -> list[str]:
    written: list[str] = []
    for silence in silences_of(context, metric):
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
    begins, over = context.incident.begins_at, context.impact_ends_at
    windows = [("Hour before", begins - AROUND, begins), (f"During ({_until(context)})", begins, over)]
    if context.recovery is not None or context.incident.ends_at is not None:
        windows.append(("Hour after", over, over + AROUND))
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


def _until(context: Context) -> str:
    if context.recovery is not None:
        return f"until {_RECOVERIES[context.recovery.what]}"
    if context.incident.ends_at is None:
        return "so far"
    return "until it was merged" if context.incident.merged_into else "until it was resolved"


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
    return in_minutes(beyond_seconds(metric, series, start, end)) if len(values) else "no samples"


def beyond_limit_in_words(context: Context) -> str:
    """Say for how long the metric that matters most was over its limit; nothing where it was not, or has none."""
    metric = main_metric(context)
    if metric is None or metric.threshold is None:
        return ""
    begins, over = context.incident.begins_at, context.impact_ends_at
    seconds, worst = max(
        (beyond_seconds(metric, series, begins, over), at) for at, series in enumerate(metric.series)
    )
    if not seconds:
        return ""
    numbers = summary(metric.series[worst], begins, over)
    side, extreme, worst_value = (
        ("under", "lowest", numbers.minimum)
        if metric.better == "higher"
        else ("over", "highest", numbers.maximum)
    )
    assert worst_value is not None
    limit, most = (rounded_with_unit(value, metric.unit) for value in (metric.threshold, worst_value))
    of = f" of {metric.service}" if len(context.incident.services) > 1 else ""
    return text(
        f"{capitalized(metric.spoken_name)}{of} {side} {limit} for {in_minutes(seconds)}, {extreme} {most}."
    )


def _label(series: Series) -> str:
    return text(labels_of(series)) or "all"
