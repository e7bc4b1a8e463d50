"""The outages of an incident: what a reopening does to durations, when the metrics left normal and when all was back.

The rule: each resolution that was taken back by a reopening ends an outage, and the reopening begins the next.
A recovery belongs to the outage in which its instant lies.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.once import once
from projections.points import Point, exact, milestone_points, point
from tracker.events.incidents import IncidentMerged, IncidentReopened, IncidentResolved
from tracker.events.verdicts import Verdict, VerdictsGiven
from tracker.incident import Incident


@dataclass(frozen=True)
class Outage:
    """One outage: `start` is None for the first, which begins when the incident started.

    `recovered` is when it was over by the metrics or as people reported, `resolved` when the incident was resolved.
    `still_out` are the metrics that were not back to normal then, by verdicts on the time after it.
    """

    start: Point | None
    recovered: Point | None
    resolved: Point | None
    still_out: tuple[str, ...] = ()


@once
def outages(incident: Incident) -> tuple[Outage, ...]:
    """Return the outages of an incident, oldest first; there is always one."""
    starts: list[Point | None] = [None]
    ends: list[Point | None] = [None]
    for step in incident.own_steps:
        event = step.event
        if isinstance(event, IncidentResolved | IncidentMerged):
            ends[-1] = point(event, "resolved" if isinstance(event, IncidentResolved) else "merged")
        elif isinstance(event, IncidentReopened) and ends[-1] is not None:
            starts.append(point(event, "reopened"))
            ends.append(None)
    found = []
    for start, following, resolved in zip(starts, [*starts[1:], None], ends, strict=True):
        until = following.earliest if following else None
        recovered = _recovered(incident, start.earliest if start else None, until)
        still_out = _still_out(incident, resolved, until) if recovered is None and resolved else ()
        found.append(Outage(start, _before(recovered, until), _before(resolved, until), still_out))
    return tuple(found)


def _still_out(incident: Incident, resolved: Point, until: datetime | None) -> tuple[str, ...]:
    """Return the metrics that were out of normal after the end, before the next outage.

    A window shows that if it began after the end, or if at least half of it lies after it and three quarters of
    the damage were left in all of it: the part before the end cannot make up for that.
    """
    found = set()
    for event, verdict in _verdicts(incident):
        after = event.occurred_at - resolved.latest
        is_after = event.window_from >= resolved.latest
        is_out = verdict.verdict == "still_degraded" or (is_after and verdict.verdict == "partly_recovered")
        if verdict.baseline != "healthy" or not is_out or (until is not None and event.occurred_at > until):
            continue
        if is_after or 2 * after >= event.occurred_at - event.window_from:
            found.add(verdict.metric)
    return tuple(sorted(found))


def _before(end: Point | None, until: datetime | None) -> Point | None:
    """Cut an end off where the next outage begins: no instant lies in two of them."""
    if end is None or until is None or end.latest <= until:
        return end
    typed = min(end.typed, until) if end.typed is not None else None
    return Point(min(end.earliest, until), until, end.what, typed)


def _recovered(incident: Incident, begins: datetime | None, until: datetime | None) -> Point | None:
    """Return when an outage was over: by the metrics, else as people reported."""

    def inside(end: Point) -> bool:
        return (begins is None or end.earliest >= begins) and (until is None or end.earliest < until)

    measured = [recovery for recovery in _measured(incident) if inside(recovery.back)]
    if measured:
        first = measured[-1]
        # A deploy after which the metrics were still normal is not what brought them back.
        for earlier in reversed(measured[:-1]):
            if earlier.until > first.begins and earlier.back.earliest <= first.back.earliest:
                first = earlier
        return first.back
    for name in ("mitigated", "ended"):
        reported = [end for end in milestone_points(incident, name) if inside(end)]
        if reported:
            return reported[-1]
    return None


@dataclass(frozen=True)
class _Recovery:
    """After a change that began at `begins`, all was back at `back`; its windows end at `until`."""

    begins: datetime
    until: datetime
    back: Point


def _measured(incident: Incident) -> list[_Recovery]:
    """Return when all was back after each change that left no metric out of normal, in the order of changes.

    Of each change's metrics, the verdict of the longest window counts.
    """
    longest: dict[tuple[str, str, str], tuple[float, VerdictsGiven, Verdict]] = {}
    for event, verdict in _verdicts(incident):
        if verdict.baseline != "healthy" or verdict.verdict == "not_enough_data":
            continue
        key = (event.change, event.service, verdict.metric)
        length = (event.occurred_at - event.window_from).total_seconds()
        if key not in longest or length >= longest[key][0]:
            longest[key] = (length, event, verdict)
    by_change: defaultdict[str, list[tuple[VerdictsGiven, Verdict]]] = defaultdict(list)
    for (change, _, _), (_, event, verdict) in longest.items():
        if verdict.verdict != "unaffected":
            by_change[change].append((event, verdict))
    found = []
    for judged in by_change.values():
        back = [one.recovered_at for _, one in judged if one.verdict == "recovered" and one.recovered_at]
        if len(back) == len(judged):
            begins = min(event.window_from - timedelta(seconds=event.settling_seconds) for event, _ in judged)
            until = min(event.occurred_at for event, _ in judged)
            found.append(_Recovery(begins, until, exact(max(back), "last_metric")))
    return sorted(found, key=lambda recovery: recovery.begins)


def _verdicts(incident: Incident) -> list[tuple[VerdictsGiven, Verdict]]:
    return [
        (step.event, verdict)
        for step in incident.own_steps
        if isinstance(step.event, VerdictsGiven)
        for verdict in step.event.verdicts
    ]


def onset(incident: Incident) -> Point | None:
    """Return when the first metric left normal, by the recorded verdicts."""
    left = [
        verdict.left_normal_at for _, verdict in _verdicts(incident) if verdict.left_normal_at is not None
    ]
    return exact(min(left), "first_metric") if left else None
