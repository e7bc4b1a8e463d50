"""Did anybody watch after the fix: every minute for ten minutes, at the hour, and at the day?

What counts is a check of `tracker watch` at which a metric could be read, or the verdict of the window
where it was recorded in time, by `tracker serve` or by hand. What was not checked is a gap.
"""

from datetime import datetime, timedelta

from projections.comparison import CHECKS, NOT_JUDGED, WINDOWS, overdue_after
from projections.procedure.answers import unique
from projections.procedure.fix_attempts import fix_of, verdicts_of
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from projections.procedure.rules_fix import NO_FIX
from projections.the_fix import Fix
from tracker.events.corrections import Effective
from tracker.events.verdicts import CheckMade, VerdictsGiven

IN_TIME = {"10m": timedelta(minutes=5), "1h": timedelta(minutes=15), "1d": timedelta(hours=1)}
"""A verdict that is recorded so long after its window still shows that somebody was watching."""


def watched_10m(evidence: Evidence) -> RuleAnswer:
    return _watched(evidence, "10m")


def watched_1h(evidence: Evidence) -> RuleAnswer:
    return _watched(evidence, "1h")


def watched_1d(evidence: Evidence) -> RuleAnswer:
    return _watched(evidence, "1d")


def _watched(evidence: Evidence, window: str) -> RuleAnswer:
    fix = fix_of(evidence)
    if fix is None:
        return NO_FIX
    length = WINDOWS[window]
    ends_at = fix.at + timedelta(seconds=length)
    checks = [check for check in _checks(evidence, fix) if _due(check) <= length]
    checked = {_due(check) for check in checks if _saw_metrics(check)}
    wanted = [due for due in CHECKS if due <= length] if window == "10m" else [length]
    missing = [due for due in wanted if due not in checked]
    judged = [fact for fact in verdicts_of(evidence, fix.row, window) if _is_judged(fact)]
    events = unique((*(check.id for check in checks), *(fact.id for fact in judged)))
    facts = {
        "version": fix.row.version,
        "window": window,
        "count": len(checked),
        "missing": missing,
        "last": max(checked, default=None),
    }
    if not missing:
        reason = "checked_every_minute" if window == "10m" else "checked_at_end"
        return RuleAnswer(Status.MET, reason, facts, events)
    if any(fact.recorded.recorded_at <= ends_at + IN_TIME[window] for fact in judged):
        return RuleAnswer(Status.MET, "judged_in_time", facts, events)
    over = max(ends_at, fix.at + timedelta(seconds=overdue_after(length)), ends_at + IN_TIME[window])
    if evidence.now < over:
        passed = (evidence.now - fix.at).total_seconds()
        facts["missing"] = [due for due in missing if overdue_after(due) <= passed]
        step = NextStep("watch", {"incident": evidence.incident.id})
        return RuleAnswer(Status.UNKNOWN, "window_open", facts, events, due_at=ends_at, next_step=step)
    if checked and (window == "10m" or not judged):
        return RuleAnswer(Status.MISSED, "gaps" if window == "10m" else "end_not_checked", facts, events)
    if judged:
        if _recorded_at(evidence, fix) > ends_at + IN_TIME[window]:
            return RuleAnswer(Status.UNKNOWN, "recorded_after_window", facts, events)
        late = (judged[0].recorded.recorded_at - ends_at).total_seconds()
        return RuleAnswer(Status.LATE, "judged_late", facts, events, late)
    if checks:
        return RuleAnswer(Status.UNKNOWN, "nothing_measured", {**facts, "count": len(checks)}, events)
    return RuleAnswer(Status.UNKNOWN, "not_watched", facts)


def _checks(evidence: Evidence, fix: Fix) -> list[Effective]:
    return [
        fact
        for fact in evidence.of(CheckMade)
        if isinstance(fact.event, CheckMade)
        and fact.event.incident == evidence.incident.id
        and fact.event.change in fix.row.evidence
    ]


def _due(check: Effective) -> int:
    assert isinstance(check.event, CheckMade)
    return check.event.due_seconds


def _saw_metrics(check: Effective) -> bool:
    event = check.event
    return isinstance(event, CheckMade) and bool(event.normal or event.not_normal)


def _is_judged(fact: Effective) -> bool:
    event = fact.event
    return isinstance(event, VerdictsGiven) and any(v.verdict not in NOT_JUDGED for v in event.verdicts)


def _recorded_at(evidence: Evidence, fix: Fix) -> datetime:
    """Return when the log learned of the fix."""
    known = [fact.recorded.recorded_at for fact in evidence.facts if fact.id in fix.row.evidence]
    return min(known, default=evidence.now)
