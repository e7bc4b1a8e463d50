"""What if this alert had existed? Its firings on past samples, held against past incidents.

Hypothetical throughout: nothing here was observed, and nothing of it is ever recorded. When
an alert fires is `projections.firings`'s; here it is asked which firings belong to an
incident, how much sooner than people it would have told, and which were for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from projections.alert_expression import AlertExpression
from projections.attachment import FACTS_BEFORE
from projections.backtest_answer import Backtest, ForNothing, IncidentAnswer, Spacing
from projections.firings import ENDINGS, WatchedMetric, overlap_ms
from projections.incident_spans import MergedIncident, merged_incidents
from tracker.incident import Incident
from tracker.times import from_ms, to_ms

BEFORE = FACTS_BEFORE
"""A firing that began so long before an incident, and still held then, is the incident's; an older one is not."""

UNSEEN_SECONDS = 30
"""What passes between samples that lie further apart is worth a word, for an alert that need not hold."""

LISTED_FOR_NOTHING = 10_000
"""An alert that fires more often is no alert: the rest is counted, not listed."""

WEEK_SECONDS = 7 * 86400
ENOUGH_SHARE = 0.5
"""With samples for less of an incident than this, silence says nothing."""


def backtest(
    expression: AlertExpression,
    watched: Sequence[WatchedMetric],
    incidents: Iterable[Incident],
    *,
    until: datetime,
    services: Iterable[str] = (),
    only_service: bool = False,
) -> Backtest:
    """Hold an alert's firings against incidents.

    Args:
        expression: The proposed alert.
        watched: What it would have done, each service once.
        incidents: All incidents, as they are known.
        until: The last instant that is known; an incident that is open lasts until then.
        services: Services that should have samples of the metric, besides those that have.
        only_service: Whether incidents of other services are nobody's question.
    """
    told = merged_incidents(incidents)
    alarms = [each for each in told if each.is_false_alarm]
    real = [each for each in told if not each.is_false_alarm]
    by_service = {each.service: each for each in watched}
    measured = [*dict.fromkeys((*(each.service for each in watched if each.service), *services))]
    answers = tuple(
        _answer(each, name, by_service.get(name), until)
        for each in real
        for name in measured
        if name in each.services
    )
    nothings = [_for_nothing(each, real, alarms) for each in watched]
    nothing_count = sum(count for count, _, _ in nothings)
    for_nothing = sorted(
        (nothing for _, _, found in nothings for nothing in found),
        key=lambda nothing: (nothing.from_, nothing.service or "", sorted(nothing.labels.items())),
    )[:LISTED_FOR_NOTHING]
    looked_at = {each.incident for each in answers}
    others = [each for each in real if each.id not in looked_at]
    caught: dict[str, float] = {}
    for each in answers:
        if each.gained_seconds is not None:
            caught[each.incident] = max(caught.get(each.incident, each.gained_seconds), each.gained_seconds)
    can_tell = {each.incident for each in answers if each.verdict != "no_samples"}
    covered_ms = sum(int((each.covered_ms[:, 1] - each.covered_ms[:, 0]).sum()) for each in watched)
    spans = [each.covered_ms for each in watched if len(each.covered_ms)]
    series_ms = sum(each.series_ms for each in watched)
    weeks = covered_ms / 1000 / WEEK_SECONDS
    spacings = _spacings(watched, expression.for_seconds or UNSEEN_SECONDS)
    unit = next((each.unit for each in watched if each.unit), None)
    return Backtest(
        incidents=answers,
        for_nothing=tuple(for_nothing),
        services=tuple(each.service for each in watched),
        unit=unit,
        threshold=expression.threshold(unit) if unit or not expression.suffix else None,
        series_count=sum(len(each.labels) for each in watched),
        query_counts={each.service or "": each.query_count for each in watched},
        sample_count=sum(each.sample_count for each in watched),
        samples_from=from_ms(min(int(each[0, 0]) for each in spans)) if spans else None,
        samples_to=from_ms(max(int(each[-1, 1]) for each in spans)) if spans else None,
        hours_of_samples=covered_ms / 3_600_000,
        spacings=spacings,
        incident_samples_share=_share(answers, until),
        incident_count=len(looked_at),
        caught_count=len(caught),
        caught_earlier_count=sum(gained > 0 for gained in caught.values()),
        cannot_tell_count=len(looked_at - can_tell),
        caught_share=len(caught) / len(can_tell) if can_tell else None,
        median_gained_seconds=median(caught.values()) if caught else None,
        longest_gained_seconds=max(caught.values(), default=None),
        for_nothing_count=nothing_count,
        for_nothing_per_day=nothing_count / (7 * weeks) if weeks else None,
        for_nothing_per_week=nothing_count / weeks if weeks else None,
        for_nothing_share=sum(ms for _, ms, _ in nothings) / series_ms if series_ms else None,
        for_nothing_left_out=nothing_count - len(for_nothing),
        open_incidents=tuple(each.id for each in real if each.is_open and each.id in looked_at),
        false_alarms=tuple(each.id for each in alarms if set(each.services) & set(measured)),
        not_looked_at=() if only_service else tuple(each.id for each in others),
    )


