"""What was said when a window closed, beside what is said now; and what is worth saying."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from projections.judgement.rows import JUDGE_VERSION, Row
from tracker.events.base import BY_ITSELF, Recorded
from tracker.events.corrections import effective
from tracker.events.verdicts import Verdict, VerdictsGiven

OPEN = ("pending", "no_data")
"""Verdicts that are none yet."""

Key = tuple[str, str, str, str]


def said(recorded: Iterable[Recorded]) -> dict[Key, tuple[Recorded, VerdictsGiven, Verdict]]:
    """Return the last recorded verdict of each question: (change, window, metric, baseline)."""
    found = {}
    for each in sorted(effective(recorded).values(), key=lambda one: one.recorded.position):
        event = each.event
        if isinstance(event, VerdictsGiven) and each.retraction is None:
            for verdict in event.verdicts:
                found[(event.change, event.window, verdict.metric, verdict.baseline)] = (
                    each.recorded,
                    event,
                    verdict,
                )
    return found


def beside(rows: Sequence[Row], recorded: Iterable[Recorded]) -> list[Row]:
    """Put what was said then beside what is said now; nothing of it is rewritten."""
    then = said(recorded)
    answer = []
    for row in rows:
        held = then.get(row.key)
        if held is None:
            answer.append(row)
            continue
        event, given, verdict = held
        differs = verdict.verdict != row.verdict
        told = {
            "verdict": verdict.verdict,
            "event": event.id,
            "judged_at": event.recorded_at,
            "judge_version": given.judge_version,
            "inputs_hash": verdict.inputs_hash,
            "observed": verdict.observed,
            "expected": verdict.expected,
        }
        answer.append(
            replace(row, event=event.id, judged_at=event.recorded_at, said_then=told if differs else None)
        )
    return answer


def to_say(rows: Sequence[Row], recorded: Iterable[Recorded], incident: str) -> list[VerdictsGiven]:
    """Return the verdicts of closed windows that were not said of these inputs yet, an event a window.

    A newer judge alone is no reason to say it again: what was said stands, and `compare` shows both.
    """
    then = said(recorded)
    events: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        held = then.get(row.key)
        if row.verdict in OPEN or row.inputs_hash is None:
            continue
        if held is None or held[2].inputs_hash != row.inputs_hash:
            events.setdefault((row.change, row.window), []).append(row)
    return [_event(same, incident) for same in events.values()]


def _event(same: Sequence[Row], incident: str) -> VerdictsGiven:
    first = same[0]
    closes: datetime = first.window_to
    return VerdictsGiven(
        occurred_at=closes,
        decided_by=BY_ITSELF,
        incident=incident,
        change=first.change,
        service=first.service,
        version=first.version,
        window=first.window,
        window_from=min(row.window_from for row in same),
        settling_seconds=max(row.settling_seconds for row in same),
        judge_version=JUDGE_VERSION,
        verdicts=tuple(
            Verdict(
                metric=row.metric,
                baseline=row.baseline,
                verdict=row.verdict,
                inputs_hash=row.inputs_hash or "",
                unit=row.unit,
                query=row.query,
                expected=row.expected,
                observed=row.observed,
                shift=row.shift,
                swing=row.swing,
                strength=row.strength,
                smallest_visible_change=row.smallest_visible_change,
                replays=row.replays,
                samples=row.samples,
                samples_expected=row.samples_expected,
                recovered_at=row.recovered_at,
                left_normal_at=row.left_normal_at,
                baseline_from=row.baseline_from,
                baseline_to=row.baseline_to,
                flags=row.flags,
                reason=row.reason or "",
            )
            for row in same
        ),
    )
