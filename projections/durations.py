"""How long each part took, by a formula that is printed with the number.

A duration that cannot be known is not zero: it is pending, not applicable, invalid (its end
lies before its start) or uncertain (an interval, where only the ends' bounds are known).
What is known to the minute counts as recorded where it is said in minutes, with its bounds beside it.
The rules are written in docs/durations.md; `projections.outages` holds the one on reopening.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from projections.changes import ChangeRow, changes
from projections.detection import detection, first_alert
from projections.duration import Duration, between, how_well
from projections.outages import (
    Outage,
    Point,
    declared_point,
    exact,
    known_to,
    milestone,
    onset,
    outages,
)
from projections.the_fix import last_so_far, the_fix
from tracker.events.base import Recorded
from tracker.events.corrections import effective
from tracker.incident import Incident, Status

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


def shown(measured: Mapping[str, Duration]) -> dict[str, Duration]:
    """Leave out the time to recover where it says what the downtime says: a reader wants to know it once."""
    twice = measured.get("time_to_recover") == measured.get("downtime")
    return {name: each for name, each in measured.items() if not (twice and name == "time_to_recover")}


def durations(
    incident: Incident,
    facts: Iterable[Recorded],
    *,
    integrated: Point | datetime | None = None,
    one_trunk: bool = False,
) -> dict[str, Duration]:
    """Measure an incident; what has no end yet is pending, and nothing ticks.

    `integrated` is when the fix came to be on the integration branch, which only git can tell; with
    `one_trunk` there is none.
    """
    ends = _ends(incident, list(facts))
    is_open = incident.status is Status.OPEN
    alarm = "it was a false alarm" if incident.resolution == "false-alarm" else None
    merged = f"it goes on as {incident.merged_into}" if incident.merged_into is not None else None
    no_outage = merged or alarm
    trunk = "there is one trunk, so nothing is merged back" if one_trunk else None
    unsaid = ends.said is None and ends.started is not None
    found = {
        "time_to_detect": _unsaid(ends, "started → detected", no_outage)
        if unsaid
        else between("started → detected", ends.started, ends.said, is_open, no_outage),
        "time_to_declare": _unsaid(ends, "detected → declared", None)
        if unsaid
        else between("detected → declared", ends.said, ends.declared, is_open, None),
        "time_to_fix_deployed": _time_to_fix_deployed(ends, is_open, no_outage),
        "time_to_recover": _time_to_recover(ends, is_open, no_outage),
        "downtime": _downtime(ends, is_open, no_outage),
        "time_to_resolve": _time_to_resolve(ends, is_open, merged),
        "merged_back_after": _merged_back_after(ends, integrated, is_open, no_outage or trunk),
    }
    return {name: found[name] for name in NAMES}


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
    so_far: str | None = None
    """The version that was deployed last, while nothing says yet that it was the fix."""

    @property
    def last(self) -> Outage:
        return self.outages[-1]


def _ends(incident: Incident, recorded: list[Recorded]) -> _Ends:
    living = [each for each in effective(recorded).values() if each.retraction is None]
    started = milestone(incident, "started") or onset(incident) or first_alert(incident, living)
    declared = declared_point(incident)
    said = detection(incident, living)
    # Limits run from the declaration where nobody said when it was detected.
    detected = said or declared
    found = outages(incident)
    rows = changes(recorded)
    fix = the_fix(incident, rows, detected.instant) if detected else None
    fixed = None
    if fix is not None:
        why = "linked as fixed" if fix.link else "the last deploy before recovery"
        precision = fix.row.fact.precision_seconds if fix.row.fact is not None else 0.0
        done = (
            f"rollback to {fix.row.version}" if fix.row.kind == "rollback" else f"{fix.row.version} deployed"
        )
        fixed = known_to(fix.at, precision, f"{done}, {why}")
    so_far = None
    if fix is None and detected is not None and incident.status is Status.OPEN:
        last = last_so_far(incident, rows, detected.instant)
        so_far = last.version if last is not None and last.kind == "deploy" else None
    return _Ends(started, said, declared, detected, found, fix.row if fix else None, fixed, so_far)


def _unsaid(ends: _Ends, formula: str, not_applicable: str | None) -> Duration:
    """Bound what depends on a detection that nobody recorded: it lies between start and declaration."""
    told = f"{formula}; no detection was recorded, so it lies between the start and the declaration"
    started, declared = ends.started, ends.declared
    if not_applicable or declared is None or started is None:
        return between(formula, started, None, False, not_applicable)
    most = (declared.latest - started.earliest).total_seconds()
    if most < 0:
        return between(formula, started, declared, False, None)
    return Duration(None, 0.0, most, "uncertain", started.earliest, declared.latest, told)


def _time_to_fix_deployed(ends: _Ends, is_open: bool, not_applicable: str | None) -> Duration:
    formula = "detected → fix deployed"
    if ends.so_far is not None and not_applicable is None and ends.detected is not None:
        return Duration(
            None, None, None, "pending", ends.detected.earliest, None, f"{formula}; {_not_said(ends)}"
        )
    return between(formula, ends.detected, ends.fixed, is_open, not_applicable)


def _not_said(ends: _Ends) -> str:
    """Say why there is no fix yet."""
    if ends.so_far is None:
        return "no deploy of a fix is recorded"
    return f"{ends.so_far} is out, and nothing says yet that it was the fix"


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
        told += how_well(most - least, sum(known))
        return Duration(sum(known), least, most, "recorded", parts[0].from_, parts[-1].to, told)
    for part in parts:
        if part.state == "uncertain" and "no recovery was recorded" in part.formula:
            told += "; an outage whose recovery nobody recorded ended some time before it was resolved"
            break
    return Duration(None, least, most, "uncertain", parts[0].from_, parts[-1].to, told)


def _time_to_resolve(ends: _Ends, is_open: bool, not_applicable: str | None) -> Duration:
    found = between("detected → resolved", ends.detected, ends.last.resolved, is_open, not_applicable)
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
        return Duration(None, None, None, state, None, None, f"{formula}; {_not_said(ends)}")
    if not_applicable is not None or ends.fixed is None or ends.fix is None:
        return between(formula, ends.fixed, integrated, is_open, not_applicable)
    if ends.fix.kind == "rollback":
        return between(formula, None, None, is_open, "the fix was a rollback: there is nothing to merge")
    if integrated is None:
        unnamed = "" if ends.fix.sha else ", and its deploy names no commit"
        what = f"no merge of it is recorded{unnamed}"
        told = f"{formula}: {ends.fixed.what}; {what}"
        return Duration(None, None, None, "pending", ends.fixed.earliest, None, told)
    if integrated.latest < ends.fixed.earliest:
        return between(formula, None, None, is_open, "it was on that branch before it was deployed")
    return between(formula, ends.fixed, integrated, is_open, None)


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
        return between(formula, started, resolved, is_open, None)
    return between(formula, started, outage.recovered, is_open, not_applicable)


__all__ = ["NAMES", "Duration", "Point", "durations", "shown"]
