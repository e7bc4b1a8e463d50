"""Verdicts as they were recorded when their windows closed, and those that are to be recorded now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from projections.judgement.rows import JUDGE_VERSION, SO_FAR, VerdictRow
from tracker.events.base import BY_ITSELF, Recorded
from tracker.events.corrections import Effective
from tracker.events.verdicts import Verdict, VerdictsGiven

NO_VERDICT = ("pending", "no_data")

Key = tuple[str, str, str, str, str]


def latest_verdicts(facts: Iterable[Effective]) -> dict[Key, tuple[Recorded, VerdictsGiven, Verdict]]:
    """Return the last recorded verdict on each question: (change, service, window, metric, baseline)."""
    latest: dict[Key, tuple[Recorded, VerdictsGiven, Verdict]] = {}
    for decision in sorted(facts, key=lambda each: each.recorded.position):
        event = decision.event
        if isinstance(event, VerdictsGiven) and decision.retraction is None:
            for verdict in event.verdicts:
                key = (event.change, event.service, event.window, verdict.metric, verdict.baseline)
                latest[key] = (decision.recorded, event, verdict)
    return latest


def with_recorded(rows: Sequence[VerdictRow], facts: Iterable[Effective]) -> list[VerdictRow]:
    """Add the recorded verdict to each row, and its content where it differs from the row's."""
    latest = latest_verdicts(facts)
    return [_with(row, *latest[row.key]) if row.key in latest else row for row in rows]


def _with(row: VerdictRow, recorded: Recorded, event: VerdictsGiven, verdict: Verdict) -> VerdictRow:
    row = replace(row, event=recorded.id, judged_at=recorded.recorded_at)
    if verdict.verdict == row.verdict:
        return row
    then = {
        "verdict": verdict.verdict,
        "event": recorded.id,
        "judged_at": recorded.recorded_at,
        "judge_version": event.judge_version,
        "inputs_hash": verdict.inputs_hash,
        "observed": verdict.observed,
        "expected": verdict.expected,
    }
    return replace(row, said_then=then)


def verdicts_to_record(
    rows: Sequence[VerdictRow],
    facts: Iterable[Effective],
    incident: str,
    worded: Callable[[VerdictRow], str | None],
) -> list[VerdictsGiven]:
    """Return the verdicts of closed windows that were not recorded for these inputs yet, one event a window.

    `worded` says the reasons of a row, which are recorded in words.

    A newer judge alone is no reason to record them again: the recorded verdict stays, and `compare` shows both.
    """
    latest = latest_verdicts(facts)
    windows: dict[tuple[str, str, str], list[VerdictRow]] = {}
    for row in rows:
        if row.verdict in NO_VERDICT or row.inputs_hash is None or SO_FAR in row.flags:
            continue
        if row.key not in latest or latest[row.key][2].inputs_hash != row.inputs_hash:
            windows.setdefault((row.change, row.service, row.window), []).append(row)
    return [_event(same_window, incident, worded) for same_window in windows.values()]


def _event(
    rows: Sequence[VerdictRow], incident: str, worded: Callable[[VerdictRow], str | None]
) -> VerdictsGiven:
    first = rows[0]
    return VerdictsGiven(
        occurred_at=first.window_to,
        decided_by=BY_ITSELF,
        incident=incident,
        change=first.change,
        service=first.service,
        version=first.version,
        window=first.window,
        window_from=min(row.window_from for row in rows),
        settling_seconds=max(row.settling_seconds for row in rows),
        judge_version=JUDGE_VERSION,
        verdicts=tuple(
            # A row has every field of a verdict but its reason in words.
            Verdict(
                **{name: getattr(row, name) for name in Verdict.__struct_fields__ if name != "reason"},
                reason=worded(row) or "",
            )
            for row in rows
        ),
    )
