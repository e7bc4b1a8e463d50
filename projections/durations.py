"""How long each part took, by a formula that is printed with the number.

A duration that cannot be known is not zero: it is pending, not applicable, invalid (its end
lies before its start) or uncertain (an interval, where only the ends' bounds are known).
What is known to the minute counts as recorded where it is said in minutes, with its bounds beside it.
The rules are written in docs/durations.md; `projections.outages` holds the one on reopening.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from projections.attachment import attached
from projections.changes import ChangeRow, changes
from projections.outages import (
    Outage,
    Point,
    declared_point,
    exact,
    known_to,
    milestone,
    onset,
    outages,
    point,
)
from tracker.events.alerts import AlertFired
from tracker.events.base import Recorded
from tracker.events.corrections import effective
from tracker.incident import Incident, Status
from tracker.times import spoken, utc

NAMES = {
    "time_to_detect": "Time to detect",
    "time_to_declare": "Time to declare",
    "time_to_fix_deployed": "Time to fix deployed",
    "time_to_recover": "Time to recover",
    "downtime": "Downtime",
    "time_to_resolve": "Time to resolve",
    "merged_back_after": "Merged back after",
}
"""Every duration in its order, as people call it."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


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

    def value(self) -> str:
        """Say how long it was, and no more exactly than its ends are known."""
        if self.state == "recorded" and self.seconds is not None:
            return _to_the_minute(self.seconds) if _blurred(self) else spoken(self.seconds)
        if self.state == "uncertain" and self.at_most is not None:
            high = spoken(self.at_most)
            return f"{spoken(self.at_least)} to {high}" if self.at_least else f"at most {high}"
        if self.state == "invalid" and self.from_ and self.to:
            return f"invalid: {utc(self.to)} lies before {utc(self.from_)}"
        return self.state.replace("_", " ")

    def said(self) -> str:
        """Say it in words, with its formula."""
        return f"{self.value()}   ({self.formula})"


def _blurred(duration: Duration) -> bool:
    """Whether an end is known to the minute only."""
    if duration.at_least is None or duration.at_most is None:
        return False
    return duration.at_most - duration.at_least >= _MINUTE / 2


