"""Was the fix deployed in time, proven to help, and rolled back where it did not?"""

from datetime import timedelta

from projections.changes import ChangeRow, same_place
from projections.procedure.answers import unique
from projections.procedure.communication import fix_since, is_open, recorded_live
from projections.procedure.fix_attempts import attempts, fix_of, outcome
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from projections.procedure.versions import next_version
from projections.the_fix import lasting
from projections.versions import same_version

NO_FIX = RuleAnswer(Status.UNKNOWN, "no_fix_deployed")


def deployed_in_time(evidence: Evidence) -> RuleAnswer:
    """Ask for the fix to be deployed soon after the detection, or after that of the last relapse."""
    due = evidence.burns_since + evidence.procedure.fix_deployed_within
    fix = fix_of(evidence)
    if fix is not None:
        after = (fix.at - evidence.burns_since).total_seconds()
        facts = {"fix": fix, "after": after, "since": fix_since(evidence)}
        late = (fix.at - due).total_seconds()
        if late > 0:
            return RuleAnswer(Status.LATE, "fix_deployed", facts, fix.evidence, late)
        return RuleAnswer(Status.MET, "fix_deployed", facts, fix.evidence)
    due_at = step = None
    if is_open(evidence) and recorded_live(evidence.incident):
        service = (evidence.incident.services or ("SERVICE",))[0]
        due_at, step = due, NextStep("run_deploy", {"service": service, "version": next_version(evidence)})
    failed = lasting(attempts(evidence), evidence.back_at)
    if failed and evidence.now > due:
        facts = {"versions": unique(row.version for row in failed)}
        events = tuple(event for row in failed for event in row.evidence)
        return RuleAnswer(
            Status.MISSED, "attempts_did_not_hold", facts, events, due_at=due_at, next_step=step
        )
    return RuleAnswer(Status.UNKNOWN, "no_fix_deployed", due_at=due_at, next_step=step)


def verified(evidence: Evidence) -> RuleAnswer:
    """Ask what the metrics did in the ten minutes after the fix."""
    fix = fix_of(evidence)
    if fix is None:
        return NO_FIX
    result = outcome(evidence, fix.row, "10m")
    events = (*result.evidence, *fix.evidence)
    facts = {"version": fix.row.version, "outcome": result}
    reason = "outcome" if result.evidence or result.code in (0, 6, 7) else "outcome_pending"
    if result.code == 0:
        return RuleAnswer(Status.MET, "outcome", facts, events)
    if result.code in (6, 7):
        return RuleAnswer(Status.MISSED, "outcome", facts, events)
    incident = {"incident": evidence.incident.id}
    if result.code is None and evidence.now < result.ends_at + timedelta(minutes=5):
        step = NextStep("watch", incident)
        return RuleAnswer(Status.UNKNOWN, reason, facts, events, due_at=result.ends_at, next_step=step)
    if result.code is None and not result.evidence:
        facts["hint"] = NextStep("collect", incident)
        return RuleAnswer(Status.UNKNOWN, "outcome_not_collected", facts, events)
    return RuleAnswer(Status.UNKNOWN, reason, facts, events)


def rolled_back_when_not_fixed(evidence: Evidence) -> RuleAnswer:
    """Ask for a rollback, or a newer fix, after each deploy whose ten minutes showed that it did not help."""
    tried = [row for row in attempts(evidence) if row.status == "finished"]
    fix = fix_of(evidence)
    if fix is not None and fix.row.kind == "deploy" and fix.row.event not in {row.event for row in tried}:
        tried.append(fix.row)
    if not tried:
        return NO_FIX
    outcomes = [(row, outcome(evidence, row, "10m")) for row in tried]
    bad = [(row, result, _next(evidence, row)) for row, result in outcomes if result.failed]
    events = unique(
        event
        for row, result, after in bad
        for event in (*result.evidence, *row.evidence, *(after.evidence if after else ()))
    )
    for row, result, after in bad:
        if after is None:
            step = NextStep("run_rollback", {"service": row.service}) if is_open(evidence) else None
            facts = {"version": row.version, "outcome": result}
            due_at = result.ends_at if step else None
            return RuleAnswer(Status.MISSED, "not_rolled_back", facts, events, due_at=due_at, next_step=step)
    if bad:
        pairs = [(row, after) for row, _, after in bad]
        return RuleAnswer(Status.MET, "replaced", {"replaced": pairs}, events)
    unclear = [row for row, result in outcomes if result.code in (None, 8)]
    undone = [(row, after) for row in unclear if (after := _next(evidence, row)) and after.kind == "rollback"]
    open_ones = [row for row in unclear if row.event not in {row.event for row, _ in undone}]
    events = unique(event for row, result in outcomes for event in (*result.evidence, *row.evidence))
    if open_ones:
        facts = {"versions": unique(row.version for row in open_ones)}
        return RuleAnswer(Status.UNKNOWN, "outcome_unknown", facts, events)
    if undone:
        # Whoever takes a change back without waiting for its ten minutes saw enough.
        events = unique(event for row, back in undone for event in (*back.evidence, *row.evidence))
        return RuleAnswer(Status.MET, "replaced", {"replaced": undone}, events)
    return RuleAnswer(Status.NOT_APPLICABLE, "nothing_to_roll_back", evidence=events)


def _next(evidence: Evidence, row: ChangeRow) -> ChangeRow | None:
    """Return the rollback, or the deploy of another version, that came after one."""
    ends = evidence.incident.ends_at
    later = [
        change
        for change in evidence.changes
        if (ends is None or change.at <= ends)
        and change.kind != "merge"
        and change.status == "finished"
        and same_place(change, row)
        and change.order > row.order
        and not same_version(change, row)
    ]
    return min(later, key=lambda change: change.order, default=None)
