"""What a backtest answers: values only; `projections.backtest` finds them, the command puts them into words."""

from dataclasses import dataclass
from datetime import datetime


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
    began). `to` is the last sample seen where `ending` is not resolved.
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
    """How far apart samples lie, and which share of the samples' time they fill.

    Where they are coarse, what the alert is about may pass between two of them.
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
