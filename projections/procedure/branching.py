"""Where a hotfix branch began, how it is called, and whether another one changed the same files."""

from collections.abc import Mapping
from datetime import datetime

from projections.procedure.answers import for_each_hotfix, ingest_git, unique, unknown
from projections.procedure.deploys import SECOND
from projections.procedure.history import CommitNode
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.known_hotfixes import every_hotfix, production_before
from projections.procedure.rule import Evidence, RuleAnswer, Status
from tracker.settings.slow_patterns import matches

_NAMED_AT_MOST = 5


def branched_from_production(evidence: Evidence) -> RuleAnswer:
    """Each hotfix began on the production branch, or on an older line or version that is maintained."""
    procedure = evidence.procedure
    production = procedure.production_branch

    def judge(hotfix: Hotfix) -> RuleAnswer:
        base, proof = hotfix.base, _with_base(hotfix)
        facts = {
            "hotfix": hotfix.name,
            "branch": hotfix.base_branch or "",
            "base": base,
            "production": production,
        }
        if base is None:
            return unknown("base_unknown", facts, proof, ingest_git(evidence))
        if not hotfix.base_is_known:
            return _by_earlier_version(evidence, hotfix, base, facts, proof)
        branch = hotfix.base_branch or ""
        if branch in (production, *procedure.maintained_branches) or branch.startswith("tag "):
            return RuleAnswer(Status.MET, "branched", facts, proof)
        line = hotfix.history.line(production)
        before = line.before(hotfix.head)
        if hotfix.head in line.on_chain:
            # Fast-forwarded: what was there before is not what is behind it now.
            ran = production_before(evidence, hotfix.history, hotfix.head, hotfix.version)
            before = hotfix.history.ancestors([ran] if ran else [])
        proof = (*proof, *line.events)
        if base in before:
            return RuleAnswer(Status.MET, "branched_from_same_content", facts, proof)
        carried = hotfix.history.ancestors([base], without=before) if before else set()
        return _branched_elsewhere("branched_elsewhere", hotfix, facts, carried, proof)

    return for_each_hotfix(evidence, judge)


def _with_base(hotfix: Hotfix) -> tuple[str, ...]:
    base = hotfix.history.commits.get(hotfix.base or "")
    first = hotfix.commits[0].events if hotfix.commits else ()
    return unique((*hotfix.events, *first, *(base.events if base else ())))


def _by_earlier_version(
    evidence: Evidence, hotfix: Hotfix, base: str, facts: Mapping[str, object], proof: tuple[str, ...]
) -> RuleAnswer:
    """Judge a branch whose beginning nobody saw by the version that ran before it."""
    history, procedure = hotfix.history, evidence.procedure
    integration = history.line(procedure.integration_branch)
    production = history.line(procedure.production_branch)
    if not production.holds(base):
        return unknown("base_not_on_production", facts, proof, ingest_git(evidence))
    older = [
        commit for commit in hotfix.commits if commit.authored_at + SECOND <= evidence.incident.begins_at
    ]
    others = {commit.sha for commit in hotfix.commits if commit.sha in integration.on_chain}
    if hotfix.head in integration.on_chain:
        # That branch was fast-forwarded too: only what is older than the incident was not made for it.
        others = {commit.sha for commit in older} & others - production.on_chain
    if others and procedure.integration_branch != procedure.production_branch:
        facts = {**facts, "branch": procedure.integration_branch}
        return _branched_elsewhere(
            "branched_from_integration", hotfix, facts, others, (*proof, *integration.events)
        )
    if older:
        facts = {**facts, "count": len(older), "commit": older[0]}
        return RuleAnswer(Status.UNKNOWN, "older_commits", facts, (*proof, *older[0].events))
    return RuleAnswer(Status.MET, "based_on_production", facts, (*proof, *production.events))


def _branched_elsewhere(
    reason: str, hotfix: Hotfix, facts: Mapping[str, object], shas: set[str], proof: tuple[str, ...]
) -> RuleAnswer:
    """Name the commits that a branch from another branch than production carries along."""
    carried = [hotfix.history.commits[sha] for sha in shas if sha in hotfix.history.commits]
    carried.sort(key=lambda commit: commit.order, reverse=True)
    events = (event for commit in carried[:_NAMED_AT_MOST] for event in commit.events)
    plain = [commit for commit in carried if not commit.is_merge]
    return RuleAnswer(
        Status.MISSED, reason, {**facts, "carried": plain or carried}, unique((*proof, *events))
    )


