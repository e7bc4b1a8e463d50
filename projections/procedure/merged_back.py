"""Did the fix reach the integration branch in time, and the older lines that are maintained?"""

from datetime import datetime
from typing import Any

from projections.procedure.answers import for_each_hotfix, ingest_git, unique
from projections.procedure.communication import since
from projections.procedure.hotfix import standing_hotfixes
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.merging import Containment, Place, hotfix_containment
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status


def merged_back(evidence: Evidence) -> RuleAnswer:
    """Every fix that stayed in production is on the integration branch, within a limit from the detection."""
    branch = evidence.procedure.integration_branch
    due = evidence.detected_at + evidence.procedure.merged_back_within

    def judge(hotfix: Hotfix) -> RuleAnswer:
        containment = hotfix_containment(hotfix, branch)
        proof = unique((*hotfix.evidence, *containment.evidence))
        if containment.place is not Place.IN or containment.at is None:
            return _not_there(evidence, hotfix, containment, branch, due, proof)
        after = (containment.at - evidence.detected_at).total_seconds()
        # Git records whole seconds: what came in the second of the detection came after it.
        after = max(after, 0.0) if after > -1 else after
        facts = {"how": containment.how, "after": after, "since": since(evidence)}
        late = (containment.at - due).total_seconds()
        if late > 0:
            return RuleAnswer(Status.LATE, "merged_back", facts, proof, late)
        return RuleAnswer(Status.MET, "merged_back", facts, proof)

    return for_each_hotfix(evidence, judge, standing_hotfixes)


def _not_there(
    evidence: Evidence,
    hotfix: Hotfix,
    containment: Containment,
    branch: str,
    due: datetime,
    proof: tuple[str, ...],
) -> RuleAnswer:
    facts: dict[str, Any] = {"how": containment.how, "place": containment.place.value}
    read = ingest_git(evidence)

    def answer(status: Status, reason: str, step: NextStep) -> RuleAnswer:
        return RuleAnswer(status, reason, facts, proof, due_at=due, next_step=step)

    if containment.place is Place.UNKNOWN:
        return answer(Status.UNKNOWN, "containment_unknown", read)
    step = NextStep("git_merge", {"branch": branch, "name": hotfix.branch or hotfix.head[:7]})
    if containment.place is Place.REVERTED:
        step = NextStep("git_revert", {"branch": branch, "sha": containment.revert or ""})
    if containment.place is Place.LOST:
        last = hotfix.fixes[-1].sha if hotfix.fixes else hotfix.head
        step = NextStep("git_cherry_pick", {"branch": branch, "shas": (last,)})
    if evidence.now <= due:
        facts["left"] = (due - evidence.now).total_seconds()
        return answer(Status.UNKNOWN, "time_left", step)
    read_at = hotfix.history.read_at
    if read_at is None or read_at < due:
        return answer(Status.UNKNOWN, "not_there_when_read", read)
    proof += (hotfix.history.read_event,) if hotfix.history.read_event else ()
    return answer(Status.MISSED, "not_merged_back", step)


def backported(evidence: Evidence) -> RuleAnswer:
    """Every fix that stayed in production is on each of the older lines that are maintained."""
    branches = evidence.procedure.maintained_branches
    if not branches:
        return RuleAnswer(Status.NOT_APPLICABLE, "no_maintained_branches")
    due = evidence.detected_at + evidence.procedure.merged_back_within

    def judge(hotfix: Hotfix) -> RuleAnswer:
        read_at = hotfix.history.read_at
        too_early = evidence.now <= due or read_at is None or read_at < due
        lines = {branch: hotfix_containment(hotfix, branch) for branch in branches}
        states = {
            branch: Status.MET
            if line.place is Place.IN
            else Status.UNKNOWN
            if line.place is Place.UNKNOWN or too_early
            else Status.MISSED
            for branch, line in lines.items()
        }
        proof = unique((*hotfix.evidence, *(event for line in lines.values() for event in line.evidence)))
        facts = {"branches": [(branch, states[branch], line.how) for branch, line in lines.items()]}
        missing = [branch for branch in branches if states[branch] is not Status.MET]
        if not missing:
            return RuleAnswer(Status.MET, "backported", facts, proof)
        status = Status.MISSED if Status.MISSED in states.values() else Status.UNKNOWN
        shas = tuple(commit.sha for commit in hotfix.fixes or hotfix.commits)
        step = NextStep("git_cherry_pick", {"branch": missing[0], "shas": shas})
        return RuleAnswer(status, "backported", facts, proof, due_at=due, next_step=step)

    return for_each_hotfix(evidence, judge, standing_hotfixes)
