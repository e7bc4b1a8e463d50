"""The monthly review's figures: what the log has of incidents, deploys, rules and action items, measured over periods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from projections.actions import actions
from projections.changes import ChangeRow
from projections.durations import NAMES, Duration
from projections.procedure.check import check
from projections.procedure.rule import Status
from projections.trends.measures import Measure, Occurrence, Series, measures
from projections.trends.over_time import OverTime, over_time
from projections.trends.periods import Period, compared
from projections.versions import same_version
from tracker.application.all_incidents import AllIncidents
from tracker.application.similar import similar
from tracker.errors import UsageError
from tracker.events.base import Window
from tracker.events.changes import CommitMade
from tracker.incident import Incident
from tracker.incident import Status as State
from tracker.log import Log

DAYS = 90
_KEPT, _NOT_KEPT = (Status.MET,), (Status.LATE, Status.MISSED)


@dataclass(frozen=True)
class Repeat:
    """An incident that was the same thing again, as `tracker similar` claims, and what was promised and not done."""

    incident: str
    earlier: str
    reasons: Sequence[str]
    open_actions: Sequence[str]


@dataclass(frozen=True)
class Trends:
    """All figures of a span; `left_out` are durations that are known only roughly, by their name."""

    start: datetime
    end: datetime
    services: Sequence[str]
    position: int
    known_at: datetime
    measures: Sequence[Measure]
    comparisons: int
    repeats: Sequence[Repeat]
    left_out: dict[str, int]
    incidents: int
    open_incidents: int
    over_time: OverTime


def span_of(
    log: Log, start: datetime | None = None, end: datetime | None = None, up_to: int | None = None
) -> tuple[datetime, datetime]:
    """Return the span that is measured, up to when the last event was recorded unless it is typed.

    Raises:
        UsageError: If it is less than a day.
    """
    last = log.recorded_at(log.position if up_to is None else up_to) or datetime.now(UTC)
    return span_until(last, start, end)


def span_until(
    last: datetime, start: datetime | None = None, end: datetime | None = None
) -> tuple[datetime, datetime]:
    """Return the span that is measured: 90 days, up to this instant.

    Raises:
        UsageError: If it is less than a day.
    """
    end = end or last
    start = start or end - timedelta(days=DAYS)
    if end - start < timedelta(days=1):
        raise UsageError(
            f"from {start:%Y-%m-%d %H:%MZ} to {end:%Y-%m-%d %H:%MZ} is less than a day",
            hint="Give a longer span: tracker trends --from 2026-01-01T00:00Z --to 2026-04-01T00:00Z",
        )
    return start, end


def trends(
    log: Log,
    start: datetime,
    end: datetime,
    *,
    services: Sequence[str] = (),
    by: str | None = None,
    up_to: int | None = None,
) -> Trends:
    """Measure a span and compare it; `by` is service, severity, quarter or month. Without services, all that had incidents or deploys, each alone."""
    known = AllIncidents(log, up_to)
    now = known.now or end
    periods = compared(start, end, by)
    reach = [period for pair in periods for period in pair if period is not None]
    counted = [each for each in known.incidents if each.merged_into is None]
    names = list(services) or sorted(
        {name for each in counted for name in each.services}
        | {row.service for row in known.changes if row.service and row.kind != "merge"}
    )
    left_out: dict[str, int] = {}
    repeats = repeated_incidents(log, known, up_to)
    series = [
        Series("incidents", "count", [each for one in counted for each in occurrences_of(one)]),
        Series(
            "repeat_incidents",
            "share",
            [each for one in counted for each in occurrences_of(one, hit=one.id in repeats)],
            # The longer the history, the more there is that can come back: a later period is no fair comparison.
            compares=False,
        ),
        *duration_series(known, _of_services(counted, names), now, reach, left_out),
        *deploy_series(known, now),
        *_rules(known, _of_services(counted, names), [period for period, _ in periods]),
        action_series(log, counted, now, up_to),
    ]
    if by == "severity":
        severities = sorted({each.severity for each in counted if each.severity})
        groups: list[dict[str, Any]] = [
            {"services": set(names), "severity": severity} for severity in severities
        ]
        series = [one for one in series if one.of == "incidents"]
    else:
        groups = [{"name": name, "services": {name}} for name in names]
    first = [*(each.begins_at for each in counted), *(row.at for row in known.changes if row.kind != "merge")]
    since = min(first, default=None)
    found, comparisons = measures(series, periods, groups, since=since)
    inside = [one for one in counted if start <= one.begins_at < end and set(one.services) & set(names)]
    return Trends(
        start=start,
        end=end,
        services=names,
        position=known.position,
        known_at=now,
        measures=[each for each in found if each.n or each.n_before],
        comparisons=comparisons,
        repeats=[repeats[one.id] for one in inside if one.id in repeats],
        left_out=left_out,
        incidents=len(inside),
        open_incidents=sum(one.status is State.OPEN for one in inside),
        over_time=over_time(series, names, reach, since, end),
    )


def _of_services(incidents: Sequence[Incident], names: Sequence[str]) -> list[Incident]:
    return [each for each in incidents if not set(names).isdisjoint(each.services)]


def occurrences_of(incident: Incident, **more: Any) -> Iterator[Occurrence]:
    for service in incident.services:
        yield Occurrence(incident.begins_at, incident.id, service, incident.severity, **more)


def repeated_incidents(log: Log, known: AllIncidents, up_to: int | None) -> dict[str, Repeat]:
    found = {}
    for one in similar(log, None, up_to):
        claimed = [each for each in one.repeats if each.match.claimed]
        if claimed:
            first = claimed[0]
            promised = [
                f"{item.handle} {item.text} ({item.owner}, due {item.due_on})"
                for each in claimed
                for item in each.open_actions
            ]
            found[one.incident] = Repeat(one.incident, first.match.id, first.match.reasons, promised)
    return found


def duration_series(
    known: AllIncidents,
    incidents: Sequence[Incident],
    now: datetime,
    reach: Sequence[Period],
    left_out: dict[str, int],
) -> list[Series]:
    by_name: dict[str, list[Occurrence]] = {name: [] for name in NAMES}
    for incident in incidents:
        if not any(period.has(incident.begins_at) for period in reach):
            continue
        for name, duration in known.durations(incident).items():
            lasted = _lasted(duration, now)
            if lasted is None:
                if duration.state in ("uncertain", "invalid"):
                    left_out[name] = left_out.get(name, 0) + 1
                continue
            seconds, is_open = lasted
            by_name[name] += occurrences_of(incident, seconds=seconds, is_open=is_open)
    return [Series(name, "duration", found) for name, found in by_name.items()]


def _lasted(duration: Duration, now: datetime) -> tuple[float, bool] | None:
    """Return how long it lasted, or has lasted and goes on; None where that is not known."""
    if duration.state == "recorded" and duration.seconds is not None:
        return duration.seconds, False
    if duration.state == "pending" and duration.from_ is not None and duration.from_ <= now:
        return (now - duration.from_).total_seconds(), True
    return None


def deploy_series(known: AllIncidents, now: datetime) -> list[Series]:
    """DORA's measures as of 2024, of the deploys that took the traffic of production."""
    rows = [
        row for row in known.changes if row.kind != "merge" and row.status == "finished" and not row.elsewhere
    ]
    deploys = [row for row in rows if row.kind == "deploy"]
    by_id = {each.id: each for each in known.incidents}
    fixed: set[str] = set()
    caused: dict[str, list[Incident]] = {}
    for incident in known.incidents:
        if (fix := known.fix(incident)) is not None:
            fixed.add(fix.event)
        for link in incident.links.values():
            if link.linked and link.role == "caused":
                root = by_id.get(incident.merged_into or "", incident)
                caused.setdefault(link.target, []).append(root)
            elif link.linked and link.role == "fixed":
                fixed.add(link.target)
    back = _rolled_back(rows)
    committed = {
        fact.event.sha: fact.event.occurred_at
        for fact in known.observed(CommitMade)
        if isinstance(fact.event, CommitMade)
    }
    frequency, lead, failed, recovery, rework = [], [], [], [], []
    for row in deploys:
        one = Occurrence(row.at, row.handle, row.service)
        incidents = [each for event in row.evidence for each in caused.get(event, ())]
        rollback = back.get(row.event)
        frequency.append(one)
        failed.append(_hit(one, bool(incidents or rollback)))
        rework.append(_hit(one, not fixed.isdisjoint(row.evidence)))
        if row.sha in committed and committed[row.sha] <= row.at:
            seconds = (row.at - committed[row.sha]).total_seconds()
            lead.append(Occurrence(row.at, row.handle, row.service, seconds=seconds))
        if incidents or rollback:
            ends = [each.ends_at for each in incidents if each.ends_at] + ([rollback.at] if rollback else [])
            over = min((end for end in ends if end >= row.at), default=None)
            seconds = ((over or now) - row.at).total_seconds()
            if seconds >= 0:
                recovery.append(
                    Occurrence(row.at, row.handle, row.service, seconds=seconds, is_open=over is None)
                )
    return [
        Series("deployment_frequency", "count", frequency, "changes"),
        Series("change_lead_time", "duration", lead, "changes"),
        Series("change_fail_rate", "share", failed, "changes"),
        Series("failed_deployment_recovery_time", "duration", recovery, "changes"),
        Series("deployment_rework_rate", "share", rework, "changes"),
    ]


