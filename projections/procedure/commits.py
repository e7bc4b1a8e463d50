"""Is a hotfix small: one commit if possible, three at most."""

from projections.procedure.answers import Part, counted, for_each, how_to_know
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.rule import Evidence, Ruled, Status


def commits_minimal(evidence: Evidence) -> Ruled:
    """Each hotfix has few commits; merges and version bumps are not counted."""
    most = evidence.procedure.maximum_fix_commits
    expected = f"{counted(most, 'commit')} at most, besides version bumps and merges"

    def judge(hotfix: Hotfix) -> Part:
        fixes, proof = hotfix.fixes, hotfix.evidence
        number = len(fixes)
        bumps, merges = len(hotfix.bumps), sum(each.is_merge for each in hotfix.commits)
        left_out = [counted(bumps, "version bump")] if bumps else []
        left_out += [counted(merges, "merge")] if merges else []
        more = f" besides {' and '.join(left_out)}" if left_out else ""
        said = f"{counted(number, 'commit')}{more}: " + "; ".join(each.said() for each in fixes[:5])
        if not hotfix.is_whole or hotfix.base is None:
            says = f"not all commits of {hotfix.name} are known; read a whole clone: {how_to_know(evidence)}"
            return Part(Status.UNKNOWN, None, says, proof, todo=how_to_know(evidence))
        if number == 0:
            says = f"{hotfix.name} has no commit that fixes anything, only {' and '.join(left_out)}"
            return Part(Status.UNKNOWN, "0 commits", says, proof)
        if number <= most:
            squashed = any(each.merged_from and not each.is_merge for each in fixes)
            return Part(
                Status.MET,
                counted(number, "commit"),
                said + (" (squashed by the forge)" if squashed else ""),
                proof,
            )
        if not hotfix.base_is_known:
            says = f"at most {said}; nothing tells where it began, so some may be others'"
            return Part(Status.UNKNOWN, f"at most {counted(number, 'commit')}", says, proof)
        return Part(Status.MISSED, counted(number, "commit"), said, proof)

    return for_each(evidence, "commits_minimal", expected, judge)
