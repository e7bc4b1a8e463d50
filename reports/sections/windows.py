"""The windows of the verdicts as bars of a picture: which window, after which change, and its verdict in words."""

from datetime import datetime

from projections.comparison import INCIDENT, VerdictRow
from reports.charts import ChartInterval
from reports.charts.chart import SpanKind
from reports.context import Context, MetricPlan
from reports.wording.changes import version_name
from reports.wording.verdict_phrases import PHRASES, SPANS

_MOST_CHANGES = 2
"""The bars of earlier changes would hide the curve; the table has them all."""
_KINDS: tuple[tuple[SpanKind, tuple[str, ...]], ...] = (
    ("worse", ("regressed", "still_degraded")),
    ("changed", ("partly_recovered", "shifted")),
    ("unknown", ("not_enough_data", "no_data", "pending")),
    ("good", ()),
)
"""By the worst of a window's verdicts; whatever is not named is good."""


def window_bars(context: Context, metric: MetricPlan, start: datetime, end: datetime) -> list[ChartInterval]:
    """Return a bar for each window of the last changes that touches the picture.

    A change in an incident is compared with healthy time where it was; else with the time before it.
    """
    rows = [
        row
        for row in context.verdicts
        if row.service == metric.service and row.metric.partition("{")[0] == metric.name
    ]
    last = sorted({(row.deployed_at, row.change) for row in rows})[-_MOST_CHANGES:]
    windows: dict[tuple[object, ...], list[VerdictRow]] = {}
    for row in rows:
        if (row.deployed_at, row.change) in last and row.window_from < end and row.window_to > start:
            # Windows that the next change cut at one instant are one.
            which = row.window_to if row.cut_by else row.window
            windows.setdefault((row.deployed_at, row.change, which), []).append(row)
    return [_bar(mine) for mine in windows.values()]


def _bar(mine: list[VerdictRow]) -> ChartInterval:
    healthy = [row for row in mine if row.baseline == "healthy" and row.verdict != "no_data"]
    shown = healthy or [row for row in mine if row.baseline != "healthy"] or mine
    verdicts = {row.verdict for row in shown}
    verdicts = verdicts - {"pending"} or verdicts
    kind = next(kind for kind, members in _KINDS if not members or verdicts & set(members))
    said = ", ".join(sorted({PHRASES.get(verdict, verdict.replace("_", " ")) for verdict in verdicts}))
    first = shown[0]
    what = "it was over" if first.kind == INCIDENT else version_name(first.version)
    span = f"{SPANS[first.window]} after {what}"
    if first.cut_by:
        span = f"After {what}, until {version_name(first.cut_by)}"
    label = f"{span}: {said}{' (provisional)' if first.provisional else ''}"
    return ChartInterval(first.window_from, first.window_to, kind, label)