def _hit(one: Occurrence, hit: bool) -> Occurrence:
    return Occurrence(one.at, one.what, one.service, hit=hit)


def _rolled_back(rows: Sequence[ChangeRow]) -> dict[str, ChangeRow]:
    """Return by deploy the rollback that came next in its place and took it away."""
    found: dict[str, ChangeRow] = {}
    last: dict[tuple[str | None, str], ChangeRow] = {}
    for row in rows:
        before = last.get((row.service, row.place))
        if row.kind == "rollback" and before is not None and not same_version(before, row):
            found[before.event] = row
        last[row.service, row.place] = row
    return found


def _rules(known: AllIncidents, incidents: Sequence[Incident], periods: Sequence[Period]) -> list[Series]:
    """Whether each rule of the procedure was kept; only where the log says so, and not compared."""
    found: dict[str, list[Occurrence]] = {}
    for incident in incidents:
        if not any(period.has(incident.begins_at) for period in periods):
            continue
        for answer in check(known.evidence(incident)):
            if answer.status in (*_KEPT, *_NOT_KEPT):
                found.setdefault(answer.rule, []).extend(occurrences_of(incident, hit=answer.status in _KEPT))
    return [Series(f"rule:{rule}", "share", each, compares=False) for rule, each in found.items()]


def action_series(log: Log, incidents: Sequence[Incident], now: datetime, up_to: int | None) -> Series:
    """Whether items whose day has come were done by its end."""
    by_id = {each.id: each for each in incidents}
    found: list[Occurrence] = []
    for item in actions(log.select([Window("actions")], up_to)):
        if item.due_until <= now and (incident := by_id.get(item.incident)) is not None:
            on_time = item.done_at is not None and item.done_at <= item.due_until
            found += [
                Occurrence(
                    item.due_until, item.incident, service, incident.severity, hit=on_time, key=item.event
                )
                for service in incident.services
            ]
    return Series("action_items_on_time", "share", found, compares=False)
