"""What if this alert had existed? Its firings on past samples, compared with past incidents.

Hypothetical throughout: nothing here was observed, and none of it is ever recorded. When an alert fires is decided by
`projections.firings`; here, which firings belong to an incident, how much sooner than people the alert would have
known, and which firings were for nothing. The answer is values only; the command puts them into words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from projections.alert_expression import AlertExpression
from projections.firings import ENDINGS, ServiceFirings, overlap_ms
from projections.incident_spans import MergedIncident, merged_incidents
from projections.lives import FACTS_BEFORE
from tracker.incident import Incident
from tracker.times import from_ms, to_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COARSE_SECONDS = 30
"""Samples further apart than this may miss what an alert without `for` is about."""

LISTED_FOR_NOTHING = 10_000
"""An alert that fires more often is useless: further firings are counted, not listed."""

ENOUGH_SHARE = 0.5
"""With samples for less of an incident than this, it is unknown whether the alert would have fired."""

WEEK_SECONDS = 7 * 86400
RESOLVED = ENDINGS.index("resolved")


@dataclass(frozen=True)
class IncidentAnswer:
    """What the alert would have done on one service of one incident.

    `verdict` is earlier, later (also: at the same instant), not_at_all or no_samples.
    `gained_seconds` is from the firing to when we knew, negative where people were faster.
    `firing_since` names a firing that had begun too long before to be this incident's.
    `unseen_seconds` of the time from the start to the firing, or to the end, have no samples.
    """

    incident: str
    service: str
    series: dict[str, str] | None
    started_at: datetime | None
    detected_at: datetime
    detected_from: str
    ended_at: datetime | None
    would_fire_at: datetime | None
    would_resolve_at: datetime | None
    gained_seconds: float | None
    verdict: str
    firings: int
    peak: float | None
    firing_since: datetime | None
    samples_share: float
    unseen_seconds: float


@dataclass(frozen=True)
class ForNothing:
    """A firing that belongs to no incident.

    `reason` is no_incident, false_alarm (of `incident`) or already_firing (long before `incident`
    began). `to` is the last sample where `ending` is not resolved.
    """

    service: str | None
    labels: dict[str, str]
    from_: datetime
    to: datetime
    ending: str
    peak: float | None
    reason: str
    incident: str | None


@dataclass(frozen=True)
class Spacing:
    """A distance between samples, and which share of the samples' time it fills.

    Where it is coarse, what the alert is about may pass between two samples.
    """

    step_seconds: float
    share: float
    is_coarse: bool


@dataclass(frozen=True)
class Backtest:
    """The whole answer.

    Hours are those that have samples, added up over services. Medians and shares of nothing are None.
    `for_nothing_share` is of the series' time: how much of it the alert would have been on for nothing.
    `for_nothing_left_out` are counted but not listed.
    `not_looked_at` are incidents of services that have no such metric, `false_alarms` those that were none.
    """

    incidents: tuple[IncidentAnswer, ...]
    for_nothing: tuple[ForNothing, ...]
    services: tuple[str | None, ...]
    unit: str | None
    threshold: float | None
    series_count: int
    query_counts: dict[str, int]
    sample_count: int
    samples_from: datetime | None
    samples_to: datetime | None
    hours_of_samples: float
    spacings: tuple[Spacing, ...]
    incident_samples_share: float | None
    incident_count: int
    caught_count: int
    caught_earlier_count: int
    cannot_tell_count: int
    caught_share: float | None
    median_gained_seconds: float | None
    longest_gained_seconds: float | None
    for_nothing_count: int
    for_nothing_per_day: float | None
    for_nothing_per_week: float | None
    for_nothing_share: float | None
    for_nothing_left_out: int
    open_incidents: tuple[str, ...]
    false_alarms: tuple[str, ...]
    not_looked_at: tuple[str, ...]


def backtest(
    expression: AlertExpression,
    fired: Sequence[ServiceFirings],
    incidents: Iterable[Incident],
    *,
    until: datetime,
    services: Iterable[str] = (),
    only_service: bool = False,
) -> Backtest:
    """Compare an alert's firings with incidents.

    Args:
        expression: The proposed alert.
        fired: Its firings, each service once.
        incidents: All incidents, as they are known.
        until: The last instant that is known; an incident that is open lasts until then.
        services: Services that should have samples of the metric, besides those that have.
        only_service: Whether incidents of other services are out of the question.
    """
    merged = merged_incidents(incidents)
    alarms = [incident for incident in merged if incident.is_false_alarm]
    real = [incident for incident in merged if not incident.is_false_alarm]
    by_service = {one.service: one for one in fired}
    measured = [*dict.fromkeys((*(one.service for one in fired if one.service), *services))]
    answers = tuple(
        _answer(incident, service, by_service.get(service), until)
        for incident in real
        for service in measured
        if service in incident.services
    )
    looked_at = {answer.incident for answer in answers}
    can_tell = {answer.incident for answer in answers if answer.verdict != "no_samples"}
    gained: dict[str, float] = {}
    for answer in answers:
        if answer.gained_seconds is not None:
            gained[answer.incident] = max(gained.get(answer.incident, float("-inf")), answer.gained_seconds)
    left_over = [_for_nothing(one, real, alarms) for one in fired]
    count = sum(number for number, _, _ in left_over)
    for_nothing = sorted(
        (firing for _, _, firings in left_over for firing in firings),
        key=lambda firing: (firing.from_, firing.service or "", sorted(firing.labels.items())),
    )[:LISTED_FOR_NOTHING]
    spans = [one.covered_ms for one in fired if len(one.covered_ms)]
    covered_ms = sum(int((span[:, 1] - span[:, 0]).sum()) for span in spans)
    series_ms = sum(one.series_ms for one in fired)
    weeks = covered_ms / 1000 / WEEK_SECONDS
    unit = next((one.unit for one in fired if one.unit), None)
    return Backtest(
        incidents=answers,
        for_nothing=tuple(for_nothing),
        services=tuple(one.service for one in fired),
        unit=unit,
        threshold=expression.threshold(unit) if unit or not expression.suffix else None,
        series_count=sum(len(one.labels) for one in fired),
        query_counts={one.service or "": one.query_count for one in fired},
        sample_count=sum(one.sample_count for one in fired),
        samples_from=from_ms(min(int(span[0, 0]) for span in spans)) if spans else None,
        samples_to=from_ms(max(int(span[-1, 1]) for span in spans)) if spans else None,
        hours_of_samples=covered_ms / 3_600_000,
        spacings=_spacings(fired, expression.for_seconds or COARSE_SECONDS),
        incident_samples_share=_samples_share(answers, until),
        incident_count=len(looked_at),
        caught_count=len(gained),
        caught_earlier_count=sum(seconds > 0 for seconds in gained.values()),
        cannot_tell_count=len(looked_at - can_tell),
        caught_share=len(gained) / len(can_tell) if can_tell else None,
        median_gained_seconds=median(gained.values()) if gained else None,
        longest_gained_seconds=max(gained.values(), default=None),
        for_nothing_count=count,
        for_nothing_per_day=count / (7 * weeks) if weeks else None,
        for_nothing_per_week=count / weeks if weeks else None,
        for_nothing_share=sum(ms for _, ms, _ in left_over) / series_ms if series_ms else None,
        for_nothing_left_out=count - len(for_nothing),
        open_incidents=tuple(one.id for one in real if one.is_open and one.id in looked_at),
        false_alarms=tuple(one.id for one in alarms if set(one.services) & set(measured)),
        not_looked_at=() if only_service else tuple(one.id for one in real if one.id not in looked_at),
    )


def _answer(
    incident: MergedIncident, service: str, fired: ServiceFirings | None, until: datetime
) -> IncidentAnswer:
    begins = to_ms(incident.begins_at)
    ends = max(begins, to_ms(incident.ends_at or until))
    own, older = _of_incident(fired, incident) if fired else ([], [])
    first = _row(fired, own[0]) if fired and own else None
    fires_ms = first["from_ms"] if first else None
    gained = (to_ms(incident.knew_at) - fires_ms) / 1000 if fires_ms is not None else None
    share = _covered_share(fired, begins, ends)
    seen_until = max(begins, min(ends, fires_ms if fires_ms is not None else ends))
    if gained is not None:
        verdict = "earlier" if gained > 0 else "later"
    else:
        verdict = "not_at_all" if older or share >= ENOUGH_SHARE else "no_samples"
    return IncidentAnswer(
        incident=incident.id,
        service=service,
        series=fired.labels[first["series"]] if fired and first else None,
        started_at=incident.started_at,
        detected_at=incident.knew_at,
        detected_from=incident.knew_from,
        ended_at=incident.ends_at,
        would_fire_at=from_ms(fires_ms) if fires_ms is not None else None,
        would_resolve_at=from_ms(first["to_ms"]) if first and first["ending"] == RESOLVED else None,
        gained_seconds=gained,
        verdict=verdict,
        firings=len(own),
        peak=_peak(fired.firings["peak"][own], fired.fires_below) if fired else None,
        firing_since=from_ms(int(fired.firings["from_ms"][older[0]])) if fired and older else None,
        samples_share=share,
        unseen_seconds=(seen_until - begins) / 1000 * (1 - _covered_share(fired, begins, seen_until)),
    )


def _row(fired: ServiceFirings, number: int) -> dict[str, Any]:
    return {name: column[number].item() for name, column in fired.firings.items()}


def _of_incident(fired: ServiceFirings, incident: MergedIncident) -> tuple[list[int], list[int]]:
    """Return the firings that are the incident's, in order, and those that had begun too long before it."""
    import numpy as np

    fires, resolves = fired.firings["from_ms"], fired.firings["to_ms"]
    begins = to_ms(incident.begins_at)
    # Half open: a firing that resolved at the very start was not on during the incident.
    meets = (resolves > begins) | (fires >= begins)
    if incident.ends_at is not None:
        meets &= fires <= to_ms(incident.ends_at)
    near = fires >= begins - round(FACTS_BEFORE.total_seconds() * 1000)
    return np.flatnonzero(meets & near).tolist(), np.flatnonzero(meets & ~near).tolist()


