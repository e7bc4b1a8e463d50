"""How long each part took, by a formula that is printed with the number.

A duration that is unknown is not zero: it is pending, not applicable, invalid (its end lies before its start) or
uncertain (an interval, where only the bounds of its ends are known).
What is known to the minute counts as recorded where it is shown in minutes, with its bounds next to it.
The rules are written in docs/durations.md; `projections.outages` holds the one on reopening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from projections.changes import ChangeRow
from projections.detection import beginning, detection, relapse
from projections.dossier import Dossier
from projections.duration import Duration, Ends, between, precision
from projections.outages import Outage, outages
from projections.points import Point, declared_point, exact, known_to, milestone
from projections.procedure.deploys import rows_in_life
from projections.procedure.evaluation import evidence_of
from projections.procedure.merging import fix_on_integration
from projections.procedure.rule import Evidence
from projections.reason import Reason
from projections.the_fix import last_so_far, lasting, the_fix
from tracker.events.corrections import Effective
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

_RECOVERY = ("started", "recovered")


def shown(measured: Mapping[str, Duration]) -> dict[str, Duration]:
    """Leave out the time to recover where it equals the downtime."""
    twice = measured.get("time_to_recover") == measured.get("downtime")
    return {name: one for name, one in measured.items() if not (twice and name == "time_to_recover")}


def time_open(incident: Incident, until: datetime | None = None) -> Duration:
    """Measure from the earliest instant that people gave to the last resolution, or to `until`."""
    given = [milestone(incident, "started"), milestone(incident, "detected"), declared_point(incident)]
    start = min((one for one in given if one is not None), key=lambda one: one.instant)
    end = outages(incident)[-1].resolved if until is None else exact(until, "resolved")
    return between(("started", "resolved"), start, _known(end), incident.status is Status.OPEN, None)


def _known(end: Point | None) -> Point | None:
    """Leave out an end that an imported record does not name."""
    return None if end is None or end.is_unknown else end


def durations(dossier: Dossier) -> dict[str, Duration]:
    """Measure an incident; what has no end yet is pending, and nothing ticks."""
    return durations_of(evidence_of(dossier))


def durations_of(evidence: Evidence) -> dict[str, Duration]:
    """Measure an incident from what its rules are asked about."""
    at, _ = fix_on_integration(evidence) or (None, "")
    trunk = not evidence.procedure.integration_branch
    return measure(evidence.incident, evidence.facts, rows_in_life(evidence), integrated=at, one_trunk=trunk)


def measure(
    incident: Incident,
    living: Sequence[Effective],
    rows: Sequence[ChangeRow],
    *,
    integrated: Point | datetime | None = None,
    one_trunk: bool = False,
) -> dict[str, Duration]:
    """Measure an incident from its facts and the changes that belong to it.

    `integrated` is when the fix came to be on the integration branch, which only git knows; with
    `one_trunk` there is none.
    """
    ends = _ends(incident, living, rows)
    alarm = Reason("false_alarm") if incident.resolution == "false-alarm" else None
    merged = Reason("merged_into", {"incident": incident.merged_into}) if incident.merged_into else None
    no_outage = merged or alarm
    went_away = incident.resolution == "went-away" and ends.fix is None
    no_fix = no_outage or (Reason("went_away") if went_away else None)
    trunk = Reason("one_trunk") if one_trunk else None
    detect, declare = ("started", "detected"), ("detected", "declared")
    found = {
        "time_to_detect": _by_detection(ends, detect, ends.started, ends.detection, no_outage),
        "time_to_declare": _by_detection(ends, declare, ends.detection, ends.declared, merged),
        "time_to_fix_deployed": _time_to_fix_deployed(ends, no_fix),
        "time_to_recover": _time_to_recover(ends, no_outage),
        "downtime": _downtime(ends, no_outage),
        "time_to_resolve": _time_to_resolve(ends, merged),
        "merged_back_after": _merged_back_after(ends, integrated, no_fix or trunk),
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
        self, names: Ends, start: Point | None, end: Point | None, not_applicable: Reason | None
    ) -> Duration:
        return between(names, start, end, self.is_open, not_applicable)


def _ends(incident: Incident, living: Sequence[Effective], rows: Sequence[ChangeRow]) -> _Ends:
    declared, detected = declared_point(incident), detection(incident, living)
    # Limits run from the declaration where no detection is recorded.
    since = detected or declared
    back = relapse(incident, living)
    back_at = back.detected.instant if back else None
    fix = the_fix(incident, rows, since.instant, back_at) if since else None
    fixed = so_far = None
    if fix is not None:
        precision_seconds = fix.row.fact.precision_seconds if fix.row.fact is not None else 0.0
        facts = {"kind": fix.row.kind, "version": fix.row.version, "linked": fix.link is not None}
        fixed = known_to(fix.at, precision_seconds, "fix", facts)
    elif since is not None and incident.status is Status.OPEN:
        last = last_so_far(incident, lasting(rows, back_at), since.instant)
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
    ends: _Ends, names: Ends, start: Point | None, end: Point | None, not_applicable: Reason | None
) -> Duration:
    """Measure from or to the detection; where none was recorded, it lies between start and declaration."""
    if ends.detection is not None or ends.started is None:
        return ends.between(names, start, end, not_applicable)
    started, declared = ends.started, ends.declared
    if not_applicable or declared is None or declared.latest < started.earliest:
        return between(names, started, declared, False, not_applicable)
    most = (declared.latest - started.earliest).total_seconds()
    found = Duration(names, "uncertain", None, 0.0, most, started.earliest, declared.latest)
    return found.remarked("no_detection")


def _time_to_fix_deployed(ends: _Ends, not_applicable: Reason | None) -> Duration:
    names = ("detected", "fix_deployed")
    if ends.so_far is not None and not_applicable is None and ends.detected is not None:
        return Duration(names, "pending", from_=ends.detected.earliest, remarks=(_no_fix(ends),))
    return ends.between(names, ends.detected, ends.fixed, not_applicable)


def _no_fix(ends: _Ends) -> Reason:
    return Reason("fix_not_proven", {"version": ends.so_far}) if ends.so_far else Reason("no_fix_deployed")


def _time_to_recover(ends: _Ends, not_applicable: Reason | None) -> Duration:
    last = ends.last
    found = _recovery(ends, ends.started, last, ends.is_open, not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    if found.state == "uncertain" and last.recovered is None and last.start is not None and ends.started:
        least = (last.start.earliest - ends.started.latest).total_seconds()
        most = found.at_most
        found = replace(
            found, at_least=max(least, found.at_least or 0.0) if most is None else min(max(least, 0.0), most)
        )
    return found.remarked("to_last_recovery")


def _downtime(ends: _Ends, not_applicable: Reason | None) -> Duration:
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
    summed = Reason("summed", {"outages": len(parts)})
    for state in ("invalid", "pending", "not_applicable", "uncertain"):
        stuck = next((part for part in parts if part.state == state and part.at_most is None), None)
        if stuck is not None:
            begins, end = (stuck.from_, stuck.to) if state == "invalid" else (parts[0].from_, None)
            remarks = (summed, *stuck.remarks)
            return Duration(
                _RECOVERY, state, from_=begins, to=end, start=stuck.start, end=stuck.end, remarks=remarks
            )
    least = sum(part.at_least or 0.0 for part in parts)
    most = sum(part.at_most or 0.0 for part in parts)
    total = Duration(
        _RECOVERY, "uncertain", None, least, most, parts[0].from_, parts[-1].to, remarks=(summed,)
    )
    known = [part.seconds for part in parts if part.state == "recorded" and part.seconds is not None]
    if len(known) == len(parts):
        remarks = (summed, *precision(most - least, sum(known)))
        return replace(total, state="recorded", seconds=sum(known), remarks=remarks)
    if any(remark.code == "no_recovery" for part in parts for remark in part.remarks):
        return total.remarked("outage_without_recovery")
    return total


def _recovery(
    ends: _Ends, started: Point | None, outage: Outage, is_open: bool, not_applicable: Reason | None
) -> Duration:
    resolved = _known(outage.resolved)
    if outage.recovered is not None or resolved is None or started is None or not_applicable is not None:
        return between(_RECOVERY, started, outage.recovered, is_open, not_applicable)
    most = (resolved.latest - started.earliest).total_seconds()
    if most < 0:
        return between(_RECOVERY, started, resolved, is_open, None)
    if outage.still_out:
        least = max(0.0, (resolved.earliest - started.latest).total_seconds())
        reason = Reason("not_back", {"metrics": ", ".join(outage.still_out)})
        return Duration(_RECOVERY, "uncertain", at_least=least, from_=started.earliest, remarks=(reason,))
    found = Duration(_RECOVERY, "uncertain", None, 0.0, most, started.earliest, resolved.latest)
    return found.remarked("no_recovery")


def _time_to_resolve(ends: _Ends, not_applicable: Reason | None) -> Duration:
    found = ends.between(("detected", "resolved"), ends.detected, _known(ends.last.resolved), not_applicable)
    if len(ends.outages) == 1 or not_applicable is not None:
        return found
    return found.remarked("to_last_resolution")


def _merged_back_after(
    ends: _Ends, integrated: Point | datetime | None, not_applicable: Reason | None
) -> Duration:
    """Measure from the fix to the integration branch; without evidence of the merge it stays pending."""
    names = ("fix_deployed", "integrated")
    if isinstance(integrated, datetime):
        integrated = exact(integrated, "integrated")
    if not_applicable is not None:
        return ends.between(names, ends.fixed, integrated, not_applicable)
    if ends.fixed is None or ends.fix is None:
        state = "pending" if ends.is_open else "uncertain"
        return Duration(names, state, remarks=(_no_fix(ends),))
    if ends.fix.kind == "rollback":
        not_applicable = Reason("fix_was_rollback")
    elif integrated is None:
        reason = Reason("no_merge" if ends.fix.sha else "no_merge_nor_commit")
        return Duration(names, "pending", from_=ends.fixed.earliest, start=ends.fixed, remarks=(reason,))
    elif integrated.latest < ends.fixed.earliest:
        not_applicable = Reason("integrated_before_deploy")
    return ends.between(names, ends.fixed, integrated, not_applicable)


__all__ = ["NAMES", "Duration", "Point", "durations", "shown"]