def _answer(
    told: MergedIncident, service: str, watched: WatchedMetric | None, until: datetime
) -> IncidentAnswer:
    begins, ends = _span_ms(told, until)
    own, older = _overlapping(watched, told) if watched else ([], [])
    first = own[0] if own else None
    fired_ms = int(watched.firings.from_ms[first]) if watched and first is not None else None
    gained = (to_ms(told.knew_at) - fired_ms) / 1000 if fired_ms is not None else None
    share = _covered(watched, begins, ends)
    seen_until = max(begins, min(ends, fired_ms if fired_ms is not None else ends))
    unseen = (seen_until - begins) / 1000 * (1 - _covered(watched, begins, seen_until))
    if gained is not None:
        verdict = "earlier" if gained > 0 else "later"
    elif older or share >= ENOUGH_SHARE:
        verdict = "not_at_all"
    else:
        verdict = "no_samples"
    return IncidentAnswer(
        incident=told.id,
        service=service,
        series=watched.labels[watched.firings.series[first]] if watched and first is not None else None,
        started_at=told.started_at,
        detected_at=told.knew_at,
        detected_from=told.knew_from,
        ended_at=told.ends_at,
        would_fire_at=from_ms(fired_ms) if fired_ms is not None else None,
        would_resolve_at=_resolves_at(watched, first) if watched and first is not None else None,
        gained_seconds=gained,
        verdict=verdict,
        firings=len(own),
        peak=_peak(watched, own) if watched else None,
        firing_since=from_ms(int(watched.firings.from_ms[older[0]])) if watched and older else None,
        samples_share=share,
        unseen_seconds=unseen,
    )


def _overlapping(watched: WatchedMetric, told: MergedIncident) -> tuple[list[int], list[int]]:
    """Return the firings that are the incident's, in order, and those that had begun too long before it."""
    import numpy as np

    found = watched.firings
    begins, ends = to_ms(told.begins_at), to_ms(told.ends_at) if told.ends_at else None
    # Half open: what resolved at the very start did not fire in it.
    meets = (found.to_ms > begins) | (found.from_ms >= begins)
    if ends is not None:
        meets &= found.from_ms <= ends
    near = found.from_ms >= begins - round(BEFORE.total_seconds() * 1000)
    return np.flatnonzero(meets & near).tolist(), np.flatnonzero(meets & ~near).tolist()


def _for_nothing(
    watched: WatchedMetric, real: Sequence[MergedIncident], alarms: Sequence[MergedIncident]
) -> tuple[int, int, list[ForNothing]]:
    """Count the firings that are no incident's, add up their milliseconds, describe the first of them."""
    of_incidents: set[int] = set()
    reasons: dict[int, tuple[str, str]] = {}
    for told in (*alarms, *real):
        if watched.service not in told.services:
            continue
        own, older = _overlapping(watched, told)
        if told.is_false_alarm:
            reasons |= dict.fromkeys(own, ("false_alarm", told.id))
        else:
            of_incidents.update(own)
            reasons = dict.fromkeys(older, ("already_firing", told.id)) | reasons
    found = watched.firings
    left = [number for number in range(len(found.from_ms)) if number not in of_incidents]
    lasted_ms = int((found.to_ms - found.from_ms)[left].sum())
    return (
        len(left),
        lasted_ms,
        [
            ForNothing(
                service=watched.service,
                labels=watched.labels[found.series[number]],
                from_=from_ms(int(found.from_ms[number])),
                to=from_ms(int(found.to_ms[number])),
                ending=ENDINGS[found.ending[number]],
                peak=_peak(watched, [number]),
                reason=reasons.get(number, ("no_incident", ""))[0],
                incident=reasons[number][1] if number in reasons else None,
            )
            for number in left[:LISTED_FOR_NOTHING]
        ],
    )


def _span_ms(told: MergedIncident, until: datetime) -> tuple[int, int]:
    begins = to_ms(told.begins_at)
    return begins, max(begins, to_ms(told.ends_at or until))


def _covered(watched: WatchedMetric | None, begins: int, ends: int) -> float:
    if watched is None:
        return 0.0
    if begins == ends:
        spans = watched.covered_ms
        return float(((spans[:, 0] <= begins) & (begins <= spans[:, 1])).any())
    return overlap_ms(watched.covered_ms, begins, ends) / (ends - begins)


def _share(answers: Sequence[IncidentAnswer], until: datetime) -> float | None:
    """Return which share of the incidents' time has samples, long incidents counting for more."""
    lengths = []
    for each in answers:
        begins = min(each.started_at or each.detected_at, each.detected_at)
        lengths.append(max(((each.ended_at or until) - begins).total_seconds(), 1.0))
    if not lengths:
        return None
    return sum(n * each.samples_share for n, each in zip(lengths, answers, strict=True)) / sum(lengths)


def _resolves_at(watched: WatchedMetric, number: int) -> datetime | None:
    found = watched.firings
    return from_ms(int(found.to_ms[number])) if ENDINGS[found.ending[number]] == "resolved" else None


def _peak(watched: WatchedMetric, numbers: Sequence[int]) -> float | None:
    """Return the value furthest on the alert's side; None where there is no number."""
    values = [float(watched.firings.peak[number]) for number in numbers]
    numbers_only = [value for value in values if value == value]
    if not numbers_only:
        return None
    return min(numbers_only) if watched.downwards else max(numbers_only)


def _spacings(watched: Sequence[WatchedMetric], longest: float) -> tuple[Spacing, ...]:
    filled: dict[int, int] = {}
    for each in watched:
        for step, time in each.step_ms.items():
            filled[step] = filled.get(step, 0) + time
    total = sum(filled.values())
    return tuple(
        Spacing(step / 1000, time / total, step / 1000 > longest)
        for step, time in sorted(filled.items())
        if time
    )
