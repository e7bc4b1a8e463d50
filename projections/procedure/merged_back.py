"""Did the fix reach the integration branch in time, and the older lines that are maintained?"""

from datetime import datetime

from projections.procedure.answers import Part, for_each, how_to_know
from projections.procedure.communication import since, spoken_limit
from projections.procedure.hotfix import standing_hotfixes
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.merging import Containment, Place, hotfix_standing
from projections.procedure.rule import Evidence, Ruled, Status
from tracker.times import spoken


def merged_back(evidence: Evidence) -> Ruled:
    """Every fix that stayed in production is on the integration branch, so long after the detection at most."""
    procedure = evidence.procedure
    branch = procedure.integration_branch
    due = evidence.detected_at + procedure.merged_back_within
    expected = f"on {branch} within {spoken_limit(procedure.merged_back_within)}"

    def judge(hotfix: Hotfix) -> Part:
        found = hotfix_standing(hotfix, branch)
        proof = tuple(dict.fromkeys((*hotfix.evidence, *found.evidence)))
        if found.place is Place.IN and found.at is not None:
            late = (found.at - due).total_seconds()
            after = (found.at - evidence.detected_at).total_seconds()
            # Git tells whole seconds.
            what = since(evidence)
            actual = f"{spoken(max(after, 0))} after {what}" if after > -1 else f"before {what}"
            if late > 0:
                return Part(Status.LATE, actual, f"{found.how}, {actual}, {spoken(late)} late", proof, late)
            return Part(Status.MET, actual, f"{found.how}, {actual}", proof)
        return _not_there(evidence, hotfix, found, branch, due, proof)

    return for_each(evidence, "merged_back", expected, judge, standing_hotfixes)


def _not_there(
    evidence: Evidence,
    hotfix: Hotfix,
    found: Containment,
    branch: str,
    due: datetime,
    proof: tuple[str, ...],
) -> Part:
    todo = f"git checkout {branch} && git merge {hotfix.branch or hotfix.head[:7]}"
    if found.place is Place.UNKNOWN:
        how = f"{found.how}; read a whole clone: {how_to_know(evidence)}"
        return Part(Status.UNKNOWN, None, how, proof, due_at=due, todo=how_to_know(evidence))
    if found.place is Place.REVERTED:
        todo = f"git checkout {branch} && git revert {(found.revert or '')[:7]}"
    if found.place is Place.LOST:
        todo = f"git checkout {branch} && git cherry-pick -x {hotfix.fixes[-1].sha[:7] if hotfix.fixes else hotfix.head[:7]}"
    if evidence.now <= due:
        left = spoken((due - evidence.now).total_seconds())
        return Part(Status.UNKNOWN, "not yet", f"{left} left: {found.how}", proof, due_at=due, todo=todo)
    read_at = hotfix.history.read_at
    if read_at is None or read_at < due:
        how = f"it was not there when the repository was last read; read it again: {how_to_know(evidence)}"
        return Part(Status.UNKNOWN, None, how, proof, due_at=due, todo=how_to_know(evidence))
    read = (hotfix.history.read_event,) if hotfix.history.read_event else ()
    return Part(Status.MISSED, found.place.value, found.how, (*proof, *read), due_at=due, todo=todo)


def backported(evidence: Evidence) -> Ruled:
    """Every fix that stayed in production is on each of the older lines that are maintained."""
    lines = evidence.procedure.maintained_branches
    expected = f"on {', '.join(lines)}" if lines else "no older lines are named"
    if not lines:
        says = "[procedure] maintained_branches names no older lines"
        return Ruled("backported", Status.NOT_APPLICABLE, expected, None, says)
    due = evidence.detected_at + evidence.procedure.merged_back_within

    def judge(hotfix: Hotfix) -> Part:
        read_at = hotfix.history.read_at
        rows: list[str] = []
        states: list[Status] = []
        proof: list[str] = [*hotfix.evidence]
        todo = None
        for line in lines:
            found = hotfix_standing(hotfix, line)
            proof += found.evidence
            if found.place is Place.IN:
                states.append(Status.MET)
                rows.append(f"✓ {line}: {found.how}")
            elif found.place is Place.UNKNOWN or evidence.now <= due or read_at is None or read_at < due:
                states.append(Status.UNKNOWN)
                rows.append(f"? {line}: {found.how}")
            else:
                states.append(Status.MISSED)
                rows.append(f"✗ {line}: MISSING, {found.how}")
            if states[-1] is not Status.MET and todo is None:
                picked = " ".join(each.sha[:7] for each in hotfix.fixes or hotfix.commits)
                todo = f"git checkout {line} && git cherry-pick -x {picked}"
        status = (
            Status.MISSED
            if Status.MISSED in states
            else Status.UNKNOWN
            if Status.UNKNOWN in states
            else Status.MET
        )
        there = states.count(Status.MET)
        actual = f"on {there} of {len(lines)}"
        return Part(
            status,
            actual,
            " · ".join(rows),
            tuple(dict.fromkeys(proof)),
            due_at=None if status is Status.MET else due,
            todo=todo,
        )

    return for_each(evidence, "backported", expected, judge, standing_hotfixes)