def _for_nothing(
    fired: ServiceFirings, real: Sequence[MergedIncident], alarms: Sequence[MergedIncident]
) -> tuple[int, int, list[ForNothing]]:
    """Count the firings that are no incident's, add up their milliseconds, describe the first of them."""
    of_incidents: set[int] = set()
    reasons: dict[int, tuple[str, str]] = {}
    for incident in (*alarms, *real):
        if fired.service not in incident.services:
            continue
        own, older = _of_incident(fired, incident)
        if incident.is_false_alarm:
            reasons |= dict.fromkeys(own, ("false_alarm", incident.id))
        else:
            of_incidents.update(own)
            reasons = dict.fromkeys(older, ("already_firing", incident.id)) | reasons
    left_over = [number for number in range(len(fired.firings["from_ms"])) if number not in of_incidents]
    listed = [
        ForNothing(
            service=fired.service,
            labels=fired.labels[firing["series"]],
            from_=from_ms(firing["from_ms"]),
            to=from_ms(firing["to_ms"]),
            ending=ENDINGS[firing["ending"]],
            peak=firing["peak"] if firing["peak"] == firing["peak"] else None,
            reason=reasons.get(number, ("no_incident", ""))[0],
            incident=reasons[number][1] if number in reasons else None,
        )
        for number in left_over[:LISTED_FOR_NOTHING]
        for firing in [_row(fired, number)]
    ]
    lasted_ms = (fired.firings["to_ms"] - fired.firings["from_ms"])[left_over]
    return len(left_over), int(lasted_ms.sum()), listed


