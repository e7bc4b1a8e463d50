"""What verdicts say to a reader: one sentence for each change, and one answer for a watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from projections.comparison import (
    CHECKS,
    INCIDENT,
    NOT_JUDGED,
    SO_FAR,
    WINDOWS,
    VerdictRow,
    answering,
    is_clear,
    is_worse,
)
from projections.partial_answers import PartialAnswer
from projections.reason import Reason
from projections.silence import Silence
from projections.versions import UNKNOWN
from reports.numbers import rounded_with_unit
from reports.wording.changes import version_name
from reports.wording.silence import describe
from tracker.events.verdicts import VerdictsGiven
from tracker.text.shortening import short
from tracker.times import spoken, utc, whole_seconds

SPANS = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day"}

PHRASES = {
    "regressed": "worse",
    "still_degraded": "still degraded",
    "partly_recovered": "only partly recovered",
    "shifted": "shifted",
    "not_enough_data": "inconclusive",
    "no_data": "without samples",
    "pending": "pending",
    "within_normal": "within its normal range, recovery not proven",
    "recovered": "back to normal",
    "improved": "better",
    "unchanged": "unchanged",
    "unaffected": "not affected",
}
"""How a headline says each verdict, the worst first."""
REASONS: dict[str, Callable[..., str]] = {
    "window_open": lambda: "The window is not over yet.",
    "no_samples": lambda: "The log has no samples of it.",
    "samples_pending": lambda silences: (
        f"The samples up to the end of the window are not in the log yet{_because(silences)}."
    ),
    # These are recorded with their verdicts: the same reason reads the same for good.
    "replaced_unsettled": lambda version: (
        f"{version_name(version)} was deployed before the rollout had settled."
    ),
    "still_settling": lambda: "The rollout was still settling when the window ended.",
    "judged": lambda text: text,
    "blind": lambda silences, samples, of: (
        f"{'; '.join(map(describe, silences))}; {samples} of {of} samples of the window are in the log."
    ),
    "samples_left_out": lambda samples, unit: (
        "Left out of the baseline, as nothing else in it is nearly as far from the samples around it: "
        f"{', '.join(f'{rounded_with_unit(value, unit)} at {utc(at)}' for at, value in samples)}."
    ),
    "answered_in_part": lambda answers: f"{'; '.join(dict.fromkeys(map(in_part, answers)))}.",
    "samples_redacted": lambda redaction: (
        f"Samples of it were redacted by {redaction.by} on {utc(redaction.at)}: {redaction.why}."
    ),
}


def in_part(answer: PartialAnswer) -> str:
    """Say which span a source answered in part, in its own words."""
    return (
        f"{answer.source} answered in part for {utc(answer.start)} to {utc(answer.end)}"
        f" ({short(', '.join(answer.reported), 200)})"
    )


_ORDER = {verdict: rank for rank, verdict in enumerate(PHRASES)}


def sentence(reason: Reason) -> str:
    """Say why a verdict is what it is."""
    return REASONS[reason.code](**reason.facts)


def reason(row: VerdictRow) -> str | None:
    """Say why a row's verdict is what it is; None where it has no remark."""
    return " ".join(map(sentence, row.reasons)) or None


def _because(silences: Sequence[Silence]) -> str:
    return f" ({'; '.join(map(describe, silences))})" if silences else ""


def closed_window(rows: Sequence[VerdictRow]) -> str | None:
    """Return the longest window with a verdict; None while none is over.

    Windows that the next deploy cut end together: the shortest of them is named for what it shows.
    """
    judged = {row.window for row in rows if row.verdict not in NOT_JUDGED}
    done = judged or {row.window for row in rows if row.verdict not in ("pending", "no_data")}
    ends = {row.window: row.window_to for row in rows}
    return max((window for window in WINDOWS if window in done), key=ends.__getitem__, default=None)


def _own_name(row: VerdictRow) -> str:
    return row.metric


def change_name(row: VerdictRow) -> str:
    """Name the change that a verdict is on: v1.2.1, the rollback to v1.2.0, the deploy of an unknown version."""
    version = version_name(row.version)
    if row.kind == "rollback":
        return f"the rollback to {version}"
    return f"the deploy of {version}" if row.version == UNKNOWN else version


def headline(rows: Sequence[VerdictRow], name: Callable[[VerdictRow], str] = _own_name) -> str:
    """Say in one sentence what became of the metrics after one change; `name` is what a metric is called."""
    if not rows:
        return "No metric is configured."
    first = rows[0]
    what = change_name(first)
    window = closed_window(rows)
    if window is None:
        return f"After {what}: no verdict yet. {reason(first) or 'No window is over.'}"
    mine = [row for row in rows if row.window == window]
    others = sorted({version_name(version) for row in mine for version in row.confounded_by})
    confounded = (
        f" Confounded by {' and '.join(others)}, deployed shortly before or with it." if others else ""
    )
    span = f"{SPANS[window]} after {what}" if SO_FAR not in first.flags else "So far"
    if cut_by := mine[0].cut_by:
        lasted = spoken((mine[0].window_to - mine[0].deployed_at).total_seconds())
        span = f"{lasted} after {what}, until {version_name(cut_by)} was deployed"
    return f"{span}: {_outcome(mine, name)}.{confounded}"


