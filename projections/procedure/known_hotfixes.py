"""Every hotfix that is known: by its branch, by a merge that names it, or by the deploy that brought it.

A branch is known while it is there, and afterwards by the merge that names it. Where the main
branch was fast-forwarded to it, its beginning is the production version before; where nothing
tells even that, it is unknown, and no rule makes it up.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from projections.changes import ChangeRow, plain_version, same_version
from projections.procedure.deploys import own_changes
from projections.procedure.history import CommitNode, Head, History, histories, joined_by
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered, version_in
from projections.procedure.rule import Evidence


def histories_of(evidence: Evidence) -> list[History]:
    """Return the repositories of the incident's services."""
    if "histories" not in evidence.computed:
        wanted = set(evidence.incident.services)
        known = histories(evidence.facts).values()
        evidence.computed["histories"] = [each for each in known if each.services & wanted]
    found: list[History] = evidence.computed["histories"]
    return found


def every_hotfix(evidence: Evidence) -> list[Hotfix]:
    """Return every hotfix branch that is known, of this incident or not."""
    if "every hotfix" not in evidence.computed:
        evidence.computed["every hotfix"] = _every_hotfix(evidence)
    kept: list[Hotfix] = evidence.computed["every hotfix"]
    return kept


def _every_hotfix(evidence: Evidence) -> list[Hotfix]:
    pattern = re.compile(evidence.procedure.branch_pattern)
    found: list[Hotfix] = []
    for history in histories_of(evidence):
        for name in history.seen:
            if pattern.fullmatch(name):
                head = max(history.heads(name), key=lambda each: (each.fact.occurred_at, each.event))
                hotfix = _of_branch(evidence, history, head)
                found += [hotfix] if hotfix is not None else []
        for merge in history.commits.values():
            for number, name in joined_by(merge).items():
                if pattern.fullmatch(name) and name not in history.seen:
                    found += _of_merge(evidence, history, merge, number, name)
    return _latest_of_each(found)


def _latest_of_each(found: list[Hotfix]) -> list[Hotfix]:
    """Keep of a branch that several merges remember what it was last."""
    last: dict[tuple[str, str | None], Hotfix] = {}
    for each in sorted(found, key=lambda one: (one.seen_at, one.head)):
        last[each.history.repository, each.branch] = each
    return list(last.values())


def _of_merge(
    evidence: Evidence, history: History, merge: CommitNode, number: int, name: str
) -> list[Hotfix]:
    """Return a branch that nobody saw, as the merge remembers it."""
    head = history.commits.get(merge.fact.parents[number])
    if head is None:
        return []
    procedure = evidence.procedure
    before = set(history.chain(merge.fact.parents[0]))
    lines = (procedure.production_branch, procedure.integration_branch)
    on = {line: before | history.line(line).on_chain for line in lines}
    chain = list(history.chain(head.sha))[1:]
    base = next((sha for sha in chain if any(sha in known for known in on.values())), None)
    line = next((line for line in lines if base in history.line(line).on_chain), None)
    own, whole = _own(history, head.sha, base, set())
    return [
        _released(
            evidence,
            Hotfix(
                history=history,
                branch=name,
                head=head.sha,
                seen_at=head.at,
                commits=own,
                base=base,
                base_branch=line,
                base_is_known=line is not None,
                is_whole=whole,
                events=merge.events,
            ),
        )
    ]


def _of_branch(evidence: Evidence, history: History, head: Head) -> Hotfix | None:
    fact = head.fact
    procedure = evidence.procedure
    production = history.line(procedure.production_branch)
    base, base_branch, known = fact.fork_point, fact.fork_branch, fact.fork_point is not None
    own_version = version_in(fact.name)
    tagged = _older_tag(history, fact.sha, base, own_version)
    if base is not None and tagged is not None:
        base, base_branch = tagged, _tag_name(history, tagged)
    if base is None and production.holds(fact.sha):
        base, base_branch = production_before(evidence, history, fact.sha, own_version), None
    own, whole = _own(history, fact.sha, base, production.before(fact.sha))
    if not own and fact.sha in history.commits:
        return None
    found = Hotfix(
        history=history,
        branch=fact.name,
        head=fact.sha,
        seen_at=fact.occurred_at,
        commits=own,
        base=base,
        base_branch=base_branch,
        base_is_known=known,
        is_whole=whole,
        patch_id=fact.patch_id,
        stated_versions=fact.stated_versions,
        events=(head.event,),
    )
    return _released(evidence, found)


def _own(
    history: History, head: str, base: str | None, others: set[str]
) -> tuple[tuple[CommitNode, ...], bool]:
    """Return the commits between base and head, oldest first, and whether none is missing there."""
    if head not in history.commits:
        return (), False
    if base is None:
        # Nothing says where it began: its last fix is its own for certain, and what came after that.
        own = []
        for sha in history.chain(head):
            own.append(history.commits[sha])
            if not own[-1].is_merge and not own[-1].is_bump:
                break
        return tuple(reversed(own)), all(each.knows_parents for each in own)
    chain = list(history.chain(head))
    behind: set[str] = history.ancestors([base]) | (
        others - set(chain[: chain.index(base)] if base in chain else chain)
    )
    mine = history.ancestors([head], without=behind)
    found = history.in_order(mine, head)
    whole = all(
        each.knows_parents
        and all(parent == base or parent in history.commits for parent in each.fact.parents)
        for each in found
    )
    return tuple(found), whole


