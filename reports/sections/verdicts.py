"""What became of each metric after each deploy and rollback: a sentence, then the figures."""

from projections.comparison import INCIDENT, NOT_JUDGED, SO_FAR, VerdictRow
from reports.context import Context
from reports.markdown import code, table, text
from reports.numbers import rounded_with_unit
from reports.wording.changes import version_name
from reports.wording.metrics import after_change_in_words
from reports.wording.verdict_phrases import (
    SPANS,
    reason,
    remarks,
    sentence,
    settled_after,
    when_normal,
    window_name,
)

_COLUMNS = (
    "*Window*: how long after the change, without its settling time. "
    "*Baseline*: what it is compared with, the time before the change or the healthy time before the incident. "
    "*Observed* and *Expected*: the mean of the samples in the window, and what the baseline lets expect. "
    "*Detectable change*: the smallest difference that the samples can show; less is noise."
)
_VERDICT_HEAD = [
    *("Metric", "Window", "Baseline", "Verdict", "Observed", "Expected", "Detectable change", "Remarks"),
]
_BASELINES = {"before_change": "before the change", "healthy": "healthy time"}


def lines(context: Context) -> list[str]:
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