def window_name(row: VerdictRow) -> str:
    """Name a window, and what ended it before its time."""
    return SPANS[row.window] + (f", until {version_name(row.cut_by)}" if row.cut_by else "")


def recorded_span(event: VerdictsGiven) -> str:
    """Say of which window a recorded verdict is."""
    name = version_name(event.version)
    cut_by = next((verdict.cut_by for verdict in event.verdicts if verdict.cut_by), None)
    if cut_by is None:
        return f"{SPANS.get(event.window, event.window)} after {name}"
    return f"From {name} until {version_name(cut_by)} was deployed"


def remarks(row: VerdictRow) -> list[str]:
    """Say what is to be known besides a verdict: its flags, what confounds it, and what ended its window early."""
    shown = [
        flag.replace("_", " ")
        for flag in row.flags
        if flag not in ("confounded", "until_next_deploy", SO_FAR)
    ]
    if row.confounded_by:
        shown.append(f"confounded by {', '.join(dict.fromkeys(map(version_name, row.confounded_by)))}")
    return shown


def recorded_confounders(event: VerdictsGiven) -> str:
    """Say what may have moved the metrics of a recorded verdict as well; nothing where nothing did."""
    names = dict.fromkeys(
        version_name(version) for verdict in event.verdicts for version in verdict.confounded_by
    )
    if not names and any("confounded" in verdict.flags for verdict in event.verdicts):
        return "confounded by another deploy"
    return f"confounded by {', '.join(names)}" if names else ""


def _outcome(rows: Sequence[VerdictRow], name: Callable[[VerdictRow], str]) -> str:
    """Say of one window's metrics what became of them, the worst first."""
    made_worse = {row.metric for row in rows if row.baseline == "before_change" and is_worse(row)}
    moving = {row.metric for row in rows if "already_moving" in row.flags}
    groups: dict[str, list[str]] = {}
    for row in sorted(answering(rows), key=lambda row: _ORDER[row.verdict]):
        faint = row.verdict in ("regressed", "improved", "shifted") and not is_clear(row)
        phrase = f"possibly {PHRASES[row.verdict]}" if faint else PHRASES[row.verdict]
        if row.baseline == "healthy" and row.metric in made_worse:
            phrase += f", and worse than before {row.version}"
        if row.metric in moving and row.verdict not in ("unchanged", "unaffected", "within_normal"):
            phrase += f", but already moving that way before {row.version}"
        when = when_normal(row)
        groups.setdefault(phrase, []).append(name(row) + (f" ({when})" if when else ""))
    return "; ".join(f"{', '.join(metrics)} {phrase}" for phrase, metrics in groups.items())


def when_normal(row: VerdictRow) -> str:
    """Say when a metric was back to normal; nothing where the verdict of its window says otherwise."""
    if row.recovered_at is None or row.verdict not in ("recovered", "within_normal"):
        return ""
    return after_change(row)


def settled_after(rows: Sequence[VerdictRow]) -> str:
    """Write how long after a change the windows begin; it depends on the ranges of the queries."""
    settling = sorted({row.settling_seconds for row in rows})
    first, last = spoken(settling[0]), spoken(settling[-1])
    if first == last:
        return first
    # "2 to 3 min", and "90 s to 3 min".
    number, _, unit = first.partition(" ")
    return f"{number if last.partition(' ')[2] == unit else first} to {last}"


def after_change(row: VerdictRow) -> str:
    """Say how long after the change a metric was back."""
    assert row.recovered_at is not None
    seconds = (row.recovered_at - row.deployed_at).total_seconds()
    if seconds > 120:
        seconds = 60.0 * whole_seconds(seconds / 60)
    if seconds > 0:
        return f"{spoken(seconds)} after"
    return "by then" if row.kind == INCIDENT else "during the deploy"


SAID_BY_CODE = {0: "recovered", 6: "worse", 7: "not better", 8: "cannot tell"}

_EACH_MINUTE = 600


def describe_checks(missed: Sequence[int]) -> str:
    """Name checks in words; consecutive ones by the first and the last of them."""
    runs: list[list[int]] = []
    for due in missed:
        if runs and CHECKS.index(due) == CHECKS.index(runs[-1][-1]) + 1 and due <= _EACH_MINUTE:
            runs[-1].append(due)
        else:
            runs.append([due])
    return ", ".join(" to ".join(dict.fromkeys((spoken(run[0]), spoken(run[-1])))) for run in runs)
