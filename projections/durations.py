"""How long each part took, by a formula that is printed with the number.

A duration that is unknown is not zero: it is pending, not applicable, invalid (its end lies before its start) or
uncertain (an interval, where only the bounds of its ends are known).
What is known to the minute counts as recorded where it is shown in minutes, with its bounds next to it.
The rules are written in docs/durations.md; `projections.outages` holds the one on reopening.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from projections.changes import ChangeRow, changes
from projections.detection import beginning, detection
from projections.duration import Duration, between, precision, unmeasured
from projections.outages import Outage, outages
from projections.points import Point, declared_point, exact, known_to
from projections.the_fix import last_so_far, the_fix
from tracker.events.base import Recorded
from tracker.events.corrections import not_retracted
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
"""Every duration in its order, and its title."""

_NO_DETECTION = "no detection was recorded, so it lies between the start and the declaration"
_NO_RECOVERY = "no recovery was recorded, so it ended some time before it was resolved"


def shown(measured: Mapping[str, Duration]) -> dict[str, Duration]:
    """Leave out the time to recover where it equals the downtime."""
    twice = measured.get("time_to_recover") == measured.get("downtime")
    return {name: one for name, one in measured.items() if not (twice and name == "time_to_recover")}


def durations(
    incident: Incident,
    facts: Iterable[Recorded],
    *,
    integrated: Point | datetime | None = None,
    one_trunk: bool = False,
) -> dict[str, Duration]:
    """Measure an incident; what has no end yet is pending, and nothing ticks.

    `integrated` is when the fix came to be on the integration branch, which only git knows; with
    `one_trunk` there is none.
    """
    ends = _ends(incident, list(facts))
    alarm = "it was a false alarm" if incident.resolution == "false-alarm" else None
    merged = f"it goes on as {incident.merged_into}" if incident.merged_into is not None else None
    no_outage = merged or alarm
    trunk = "there is one trunk, so nothing is merged back" if one_trunk else None
    found = {
        "time_to_detect": _by_detection(ends, "started → detected", ends.started, ends.detection, no_outage),
        "time_to_declare": _by_detection(ends, "detected → declared", ends.detection, ends.declared, None),
        "time_to_fix_deployed": _time_to_fix_deployed(ends, no_outage),
        "time_to_recover": _time_to_recover(ends, no_outage),
        "downtime": _downtime(ends, no_outage),
        "time_to_resolve": _time_to_resolve(ends, merged),
        "merged_back_after": _merged_back_after(ends, integrated, no_outage or trunk),
    }
    return {name: found[name] for name in NAMES}


@dataclass(frozen=True)
class _Ends:
    """The instants that durations run between; `detected` is the detection, else the declaration.

    `so_far` is the version that was deployed last, while it is unknown whether it was the fix.
    """

    is_open: bool
    started: Point | None
    detection: Point | None
    declared: Point | None
    detected: Point | None
    outages: tuple[Outage, ...]
    fix: ChangeRow | None
    fixed: Point | None
    so_far: str | None

    @property
    def last(self) -> Outage:
        return self.outages[-1]

    def between(
        self, formula: str, start: Point | None, end: Point | None, not_applicable: str | None
    ) -> Duration:
        return between(formula, start, end, self.is_open, not_applicable)


def _ends(incident: Incident, recorded: list[Recorded]) -> _Ends:
    living = not_retracted(recorded)
    declared, detected = declared_point(incident), detection(incident, living)
    # Limits run from the declaration where no detection is recorded.
    since = detected or declared
    rows = changes(recorded)
    fix = the_fix(incident, rows, since.instant) if since else None
    fixed = so_far = None
    if fix is not None:
        why = "linked as fixed" if fix.link else "the last deploy before recovery"
        precision_seconds = fix.row.fact.precision_seconds if fix.row.fact is not None else 0.0
        version = fix.row.version
        done = f"rollback to {version}" if fix.row.kind == "rollback" else f"{version} deployed"
        fixed = known_to(fix.at, precision_seconds, f"{done}, {why}")
    elif since is not None and incident.status is Status.OPEN:
        last = last_so_far(incident, rows, since.instant)
        so_far = last.version if last is not None and last.kind == "deploy" else None
    return _Ends(
        is_open=incident.status is Status.OPEN,
        started=beginning(incident, living),
        detection=detected,
        declared=declared,
        detected=since,
        outages=outages(incident),
        fix=fix.row if fix else None,
        fixed=fixed,
        so_far=so_far,
    )


def _by_detection(
    ends: _Ends, formula: str, start: Point | None, end: Point | None, not_applicable: str | None
) -> Duration:
    """Measure from or to the detection; where none was recorded, it lies between start and declaration."""
    if ends.detection is not None or ends.started is None:
        return ends.between(formula, start, end, not_applicable)
    started, declared = ends.started, ends.declared
    if not_applicable or declared is None or declared.latest < started.earliest:
        return between(formula, started, declared, False, not_applicable)
    most = (declared.latest - started.earliest).total_seconds()
    told = f"{formula}; {_NO_DETECTION}"
    return Duration(None, 0.0, most, "uncertain", started.earliest, declared.latest, told)


def _time_to_fix_deployed(ends: _Ends, not_applicable: str | None) -> Duration:
    formula = "detected → fix deployed"
    if ends.so_far is not None and not_applicable is None and ends.detected is not None:
        return unmeasured("pending", f"{formula}; {_no_fix(ends)}", ends.detected.earliest)
    return ends.between(formula, ends.detected, ends.fixed, not_applicable)


def _no_fix(ends: _Ends) -> str:
    """Say why there is no fix yet."""
    if ends.so_far is None:
        return "no deploy of a fix is recorded"
    return f"{ends.so_far} is out, and nothing says yet that it was the fix"


def _time_to_recover(ends: _Ends, not_applicable: str | None) -> Duration:
    last = ends.last
    found = _recovery(ends, ends.started, last, ends.is_open, not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    told = f"{found.formula}; it was reopened, so it runs to the last recovery"
    if found.state == "uncertain" and last.recovered is None and last.start is not None and ends.started:
        least = (last.start.earliest - ends.started.latest).total_seconds()
        found = replace(found, at_least=min(max(least, 0.0), found.at_most or 0.0))
    return replace(found, formula=told)


_RECOVERY = "started → recovered"


def _downtime(ends: _Ends, not_applicable: str | None) -> Duration:
    """Sum the outages: the time between a resolution and a reopening is not down."""
    parts = [
        _recovery(
            ends,
            outage.start or ends.started,
            outage,
            ends.is_open and outage is ends.last,
            not_applicable,
        )
        for outage in ends.outages
    ]
    if len(parts) == 1 or not_applicable is not None:
        return parts[0]
    told = f"{_RECOVERY}, summed over {len(parts)} outages; the time between resolved and reopened is not counted"
    for state in ("invalid", "pending", "not_applicable"):
        stuck = next((part for part in parts if part.state == state), None)
        if stuck is not None:
            why = stuck.formula.removeprefix(_RECOVERY).lstrip(";: ")
            begins, end = (stuck.from_, stuck.to) if state == "invalid" else (parts[0].from_, None)
            return unmeasured(state, f"{told}; {why}" if why else told, begins, end)
    least = sum(part.at_least or 0.0 for part in parts)
    most = sum(part.at_most or 0.0 for part in parts)
    known = [part.seconds for part in parts if part.state == "recorded" and part.seconds is not None]
    if len(known) == len(parts):
        told += precision(most - least, sum(known))
        return Duration(sum(known), least, most, "recorded", parts[0].from_, parts[-1].to, told)
    if any(part.state == "uncertain" and _NO_RECOVERY in part.formula for part in parts):
        told += "; an outage whose recovery nobody recorded ended some time before it was resolved"
    return Duration(None, least, most, "uncertain", parts[0].from_, parts[-1].to, told)


def _recovery(
    ends: _Ends, started: Point | None, outage: Outage, is_open: bool, not_applicable: str | None
) -> Duration:
    resolved = outage.resolved
    if outage.recovered is not None or resolved is None or started is None or not_applicable is not None:
        return between(_RECOVERY, started, outage.recovered, is_open, not_applicable)
    most = (resolved.latest - started.earliest).total_seconds()
    if most < 0:
        return between(_RECOVERY, started, resolved, is_open, None)
    told = f"{_RECOVERY}; {_NO_RECOVERY}"
    return Duration(None, 0.0, most, "uncertain", started.earliest, resolved.latest, told)


def _time_to_resolve(ends: _Ends, not_applicable: str | None) -> Duration:
    found = ends.between("detected → resolved", ends.detected, ends.last.resolved, not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    more = "it was reopened, so it runs to the last resolution, the quiet time before that included"
    return replace(found, formula=f"{found.formula}; {more}")


def _merged_back_after(
    ends: _Ends, integrated: Point | datetime | None, not_applicable: str | None
) -> Duration:
    """Measure from the fix to the integration branch; without evidence of the merge it stays pending."""
    formula = "fix deployed → on the integration branch"
    if isinstance(integrated, datetime):
        integrated = exact(integrated, "on the integration branch")
    if not_applicable is not None:
        return ends.between(formula, ends.fixed, integrated, not_applicable)
    if ends.fixed is None or ends.fix is None:
        state = "pending" if ends.is_open else "not_applicable"
        return unmeasured(state, f"{formula}; {_no_fix(ends)}")
    if ends.fix.kind == "rollback":
        not_applicable = "the fix was a rollback: there is nothing to merge"
    elif integrated is None:
        unnamed = "" if ends.fix.sha else ", and its deploy names no commit"
        told = f"{formula}: {ends.fixed.what}; no merge of it is recorded{unnamed}"
        return unmeasured("pending", told, ends.fixed.earliest)
    elif integrated.latest < ends.fixed.earliest:
        not_applicable = "it was on that branch before it was deployed"
    return ends.between(formula, ends.fixed, integrated, not_applicable)


__all__ = ["NAMES", "Duration", "Point", "durations", "shown"]