def _covered_share(fired: ServiceFirings | None, begins: int, ends: int) -> float:
    """Return for which share of a span there are samples; of an instant, whether it lies between some."""
    if fired is None:
        return 0.0
    if begins == ends:
        spans = fired.covered_ms
        return float(((spans[:, 0] <= begins) & (begins <= spans[:, 1])).any())
    return overlap_ms(fired.covered_ms, begins, ends) / (ends - begins)


def _samples_share(answers: Sequence[IncidentAnswer], until: datetime) -> float | None:
    """Return which share of the incidents' time has samples, long incidents counting for more."""
    lengths = [
        max(
            (
                (one.ended_at or until) - min(one.started_at or one.detected_at, one.detected_at)
            ).total_seconds(),
            1.0,
        )
        for one in answers
    ]
    if not lengths:
        return None
    covered = sum(seconds * one.samples_share for seconds, one in zip(lengths, answers, strict=True))
    return covered / sum(lengths)


def _peak(peaks: NDArray[np.float64], fires_below: bool) -> float | None:
    """Return the value furthest on the alert's side; None where none is a number."""
    import numpy as np

    numbers = peaks[~np.isnan(peaks)]
    return float(numbers.min() if fires_below else numbers.max()) if len(numbers) else None


def _spacings(fired: Sequence[ServiceFirings], longest: float) -> tuple[Spacing, ...]:
    filled: Counter[int] = Counter()
    for one in fired:
        filled.update(one.step_ms)
    total = sum(filled.values())
    return tuple(
        Spacing(step / 1000, time / total, step / 1000 > longest)
        for step, time in sorted(filled.items())
        if time
    )
