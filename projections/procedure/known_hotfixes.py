"""Every hotfix that is known: by its branch, by a merge that names it, or by the deploy that brought it.

A branch is known while it is there, and afterwards by the merge that names it. Where the main
branch was fast-forwarded to it, its beginning is the production version before; where even that
is not recorded, it is unknown, and no rule makes it up.
"""

from collections.abc import Iterable
from dataclasses import replace

from projections.changes import ChangeRow
from projections.once import once
from projections.procedure.deploys import own_changes
from projections.procedure.history import CommitNode, Head, History, histories, joined_by
from projections.procedure.hotfix_facts import Hotfix, deployed_commit, is_numbered, version_in
from projections.procedure.rule import Evidence
from projections.versions import plain_version, same_name
from tracker.settings.slow_patterns import matches


@once
def histories_of(evidence: Evidence) -> list[History]:
    """Return the repositories of the incident's services."""
    services = set(evidence.incident.services)
    return [history for history in histories(evidence.facts).values() if history.services & services]


@once
def every_hotfix(evidence: Evidence) -> list[Hotfix]:
    """Return every hotfix branch that is known, of this incident or not; of several merges of one the last."""
    pattern = evidence.procedure.branch_pattern
    known: list[Hotfix | None] = []
    for history in histories_of(evidence):
        for name in history.seen:
            if matches(pattern, name):
                head = max(history.heads(name), key=lambda head: (head.fact.occurred_at, head.event))
                known.append(_of_branch(evidence, history, head))
        for merge in history.commits.values():
            for number, name in joined_by(merge).items():
                if matches(pattern, name) and name not in history.seen:
                    known.append(_of_merge(evidence, history, merge, number, name))
    ordered = sorted(filter(None, known), key=lambda hotfix: (hotfix.seen_at, hotfix.head))
    return list({(hotfix.history.repository, hotfix.branch): hotfix for hotfix in ordered}.values())


def _of_merge(
    evidence: Evidence, history: History, merge: CommitNode, number: int, name: str
) -> Hotfix | None:
    """Return a branch that no reading saw, as the merge remembers it."""
    head = history.commits.get(merge.fact.parents[number])
    if head is None:
        return None
    procedure = evidence.procedure
    before = set(history.chain(merge.fact.parents[0]))
    lines = (procedure.production_branch, procedure.integration_branch)
    on = {line: before | history.line(line).on_chain for line in lines}
    chain = list(history.chain(head.sha))[1:]
    base = next((sha for sha in chain if any(sha in known for known in on.values())), None)
    line = next((line for line in lines if base in history.line(line).on_chain), None)
    own, whole = _own(history, head.sha, base, set())
    hotfix = Hotfix(
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
    )
    return _released(evidence, hotfix)


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
    hotfix = Hotfix(
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
    return _released(evidence, hotfix)


def _own(
    history: History, head: str, base: str | None, others: set[str]
) -> tuple[tuple[CommitNode, ...], bool]:
    """Return the commits between base and head, oldest first, and whether none is missing there."""
    if head not in history.commits:
        return (), False
    if base is None:
        # Where it began is unknown: its last fix is its own for certain, and what came after that.
        own = []
        for sha in history.chain(head):
            own.append(history.commits[sha])
            if not own[-1].is_merge and not own[-1].is_bump:
                break
        return tuple(reversed(own)), all(commit.knows_parents for commit in own)
    chain = list(history.chain(head))
    behind: set[str] = history.ancestors([base]) | (
        others - set(chain[: chain.index(base)] if base in chain else chain)
    )
    mine = history.ancestors([head], without=behind)
    commits = history.in_order(mine, head)
    whole = all(
        commit.knows_parents
        and all(parent == base or parent in history.commits for parent in commit.fact.parents)
        for commit in commits
    )
    return tuple(commits), whole


def _tag_name(history: History, sha: str) -> str | None:
    return next((f"tag {tag.fact.name}" for tag in history.tags if tag.fact.sha == sha), None)


def _older_tag(history: History, head: str, base: str | None, own_version: str | None) -> str | None:
    """Return the version that a branch is based on, where that is newer than where its line left a main branch."""
    versions = _versions(history, own_version)
    for sha in list(history.chain(head))[1:]:
        if sha == base:
            return None
        if sha in versions:
            return sha
    return None


def _versions(history: History, own_version: str | None) -> set[str]:
    """Return the commits that are tagged with a version, but for the hotfix's own."""
    return {
        tag.fact.sha
        for tag in history.tags
        if tag.fact.sha
        and is_numbered(tag.fact.name)
        and not (own_version and same_name(version_in(tag.fact.name) or "", own_version))
    }


def production_before(evidence: Evidence, history: History, head: str, own_version: str | None) -> str | None:
    """Return the newest commit below a head that ran in production, was tagged, or was its branch's head."""
    production = evidence.procedure.production_branch
    known = {head.fact.sha for head in history.seen.get(production, ())} | _versions(history, own_version)
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
    tags = [tag.fact.name for tag in history.tags if tag.fact.sha in release]
    stated = _stated(hotfix, release)
    names = [name for name in (*tags, *stated, version_in(hotfix.branch)) if name]
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
            or any(is_numbered(row.version) and same_name(row.version, name) for name in names)
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
    shas = [*(commit.sha for commit in reversed(hotfix.commits)), *release]
    commits = [hotfix.history.commits[sha] for sha in shas if sha in hotfix.history.commits]
    return list(dict.fromkeys(v for commit in commits for v in commit.fact.stated_versions.values()))


def brought_by(evidence: Evidence, deploy: ChangeRow) -> Hotfix | None:
    """Return what a deploy brought, where its commit is known and no hotfix branch is in it."""
    for history in histories_of(evidence):
        names_one = deploy.sha is None and not deploy.tagged
        tags = [
            tag.fact.sha for tag in history.tags if names_one and same_name(tag.fact.name, deploy.version)
        ]
        asked = (deploy.sha, *tags, plain_version(deploy.version))
        at = next((sha for sha in map(history.resolve, asked) if sha is not None), None)
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
            base = next((sha for sha in history.chain(head) if sha in main), None)
        else:
            branch = commit.merged_from
            base = production_before(evidence, history, at, deploy.version)
            own, whole = _own(history, at, base, set())
        if not own:
            continue
        hotfix = Hotfix(
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
        )
        return _released(evidence, hotfix)
    return None