def branch_named(evidence: Evidence) -> RuleAnswer:
    """Each hotfix branch is named as the pattern has it, and not by a word that fits any of them."""
    procedure = evidence.procedure
    generic = {name.casefold() for name in procedure.generic_branch_names}

    def judge(hotfix: Hotfix) -> RuleAnswer:
        name = hotfix.branch
        facts = {"hotfix": hotfix.name, "name": name, "pattern": procedure.branch_pattern}
        if name is None:
            return RuleAnswer(Status.UNKNOWN, "branch_gone", facts, hotfix.evidence)
        proof = unique((*hotfix.events, *(e for merge in _merges_of(hotfix) for e in merge.events)))
        if not matches(procedure.branch_pattern, name):
            return RuleAnswer(Status.MISSED, "name_against_pattern", facts, proof)
        folded = name.casefold()
        if {folded, folded.partition("/")[2], folded.rpartition("/")[2]} & generic:
            return RuleAnswer(Status.MISSED, "name_generic", facts, proof)
        return RuleAnswer(Status.MET, "name_specific", facts, proof)

    return for_each_hotfix(evidence, judge)


def _merges_of(hotfix: Hotfix) -> list[CommitNode]:
    """Return the merges of its head, which name it."""
    return [merge for merge in hotfix.history.commits.values() if hotfix.head in merge.fact.parents[1:]]


def no_competing_hotfix(evidence: Evidence) -> RuleAnswer:
    """While a hotfix was made, no other one changed the same files."""

    def judge(hotfix: Hotfix) -> RuleAnswer:
        read_at = hotfix.history.read_at
        end = hotfix.deploy.at if hotfix.deploy is not None else read_at
        step, name = ingest_git(evidence), {"hotfix": hotfix.name}
        if read_at is None or end is None or read_at < end or not hotfix.history.seen:
            return unknown("branches_not_read", name, hotfix.evidence, step)
        if not hotfix.commits:
            return unknown("files_unknown", name, hotfix.evidence, step)
        others = [other for other in every_hotfix(evidence) if _at_once(hotfix, other)]
        for other in others:
            shared = sorted(hotfix.paths & other.paths)
            if shared:
                facts = {"other": other.name, "files": shared}
                proof = unique((*hotfix.evidence, *other.evidence))
                return RuleAnswer(Status.MISSED, "competing_hotfix", facts, proof)
        unclear = next((other for other in others if not other.paths), None)
        if unclear is not None or (others and not hotfix.paths):
            name = {"hotfix": (unclear or hotfix).name}
            return unknown("files_unknown", name, hotfix.evidence, step)
        read = (hotfix.history.read_event,) if hotfix.history.read_event else ()
        proof = unique((*hotfix.evidence, *(e for other in others for e in other.evidence), *read))
        reason = "other_files" if others else "no_other_hotfix"
        return RuleAnswer(Status.MET, reason, {"others": [other.name for other in others]}, proof)

    return for_each_hotfix(evidence, judge)


def _at_once(hotfix: Hotfix, other: Hotfix) -> bool:
    """Whether another hotfix was made at the same time, and is neither its copy nor its continuation."""
    if other.history is not hotfix.history or other.head == hotfix.head or other.branch == hotfix.branch:
        return False
    if other.patch_id is not None and other.patch_id == hotfix.patch_id:
        return False
    mine = frozenset[str]().union(*(commit.identities for commit in hotfix.fixes))
    if other.fixes and all(commit.identities & mine for commit in other.fixes):
        return False
    history = hotfix.history
    if other.head in history.ancestors([hotfix.head]) or hotfix.head in history.ancestors([other.head]):
        return False
    if not other.commits:
        return other.seen_at >= hotfix.began_at
    return other.began_at <= _ends_at(hotfix) and hotfix.began_at <= _ends_at(other)


def _ends_at(hotfix: Hotfix) -> datetime:
    last = max((commit.authored_at for commit in hotfix.commits), default=hotfix.seen_at)
    return max(last, hotfix.deploy.at) if hotfix.deploy is not None else last
