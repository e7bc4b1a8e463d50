"""How long each part took, by a formula that is printed with the number.

A duration that cannot be known is not zero: it is pending, not applicable, invalid (its end
lies before its start) or uncertain (an interval, where only the ends' bounds are known).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from projections.attachment import attached
from projections.changes import changes
from tracker.events.alerts import AlertFired
from tracker.events.base import Recorded
from tracker.events.corrections import effective
from tracker.events.verdicts import Verdict, VerdictsGiven
from tracker.incident import Incident, Status
from tracker.times import spoken, utc


@dataclass(frozen=True)
class Point:
    """An instant that lies between `earliest` and `latest`, and what it is."""

    earliest: datetime
    latest: datetime
    what: str


@dataclass(frozen=True)
class Duration:
    """One duration in seconds. `from_` and `to` are instants; JSON names them `from` and `to`."""

    seconds: float | None
    at_least: float | None
    at_most: float | None
    state: str
    from_: datetime | None
    to: datetime | None
    formula: str

    def said(self) -> str:
        """Say it in words."""
        if self.state == "recorded" and self.seconds is not None:
            return f"{spoken(self.seconds)}   ({self.formula})"
        if self.state == "uncertain":
            low = spoken(self.at_least) if self.at_least is not None else None
            high = spoken(self.at_most) if self.at_most is not None else None
            between = f"{low} to {high}" if low and high else f"at most {high}" if high else f"at least {low}"
            return f"{between}   ({self.formula})"
        if self.state == "invalid" and self.from_ and self.to:
            return f"invalid: {utc(self.to)} lies before {utc(self.from_)}   ({self.formula})"
        return f"{self.state.replace('_', ' ')}   ({self.formula})"


def shown(measured: Mapping[str, Duration]) -> dict[str, Duration]:
    """Leave out the time to recover where it says what the downtime says: a reader wants to know it once."""
    twice = measured.get("time_to_recover") == measured.get("downtime")
    return {name: each for name, each in measured.items() if not (twice and name == "time_to_recover")}


def durations(incident: Incident, facts: Iterable[Recorded]) -> dict[str, Duration]:
    """Measure an incident; what has no end yet is pending, and nothing ticks."""
    recorded = list(facts)
    own = attached(incident, [each for each in effective(recorded).values() if each.retraction is None])
    alert_starts = [each.event.occurred_at for each in own if isinstance(each.event, AlertFired)]
    started = (
        _milestone(incident, "started")
        or _onset(incident)
        or (_exact(min(alert_starts), "the first alert's start") if alert_starts else None)
    )
    declared = _exact(incident.declared_at, "declared") if incident.declared_at else None
    alerted = _exact(min(alert_starts), "the first alert's start") if alert_starts else None
    said = _milestone(incident, "detected")
    if said is None and alerted is not None and (declared is None or alerted.earliest <= declared.latest):
        said = alerted
    # Limits run from the declaration where nobody said when it was detected.
    detected = said or declared
    recovered = _measured(incident) or _milestone(incident, "mitigated") or _milestone(incident, "ended")
    resolved = _exact(incident.resolved_at, "resolved") if incident.resolved_at else None
    fix = _fix(incident, recorded, detected, recovered or resolved)
    is_open = incident.status is Status.OPEN
    alarm = "it was a false alarm" if incident.resolution == "false-alarm" else None
    if incident.merged_into is not None:
        alarm, resolved = f"it goes on as {incident.merged_into}", None
    return {
        "time_to_detect": _unsaid(started, declared, "started → detected", alarm)
        if said is None and started is not None
        else _between("started → detected", started, said, is_open, alarm),
        "time_to_declare": _unsaid(started, declared, "detected → declared", None)
        if said is None and started is not None
        else _between("detected → declared", said, declared, is_open, None),
        "time_to_fix_deployed": _between("detected → fix deployed", detected, fix, is_open, alarm),
        "time_to_recover": _recovery("started → recovered", started, recovered, resolved, is_open, alarm),
        "downtime": _recovery("started → recovered", started, recovered, resolved, is_open, alarm),
        "time_to_resolve": _between(
            "detected → resolved", detected, resolved, is_open, alarm if incident.merged_into else None
        ),
    }


def recovered_at(incident: Incident) -> datetime | None:
    """Return when all was back to normal: as judged, else as people said; None if neither is known."""
    found = _measured(incident) or _milestone(incident, "mitigated") or _milestone(incident, "ended")
    return found.latest if found else None


def _unsaid(started: Point, declared: Point | None, formula: str, alarm: str | None) -> Duration:
    """Bound what depends on a detection that nobody recorded: it lies between start and declaration."""
    told = f"{formula}; no detection was recorded, so it lies between the start and the declaration"
    if alarm or declared is None:
        return _between(formula, started, None, False, alarm)
    most = (declared.latest - started.earliest).total_seconds()
    if most < 0:
        return _between(formula, started, declared, False, None)
    return Duration(None, None, most, "uncertain", started.earliest, declared.latest, told)


def _milestone(incident: Incident, name: str) -> Point | None:
    said = incident.milestones.get(name)
    if said is None:
        return None
    return Point(said.at, said.until or said.at, name)


def _measured(incident: Incident) -> Point | None:
    """Return when the last metric that had left normal was back, by the verdicts recorded; None unless all were.

    Of each change's metrics, the verdict of the longest window counts; the last change that brought all back is it.
    """
    last: dict[tuple[str, str], tuple[float, Verdict]] = {}
    for step in incident.steps:
        event = step.event
        if (
            not isinstance(event, VerdictsGiven)
            or step.retraction is not None
            or event.incident != incident.id
        ):
            continue
        length = (event.occurred_at - event.window_from).total_seconds()
        for verdict in event.verdicts:
            if verdict.baseline != "healthy" or verdict.verdict == "not_enough_data":
                continue
            held = last.get((event.change, verdict.metric))
            if held is None or length >= held[0]:
                last[event.change, verdict.metric] = (length, verdict)
    by_change: dict[str, list[Verdict]] = {}
    for (change, _), (_, verdict) in last.items():
        by_change.setdefault(change, []).append(verdict)
    for verdicts in reversed(list(by_change.values())):
        left = [each for each in verdicts if each.verdict != "unaffected"]
        back = [each.recovered_at for each in left if each.verdict == "recovered" and each.recovered_at]
        if left and len(back) == len(left):
            return _exact(max(back), "the last metric back to normal")
    return None


def _onset(incident: Incident) -> Point | None:
    """Return when the first metric left normal, by the verdicts recorded."""
    found = [
        verdict.left_normal_at
        for step in incident.steps
        if isinstance(step.event, VerdictsGiven)
        and step.retraction is None
        and step.event.incident == incident.id
        for verdict in step.event.verdicts
        if verdict.left_normal_at is not None
    ]
    return _exact(min(found), "the first metric out of normal") if found else None


def _exact(at: datetime, what: str) -> Point:
    return Point(at, at, what)


def _fix(
    incident: Incident, recorded: list[Recorded], detected: Point | None, over: Point | None
) -> Point | None:
    rows = [row for row in changes(recorded) if row.kind != "merge" and row.finished_at is not None]
    rows = [row for row in rows if row.service in incident.services]
    said = [
        row
        for row in rows
        if any(
            incident.links[each].role == "fixed" and incident.links[each].linked
            for each in row.evidence
            if each in incident.links
        )
    ]
    if said and said[0].finished_at:
        return _exact(said[0].finished_at, f"{said[0].version} deployed, linked as fixed")
    if detected is None:
        return None
    later = [
        row
        for row in rows
        if row.finished_at
        and row.finished_at >= detected.earliest
        and (over is None or row.finished_at <= over.latest)
    ]
    if later and later[-1].finished_at:
        return _exact(later[-1].finished_at, f"{later[-1].version}, the last deploy before recovery")
    return None


def _recovery(
    formula: str,
    started: Point | None,
    recovered: Point | None,
    resolved: Point | None,
    is_open: bool,
    alarm: str | None,
) -> Duration:
    if recovered is None and resolved is not None and started is not None and alarm is None:
        most = (resolved.latest - started.earliest).total_seconds()
        if most >= 0:
            return Duration(
                None,
                None,
                most,
                "uncertain",
                started.earliest,
                resolved.latest,
                f"{formula}; no recovery was recorded, so it ended some time before it was resolved",
            )
    return _between(formula, started, recovered, is_open, alarm)


def _between(
    formula: str, start: Point | None, end: Point | None, is_open: bool, not_applicable: str | None
) -> Duration:
    told = formula
    if start is not None and end is not None and start == end:
        told = f"{formula}: nobody said more than {start.what}"
    elif start is not None and end is not None:
        told = f"{formula}: {start.what} → {end.what}" if formula != f"{start.what} → {end.what}" else formula
    if not_applicable is not None:
        return Duration(None, None, None, "not_applicable", None, None, f"{formula}; {not_applicable}")
    if start is None or end is None:
        state = "pending" if is_open else "not_applicable"
        missing = "the start" if start is None else "the end"
        begins = start.earliest if start else None
        ends = end.latest if end else None
        return Duration(None, None, None, state, begins, ends, f"{formula}; {missing} is not recorded")
    least = (end.earliest - start.latest).total_seconds()
    most = (end.latest - start.earliest).total_seconds()
    if most < 0:
        return Duration(None, None, None, "invalid", start.earliest, end.latest, told)
    if least != most:
        return Duration(None, max(least, 0.0), most, "uncertain", start.earliest, end.latest, told)
    return Duration(most, most, most, "recorded", start.earliest, end.latest, told)
