"""Did the tests of the deployed commit pass before its deploy began?

What counts is a run of the deployed commit, or of another commit with the very same files. Git names all
files of a commit by the hash of its tree; a merge, a squash or a rebase of a branch onto an unchanged base
has the tree of that branch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from projections.changes import ChangeRow
from projections.once import once
from projections.procedure.answers import ingest_git, unique, worst_of
from projections.procedure.communication import is_open, recorded_live
from projections.procedure.fix_attempts import deployed_fixes, fix_of
from projections.procedure.hotfix import hotfixes
from projections.procedure.rule import Evidence, NextStep, RuleAnswer, Status
from projections.procedure.rules_fix import NO_FIX
from projections.versions import same_commit, same_name
from tracker.events.changes import (
    BranchSeen,
    Change,
    CommitMade,
    ReleaseCreated,
    TestsFinished,
    VersionReleased,
    VersionTagged,
)
from tracker.events.corrections import Effective

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
TYPED = "run"
"""The source of runs under `tracker run`: there the last one counts, whatever its command was."""


def deployed_sha(evidence: Evidence, row: ChangeRow) -> tuple[str, tuple[str, ...]] | None:
    """Return the commit that was deployed, and the events that name it.

    As the deploy names it, else its version's tag, else a release tool, else the last that was seen
    of the branch of that version before the deploy, else a version that is a hash. None where its tag was moved
    around then.
    """
    if row.sha:
        return row.sha, tuple(commit.event for commit in row.tagged) or row.evidence
    if row.tagged:
        return None
    before = row.started_at or row.at
    mine = [fact for fact in evidence.facts if getattr(fact.event, "service", None) == row.service]
    for kinds in ((VersionTagged,), (VersionReleased, ReleaseCreated), (BranchSeen,)):
        named = [
            fact
            for fact in mine
            if isinstance(fact.event, kinds)
            and _of_version(fact, row.version)
            and (isinstance(fact.event, VersionTagged) or fact.event.occurred_at <= before)
        ]
        last = max(named, key=lambda fact: fact.order, default=None)
        sha = getattr(last.event, "sha", None) if last else None
        if last is not None and sha:
            return sha, (last.id,)
    hashed = row.version.rsplit("@", 1)[-1]
    for fact in mine:
        if isinstance(fact.event, CommitMade) and same_commit(fact.event.sha, hashed):
            return fact.event.sha, (fact.id,)
    return (hashed, row.evidence) if _SHA.fullmatch(hashed) else None


def _of_version(fact: Effective, version: str) -> bool:
    name = str(getattr(fact.event, "version", None) or getattr(fact.event, "name", ""))
    return same_name(name.rsplit("/", 1)[-1], version)


def tested_before_deploy(evidence: Evidence) -> RuleAnswer:
    """Ask of each fix that was deployed for a passing run of its commit that ended before the deploy began."""
    deployed = deployed_fixes(evidence)
    if deployed:
        return worst_of([(row.version, _tested_deploy(evidence, row)) for row in deployed])
    fix = fix_of(evidence)
    if fix is None:
        return _not_deployed(evidence)
    facts = {"version": fix.row.version}
    return RuleAnswer(Status.NOT_APPLICABLE, "deployed_is_rollback", facts, fix.row.evidence)


def _tested_deploy(evidence: Evidence, row: ChangeRow) -> RuleAnswer:
    facts = {"version": row.version}
    if isinstance(row.fact, Change) and row.fact.dirty:
        return RuleAnswer(Status.UNKNOWN, "deployed_uncommitted", facts, row.evidence)
    named = deployed_sha(evidence, row)
    if named is None:
        hint = NextStep("amend_sha", {"handle": row.handle})
        return RuleAnswer(Status.UNKNOWN, "deployed_commit_unknown", {**facts, "hint": hint}, row.evidence)
    return _tested(evidence, row, *named)


def _not_deployed(evidence: Evidence) -> RuleAnswer:
    """Name what is to be tested before it is deployed: the known hotfix, where it has no passing run."""
    waiting = [hotfix for hotfix in hotfixes(evidence) if hotfix.deploy is None]
    if not waiting or not (is_open(evidence) and recorded_live(evidence.incident)):
        return NO_FIX
    service, head = evidence.incident.services[0], waiting[-1].head
    tree = _known_trees(evidence, service).get(head, {}).keys()
    runs = [run.event for run in _runs(evidence, service) if not run.event.dirty]
    mine = [run for run in runs if run.sha and (same_commit(run.sha, head) or run.tree_sha in tree)]
    if mine and mine[-1].exit_code == 0:
        return NO_FIX
    return RuleAnswer(
        Status.UNKNOWN,
        "hotfix_not_tested",
        {"hotfix": waiting[-1].name, "sha": head},
        due_at=evidence.burns_since + evidence.procedure.fix_deployed_within,
        next_step=NextStep("run_test", {"service": service, "sha": head}),
    )


@dataclass(frozen=True)
class _Run:
    """A test run, with the events that show that what it tested is what was deployed."""

    fact: Effective
    event: TestsFinished
    same_as: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What a later run replaces."""
        return self.event.source, "" if self.event.source == TYPED else self.event.command

    @property
    def evidence(self) -> tuple[str, ...]:
        return unique((self.fact.id, *self.same_as))


