"""Did anybody look after the fix: every minute for ten minutes, at the hour, and at the day?

A look is a check of `tracker watch` at which a metric could be told, or the verdict of the window
where it was given in time, by `tracker serve` or by hand. What was not looked at is a gap.
"""

from datetime import datetime, timedelta

from projections.comparison import CHECKS, WINDOWS, describe_checks, overdue_after
from projections.procedure.fix_attempts import fix_of, no_fix, verdicts_of
from projections.procedure.rule import Evidence, Ruled, Status
from projections.the_fix import Fix
from tracker.events.corrections import Effective
from tracker.events.verdicts import CheckMade, VerdictsGiven
from tracker.times import spoken

IN_TIME = {"10m": timedelta(minutes=5), "1h": timedelta(minutes=15), "1d": timedelta(hours=1)}
"""A verdict that is given so long after its window still shows that somebody was watching."""
_ENDED = {"10m": "the ten minutes were over", "1h": "the hour was over", "1d": "the day was over"}
_NOT_OVER = {"10m": "the ten minutes are not over", "1h": "the hour is not over", "1d": "the day is not over"}
_UNTOLD = ("not_enough_data", "no_data", "pending")


def watched_10m(evidence: Evidence) -> Ruled:
    """Ask for a look every minute of the first ten."""
    return _watched(evidence, "10m", "a look each minute after the fix, for ten")


def watched_1h(evidence: Evidence) -> Ruled:
    """Ask for a look when the first hour was over."""
    return _watched(evidence, "1h", "a look an hour after the fix")


def watched_1d(evidence: Evidence) -> Ruled:
    """Ask for a look when the first day was over."""
    return _watched(evidence, "1d", "a look a day after the fix")


def _watched(evidence: Evidence, window: str, expected: str) -> Ruled:
    name = f"watched_{window}"
    off = no_fix(evidence)
    if off is not None:
        return Ruled(name, Status.NOT_APPLICABLE, expected, None, f"There was no fix to watch: {off}.")
    fix = fix_of(evidence)
    if fix is None:
        return Ruled(name, Status.UNKNOWN, expected, None, "No deploy of a fix is recorded.")
    length = WINDOWS[window]
    ends_at = fix.at + timedelta(seconds=length)
    checks = [each for each in _checks(evidence, fix) if _due(each) <= length]
    seen = {_due(each) for each in checks if _told(each)}
    wanted = [each for each in CHECKS if each <= length] if window == "10m" else [length]
    missing = [each for each in wanted if each not in seen]
    given = [each for each in verdicts_of(evidence, fix.row, window) if _says_something(each)]
    in_time = [each for each in given if each.recorded.recorded_at <= ends_at + IN_TIME[window]]
    ids = tuple(dict.fromkeys((*(each.id for each in checks), *(each.id for each in given))))
    version = fix.row.version
    if not missing:
        told = (
            f"looked {_times(len(seen))}, every minute"
            if window == "10m"
            else f"looked {spoken(length)} after"
        )
        return Ruled(name, Status.MET, expected, told, f"{version}: {told}.", ids)
    if in_time:
        told = f"judged when {_ENDED[window]}"
        return Ruled(name, Status.MET, expected, told, f"{version}: {told}.", ids)
    gap = f"not looked at {describe_checks(missing)} after"
    if evidence.now < max(
        ends_at, fix.at + timedelta(seconds=overdue_after(length)), ends_at + IN_TIME[window]
    ):
        passed = (evidence.now - fix.at).total_seconds()
        gone = [each for each in missing if overdue_after(each) <= passed]
        so_far = f"; so far not looked at {describe_checks(gone)} after" if gone else ""
        says = f"{version}: {_NOT_OVER[window]} yet{so_far}."
        todo = f"tracker watch {evidence.incident.id}"
        return Ruled(name, Status.UNKNOWN, expected, None, says, ids, due_at=ends_at, todo=todo)
    return _not_watched(evidence, fix, window, expected, gap, checks, given, ids)


def _not_watched(
    evidence: Evidence,
    fix: Fix,
    window: str,
    expected: str,
    gap: str,
    checks: list[Effective],
    given: list[Effective],
    ids: tuple[str, ...],
) -> Ruled:
    name, version = f"watched_{window}", fix.row.version
    ends_at = fix.at + timedelta(seconds=WINDOWS[window])
    looked = [each for each in checks if _told(each)]
    if looked and (window == "10m" or not given):
        last = spoken(max(_due(each) for each in looked))
        told = gap if window == "10m" else f"last looked at {last} after"
        says = f"{version}: looked {_times(len(looked))}, {gap}."
        return Ruled(name, Status.MISSED, expected, told, says, ids)
    if given:
        if _told_of_at(evidence, fix) > ends_at + IN_TIME[window]:
            says = f"{version} was told of when the window was over: nobody could be seen watching it."
            return Ruled(name, Status.UNKNOWN, expected, None, says, ids)
        late = (given[0].recorded.recorded_at - ends_at).total_seconds()
        told = f"judged {spoken(late)} after {_ENDED[window]}"
        return Ruled(
            name,
            Status.LATE,
            expected,
            told,
            f"{version}: {told}; no look before is recorded.",
            ids,
            late_seconds=late,
        )
    if checks:
        says = f"{version}: looked {_times(len(checks))}, and no metric could be told."
        return Ruled(name, Status.UNKNOWN, expected, None, says, ids)
    return Ruled(name, Status.UNKNOWN, expected, None, f"Nothing shows that anybody looked after {version}.")


def _checks(evidence: Evidence, fix: Fix) -> list[Effective]:
    return [
        each
        for each in evidence.of(CheckMade)
        if isinstance(each.event, CheckMade)
        and each.event.incident == evidence.incident.id
        and each.event.change in fix.row.evidence
    ]


def _due(check: Effective) -> int:
    assert isinstance(check.event, CheckMade)
    return check.event.due_seconds


def _told(check: Effective) -> bool:
    """Whether a check saw anything: one at which no metric could be told looked at nothing."""
    event = check.event
    return isinstance(event, CheckMade) and bool(event.normal or event.not_normal)


def _says_something(given: Effective) -> bool:
    event = given.event
    return isinstance(event, VerdictsGiven) and any(each.verdict not in _UNTOLD for each in event.verdicts)


def _told_of_at(evidence: Evidence, fix: Fix) -> datetime:
    """Return when the log learned of the fix."""
    told = [each.recorded.recorded_at for each in evidence.facts if each.id in fix.row.evidence]
    return min(told, default=evidence.now)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