def _to_the_minute(seconds: float) -> str:
    minutes = int((seconds + _MINUTE / 2) // _MINUTE)
    return f"{minutes} min" if minutes < 60 else spoken(minutes * _MINUTE)


def shown(measured: Mapping[str, Duration]) -> dict[str, Duration]:
    """Leave out the time to recover where it says what the downtime says: a reader wants to know it once."""
    twice = measured.get("time_to_recover") == measured.get("downtime")
    return {name: each for name, each in measured.items() if not (twice and name == "time_to_recover")}


def durations(
    incident: Incident, facts: Iterable[Recorded], *, integrated: Point | datetime | None = None
) -> dict[str, Duration]:
    """Measure an incident; what has no end yet is pending, and nothing ticks.

    `integrated` is when the fix came to be on the integration branch, which only git can tell.
    """
    ends = _ends(incident, list(facts))
    is_open = incident.status is Status.OPEN
    alarm = "it was a false alarm" if incident.resolution == "false-alarm" else None
    merged = f"it goes on as {incident.merged_into}" if incident.merged_into is not None else None
    no_outage = merged or alarm
    unsaid = ends.said is None and ends.started is not None
    found = {
        "time_to_detect": _unsaid(ends, "started → detected", no_outage)
        if unsaid
        else _between("started → detected", ends.started, ends.said, is_open, no_outage),
        "time_to_declare": _unsaid(ends, "detected → declared", None)
        if unsaid
        else _between("detected → declared", ends.said, ends.declared, is_open, None),
        "time_to_fix_deployed": _between(
            "detected → fix deployed", ends.detected, ends.fixed, is_open, no_outage
        ),
        "time_to_recover": _time_to_recover(ends, is_open, no_outage),
        "downtime": _downtime(ends, is_open, no_outage),
        "time_to_resolve": _time_to_resolve(ends, is_open, merged),
        "merged_back_after": _merged_back_after(ends, integrated, is_open, no_outage),
    }
    return {name: found[name] for name in NAMES}


def the_fix(incident: Incident, facts: Iterable[Recorded]) -> ChangeRow | None:
    """Return the deploy or rollback that fixed it: the first linked as that, else the last before recovery."""
    return _ends(incident, list(facts)).fix


@dataclass(frozen=True)
class _Ends:
    """The instants that durations run between. `said` is the detection; `detected` falls back to the declaration."""

    started: Point | None
    said: Point | None
    declared: Point | None
    detected: Point | None
    outages: tuple[Outage, ...]
    fix: ChangeRow | None
    fixed: Point | None

    @property
    def last(self) -> Outage:
        return self.outages[-1]


def _ends(incident: Incident, recorded: list[Recorded]) -> _Ends:
    living = [each for each in effective(recorded).values() if each.retraction is None]
    alerts = [each.event for each in attached(incident, living) if isinstance(each.event, AlertFired)]
    first = min(alerts, key=lambda event: event.occurred_at, default=None)
    alerted = point(first, "the first alert's start") if first is not None else None
    started = milestone(incident, "started") or onset(incident) or alerted
    declared = declared_point(incident)
    said = milestone(incident, "detected")
    if said is None and alerted is not None and (declared is None or alerted.earliest <= declared.latest):
        said = alerted
    # Limits run from the declaration where nobody said when it was detected.
    detected = said or declared
    found = outages(incident)
    fix = _fix(incident, recorded, detected, found[-1].recovered or found[-1].resolved)
    fixed = None
    if fix is not None and fix.finished_at is not None:
        why = "linked as fixed" if _is_linked(incident, fix) else "the last deploy before recovery"
        precision = fix.fact.precision_seconds if fix.fact is not None else 0.0
        fixed = known_to(fix.finished_at, precision, f"{fix.version} {_done(fix)}, {why}")
    return _Ends(started, said, declared, detected, found, fix, fixed)


def _done(fix: ChangeRow) -> str:
    return "rolled back to" if fix.kind == "rollback" else "deployed"


def _is_linked(incident: Incident, row: ChangeRow) -> bool:
    links = [incident.links[each] for each in row.evidence if each in incident.links]
    return any(link.linked and link.role == "fixed" for link in links)


def _fix(
    incident: Incident, recorded: list[Recorded], detected: Point | None, over: Point | None
) -> ChangeRow | None:
    rows = [row for row in changes(recorded) if row.kind != "merge" and row.finished_at is not None]
    said = [row for row in rows if _is_linked(incident, row)]
    if said:
        return said[0]
    rows = [row for row in rows if row.service in incident.services]
    # Before it is over, the last deploy so far is not the last one.
    if detected is None or over is None:
        return None
    later = [row for row in rows if row.finished_at and detected.earliest <= row.finished_at <= over.latest]
    return later[-1] if later else None


def _unsaid(ends: _Ends, formula: str, not_applicable: str | None) -> Duration:
    """Bound what depends on a detection that nobody recorded: it lies between start and declaration."""
    told = f"{formula}; no detection was recorded, so it lies between the start and the declaration"
    started, declared = ends.started, ends.declared
    if not_applicable or declared is None or started is None:
        return _between(formula, started, None, False, not_applicable)
    most = (declared.latest - started.earliest).total_seconds()
    if most < 0:
        return _between(formula, started, declared, False, None)
    return Duration(None, 0.0, most, "uncertain", started.earliest, declared.latest, told)


def _time_to_recover(ends: _Ends, is_open: bool, not_applicable: str | None) -> Duration:
    formula = "started → recovered"
    last = ends.last
    found = _recovery(formula, ends.started, last, is_open, not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    told = f"{found.formula}; it was reopened, so it runs to the last recovery"
    if found.state == "uncertain" and last.recovered is None and last.start is not None and ends.started:
        least = (last.start.earliest - ends.started.latest).total_seconds()
        found = replace(found, at_least=min(max(least, 0.0), found.at_most or 0.0))
    return replace(found, formula=told)


def _downtime(ends: _Ends, is_open: bool, not_applicable: str | None) -> Duration:
    """Sum the outages: the time between a resolution and a reopening is not down."""
    formula = "started → recovered"
    parts = [
        _recovery(
            formula,
            outage.start or ends.started,
            outage,
            is_open and outage is ends.last,
            not_applicable,
        )
        for outage in ends.outages
    ]
    if len(parts) == 1 or not_applicable is not None:
        return parts[0]
    told = (
        f"{formula}, summed over {len(parts)} outages; the time between resolved and reopened is not counted"
    )
    for state in ("invalid", "pending", "not_applicable"):
        stuck = [part for part in parts if part.state == state]
        if stuck:
            why = stuck[0].formula.removeprefix(formula).lstrip(";: ")
            begins, end = (stuck[0].from_, stuck[0].to) if state == "invalid" else (parts[0].from_, None)
            return Duration(None, None, None, state, begins, end, f"{told}; {why}" if why else told)
    least = sum(part.at_least or 0.0 for part in parts)
    most = sum(part.at_most or 0.0 for part in parts)
    known = [part.seconds for part in parts if part.seconds is not None]
    if all(part.state == "recorded" for part in parts) and len(known) == len(parts):
        return Duration(sum(known), least, most, "recorded", parts[0].from_, parts[-1].to, told)
    for part in parts:
        if part.state == "uncertain" and "no recovery was recorded" in part.formula:
            told += "; an outage whose recovery nobody recorded ended some time before it was resolved"
            break
    return Duration(None, least, most, "uncertain", parts[0].from_, parts[-1].to, told)


def _time_to_resolve(ends: _Ends, is_open: bool, not_applicable: str | None) -> Duration:
    found = _between("detected → resolved", ends.detected, ends.last.resolved, is_open, not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    return replace(
        found,
        formula=f"{found.formula}; it was reopened, so it runs to the last resolution, the quiet time before that included",
    )


def _merged_back_after(
    ends: _Ends, integrated: Point | datetime | None, is_open: bool, not_applicable: str | None
) -> Duration:
    """Measure from the fix to the integration branch; without evidence of the merge it stays pending."""
    formula = "fix deployed → on the integration branch"
    if isinstance(integrated, datetime):
        integrated = exact(integrated, "on the integration branch")
    if not_applicable is None and (ends.fixed is None or ends.fix is None):
        state = "pending" if is_open else "not_applicable"
        return Duration(None, None, None, state, None, None, f"{formula}; no deploy of a fix is recorded")
    if not_applicable is not None or ends.fixed is None or ends.fix is None:
        return _between(formula, ends.fixed, integrated, is_open, not_applicable)
    if ends.fix.kind == "rollback":
        return _between(formula, None, None, is_open, "the fix was a rollback: there is nothing to merge")
    if integrated is None:
        what = "no merge of it is recorded" if ends.fix.sha else "its deploy names no commit"
        told = f"{formula}: {ends.fixed.what}; {what}"
        return Duration(None, None, None, "pending", ends.fixed.earliest, None, told)
    if integrated.latest < ends.fixed.earliest:
        return _between(formula, None, None, is_open, "it was on that branch before it was deployed")
    return _between(formula, ends.fixed, integrated, is_open, None)


def _recovery(
    formula: str, started: Point | None, outage: Outage, is_open: bool, not_applicable: str | None
) -> Duration:
    resolved = outage.resolved
    if outage.recovered is None and resolved is not None and started is not None and not_applicable is None:
        most = (resolved.latest - started.earliest).total_seconds()
        if most >= 0:
            return Duration(
                None,
                0.0,
                most,
                "uncertain",
                started.earliest,
                resolved.latest,
                f"{formula}; no recovery was recorded, so it ended some time before it was resolved",
            )
    return _between(formula, started, outage.recovered, is_open, not_applicable)


def _between(
    formula: str, start: Point | None, end: Point | None, is_open: bool, not_applicable: str | None
) -> Duration:
    if not_applicable is not None:
        return Duration(None, None, None, "not_applicable", None, None, f"{formula}; {not_applicable}")
    if start is None or end is None:
        state = "pending" if is_open else "not_applicable"
        missing = "the start" if start is None else "the end"
        return Duration(
            None,
            None,
            None,
            state,
            start.typed or start.earliest if start else None,
            end.typed or end.earliest if end else None,
            f"{formula}; {missing} is not recorded",
        )
    told = formula
    if start == end:
        told = f"{formula}: nobody said more than {start.what}"
    elif formula != f"{start.what} → {end.what}":
        told = f"{formula}: {start.what} → {end.what}"
    return _measured(told, start, end)


def _measured(told: str, start: Point, end: Point) -> Duration:
    """Measure between two instants, each of which may lie in a span.

    It is recorded where both ends were named, they surely come in that order, and what is not known of
    them is no more than the unit in which it is said: minutes, from a day on hours.
    """
    if start == end:
        return Duration(0.0, 0.0, 0.0, "recorded", start.earliest, end.earliest, told)
    least = (end.earliest - start.latest).total_seconds()
    most = (end.latest - start.earliest).total_seconds()
    begins, ends = start.named, end.named
    if most < 0:
        return Duration(None, None, None, "invalid", begins or start.earliest, ends or end.latest, told)
    if begins is not None and ends is not None and least >= 0:
        seconds = (ends - begins).total_seconds()
        unit = _MINUTE if seconds < _DAY else _HOUR
        if (most - least) / 2 <= unit:
            return Duration(
                seconds, least, most, "recorded", begins, ends, told + _how_well(most - least, seconds)
            )
    return Duration(None, max(least, 0.0), most, "uncertain", start.earliest, end.latest, told)


def _how_well(spread: float, seconds: float) -> str:
    if spread / 2 > _MINUTE:
        return "; known to the hour"
    return "; known to the minute" if spread >= _MINUTE / 2 and seconds < _DAY else ""


__all__ = ["NAMES", "Duration", "Point", "durations", "shown", "the_fix"]