def _tested(evidence: Evidence, row: ChangeRow, sha: str, named_by: tuple[str, ...]) -> RuleAnswer:
    begins = row.started_at or row.at
    runs = _runs(evidence, row.service)
    mine = [run for run in _of_content(evidence, row, sha, runs) if not run.event.dirty]
    before = [run for run in mine if run.event.occurred_at <= begins]
    last = list({run.key: run for run in before}.values())
    failed = [run for run in last if run.event.exit_code != 0]
    base = unique((*named_by, *row.evidence))
    if failed:
        return RuleAnswer(Status.MISSED, "tests_failed", _facts(row, sha, failed), _proof(failed, base))
    if last:
        newest = max(run.event.occurred_at for run in last)
        facts = {**_facts(row, sha, last), "ahead": (begins - newest).total_seconds()}
        return RuleAnswer(Status.MET, "tests_passed", facts, _proof(last, base))
    if mine:
        first = mine[:1]
        facts, proof = _facts(row, sha, first), _proof(first, base)
        if first[0].event.exit_code != 0:
            return RuleAnswer(Status.MISSED, "tests_failed_after", facts, proof)
        late = (first[0].event.occurred_at - begins).total_seconds()
        return RuleAnswer(Status.LATE, "tests_passed_after", facts, proof, late)
    return RuleAnswer(Status.UNKNOWN, *_no_run(evidence, row, runs, sha), base)


def _runs(evidence: Evidence, service: str | None) -> list[_Run]:
    return [
        _Run(fact, fact.event)
        for fact in evidence.of(TestsFinished)
        if isinstance(fact.event, TestsFinished) and fact.event.service == service
    ]


def _of_content(evidence: Evidence, row: ChangeRow, sha: str, runs: Sequence[_Run]) -> list[_Run]:
    """Return the runs of a commit, and those of others with the same files to the byte."""
    trees = _trees(evidence, row, sha)
    mine = []
    for run in runs:
        tested = run.event.sha
        if not tested:
            continue
        if same_commit(tested, sha):
            mine.append(run)
            continue
        own = {run.event.tree_sha: run.fact.id} if run.event.tree_sha else _trees(evidence, row, tested)
        if shared := trees.keys() & own.keys():
            tree = min(shared)
            mine.append(_Run(run.fact, run.event, (trees[tree], own[tree])))
    return mine


def _trees(evidence: Evidence, row: ChangeRow, sha: str) -> dict[str, str]:
    """Return the tree of a commit with the event that names it; none where it is unknown, or where two differ."""
    known = _known_trees(evidence, row.service)
    whole = [sha] if sha in known else [other for other in known if same_commit(other, sha)]
    return known[whole[0]] if len(whole) == 1 and len(known[whole[0]]) == 1 else {}


def _known_trees(evidence: Evidence, service: str | None) -> dict[str, dict[str, str]]:
    """Return the trees of each commit of a service, with the events that name them."""
    return _trees_by_service(evidence).get(service, {})


@once
def _trees_by_service(evidence: Evidence) -> dict[str | None, dict[str, dict[str, str]]]:
    trees: dict[str | None, dict[str, dict[str, str]]] = {}
    for fact in evidence.facts:
        event = fact.event
        if isinstance(event, CommitMade) and event.tree_sha:
            commits = trees.setdefault(event.service, {})
            commits.setdefault(event.sha, {})[event.tree_sha] = fact.id
    return trees


def _facts(row: ChangeRow, sha: str, runs: Sequence[_Run]) -> dict[str, Any]:
    """Name what was run and what was tested: the commit, or others with the same files."""
    shas = unique(run.event.sha for run in runs if run.event.sha and not same_commit(run.event.sha, sha))
    commands = unique(run.event.command for run in runs)
    return {"version": row.version, "sha": sha, "tested": shas, "commands": commands}


def _proof(runs: Sequence[_Run], base: tuple[str, ...]) -> tuple[str, ...]:
    return unique((*(event for run in runs for event in run.evidence), *base))


def _no_run(evidence: Evidence, row: ChangeRow, runs: Sequence[_Run], sha: str) -> tuple[str, dict[str, Any]]:
    """Say what was tested instead: a run of other files, or with uncommitted changes, shows nothing of this commit."""
    recent = [run.event for run in runs if run.event.occurred_at >= evidence.detected_at]
    shas = unique(run.sha for run in recent if run.sha)
    dirty = sum(run.dirty for run in recent if run.sha and same_commit(run.sha, sha))
    facts = {"sha": sha, "version": row.version, "tested": shas, "dirty": dirty}
    if dirty:
        return "only_dirty_runs", facts
    if not shas:
        return "no_test_run", facts
    if _trees(evidence, row, sha) and all(
        run.tree_sha or _trees(evidence, row, run.sha) for run in recent if run.sha
    ):
        return "other_files_tested", facts
    return "other_commit_tested", {**facts, "hint": ingest_git(evidence)}