def _tag_name(history: History, sha: str) -> str | None:
    return next((f"tag {each.fact.name}" for each in history.tags if each.fact.sha == sha), None)


def _older_tag(history: History, head: str, base: str | None, own_version: str | None) -> str | None:
    """Return the version on which a branch stands that is newer than where its line left a main branch."""
    versions = {
        each.fact.sha
        for each in history.tags
        if each.fact.sha
        and is_numbered(each.fact.name)
        and not _same(version_in(each.fact.name), own_version)
    }
    for sha in list(history.chain(head))[1:]:
        if sha == base:
            return None
        if sha in versions:
            return sha
    return None


def _same(first: str | None, second: str | None) -> bool:
    return first is not None and second is not None and same_version(first, second)


def production_before(evidence: Evidence, history: History, head: str, own_version: str | None) -> str | None:
    """Return the newest commit below a head that ran in production, was tagged, or was its branch's head."""
    production = evidence.procedure.production_branch
    known = {each.fact.sha for each in history.seen.get(production, ())}
    known |= {
        each.fact.sha
        for each in history.tags
        if each.fact.sha
        and is_numbered(each.fact.name)
        and not _same(version_in(each.fact.name), own_version)
    }
    begins = evidence.incident.begins_at
    ran = (history.resolve(row.sha) for row in own_changes(evidence) if row.at < begins)
    known |= {sha for sha in ran if sha is not None}
    return next((sha for sha in list(history.chain(head))[1:] if sha in known), None)


def _released(evidence: Evidence, hotfix: Hotfix) -> Hotfix:
    """Find the deploy that carried it out, the version that it has, and what may carry its tag."""
    history = hotfix.history
    production = history.line(evidence.procedure.production_branch)
    release = [hotfix.head]
    entry = production.entries.get(hotfix.head)
    if entry is not None:
        release.append(entry)
        for chain in production.chains:
            later = chain[: chain.index(entry)] if entry in chain else []
            for sha in reversed(later):
                if not history.commits[sha].is_bump:
                    break
                release.append(sha)
    release += [
        sha
        for sha, commit in history.commits.items()
        if len(commit.fact.parents) > 1 and hotfix.head in commit.fact.parents[1:]
    ]
    tags = [each.fact.name for each in history.tags if each.fact.sha in release]
    stated = _stated(hotfix, release)
    names = [each for each in (*tags, *stated, version_in(hotfix.branch)) if each]
    carriers = set(release)
    rows = [
        row
        for row in own_changes(evidence)
        if row.kind == "deploy" and row.status == "finished" and row.at >= hotfix.began_at
    ]
    deploy = next(
        (
            row
            for row in rows
            if deployed_commit(history, row) in carriers
            or any(is_numbered(row.version) and same_version(row.version, name) for name in names)
        ),
        None,
    )
    deployed = deployed_commit(history, deploy) if deploy is not None else None
    release += [deployed] if deployed is not None else []
    numbered = [deploy.version] if deploy is not None and is_numbered(deploy.version) else []
    numbered += [name for name in (*(t for t in tags if is_numbered(t)), *stated) if name]
    own = version_in(hotfix.branch)
    numbered += [own] if own else []
    return replace(
        hotfix,
        deploy=deploy,
        version=numbered[0] if numbered else None,
        release=tuple(dict.fromkeys(release)),
    )


def _stated(hotfix: Hotfix, release: Iterable[str]) -> list[str]:
    """Return the versions that its commits, and those that released it, wrote into version files."""
    shas = [*(each.sha for each in reversed(hotfix.commits)), *release]
    commits = [hotfix.history.commits[sha] for sha in shas if sha in hotfix.history.commits]
    return list(dict.fromkeys(v for each in commits for v in each.fact.stated_versions.values()))


def brought_by(evidence: Evidence, deploy: ChangeRow) -> Hotfix | None:
    """Return what a deploy brought, where its commit is known and no hotfix branch is in it."""
    for history in histories_of(evidence):
        tags = [each.fact.sha for each in history.tags if same_version(each.fact.name, deploy.version)]
        asked = (deploy.sha, *tags, plain_version(deploy.version))
        at = next((each for each in map(history.resolve, asked) if each is not None), None)
        if at is None:
            continue
        commit = history.commits[at]
        branch, head, parents = None, at, commit.fact.parents
        base: str | None = None
        if commit.is_merge and len(parents) == 2:
            branch = joined_by(commit).get(1)
            head = parents[1] if parents[1] in history.commits else at
            own, whole = _own(history, head, parents[0], set())
            main = set(history.chain(parents[0]))
            base = next((each for each in history.chain(head) if each in main), None)
        else:
            branch = commit.merged_from
            base = production_before(evidence, history, at, deploy.version)
            own, whole = _own(history, at, base, set())
        if not own:
            continue
        return _released(
            evidence,
            Hotfix(
                history=history,
                branch=branch,
                head=head,
                seen_at=history.commits[head].at,
                commits=own,
                base=base,
                base_branch=None,
                base_is_known=False,
                is_whole=whole,
                events=deploy.evidence,
            ),
        )
    return None
