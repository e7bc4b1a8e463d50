"""Is a hotfix small: one commit if possible, three at most."""

from projections.procedure.answers import for_each_hotfix, ingest_git, unknown
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.rule import Evidence, RuleAnswer, Status


def commits_minimal(evidence: Evidence) -> RuleAnswer:
    """Each hotfix has few commits; merges and version bumps are not counted."""

    def judge(hotfix: Hotfix) -> RuleAnswer:
        facts = {
            "hotfix": hotfix.name,
            "commits": hotfix.fixes,
            "bumps": len(hotfix.bumps),
            "merges": sum(commit.is_merge for commit in hotfix.commits),
            "squashed": any(commit.merged_from and not commit.is_merge for commit in hotfix.fixes),
        }
        if not hotfix.is_whole or hotfix.base is None:
            return unknown("commits_incomplete", facts, hotfix.evidence, ingest_git(evidence))
        if not hotfix.fixes:
            return RuleAnswer(Status.UNKNOWN, "only_bumps", facts, hotfix.evidence)
        if len(hotfix.fixes) <= evidence.procedure.maximum_fix_commits:
            return RuleAnswer(Status.MET, "commits", facts, hotfix.evidence)
        if not hotfix.base_is_known:
            return RuleAnswer(Status.UNKNOWN, "commits_at_most", facts, hotfix.evidence)
        return RuleAnswer(Status.MISSED, "commits", facts, hotfix.evidence)

    return for_each_hotfix(evidence, judge)
