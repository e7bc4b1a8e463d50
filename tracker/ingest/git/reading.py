"""From a repository to observations: the commits, tags and branches of a span."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from tracker.errors import BadInputError, TrackerError, UsageError
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.events.merges import joined_branches
from tracker.ingest.git.asking import QUICK_SECONDS, decoded, git, maybe
from tracker.ingest.git.commits import Commit, Named, commits_behind, named_in_messages
from tracker.ingest.git.differences import Differences, differences
from tracker.ingest.git.forks import Forks, heads_of
from tracker.ingest.git.refs import Ref, cut_off, folders, refs_of, remotes_of, repository_name, settings_of
from tracker.ingest.git.versions import is_version_file, stated_at, version_files_at
from tracker.settings.slow_patterns import matches
from tracker.times import utc

_NO_ARRIVAL = Arrival()

MAIN_BRANCHES = ("main", "master", "develop", "development")
"""Branches that others fork from; where a fork could be of two, the first named wins."""
HOTFIX_BRANCHES = "hotfix/.+"
"""Branches that are recorded in full: with all that they changed, and the versions in their files."""


def read(
    path: Path,
    *,
    service: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    arrival: Arrival = _NO_ARRIVAL,
    main_branches: Sequence[str] = MAIN_BRANCHES,
    hotfix_branches: str = HOTFIX_BRANCHES,
    names: Mapping[str, str] = MappingProxyType({}),
) -> list[Incoming]:
    """Read the commits, tags and branches of a repository, oldest first.

    The span has both its ends in it; a branch lies where its newest commit does, and a main
    branch that is older is in it, too. A merge
    has no counts and no patch id, and neither has what a shallow or partial clone lacks
    the contents for: those are unknown, not zero. A hotfix branch is recorded although it
    was deleted, where a merge names it: it pointed then at what was merged.
    `names` are those of authors by their e-mail address in small letters, where it is known whose that is;
    addresses themselves are not recorded.

    Raises:
        BadInputError: If the path is no repository, or one that git will not or cannot read.
        SourceUnreachableError: If there is no git on this machine.
        UsageError: If the span ends before it starts.
    """
    if since is not None and until is not None and since > until:
        raise UsageError(
            f"the span ends ({utc(until)}) before it starts ({utc(since)})",
            hint="Give the earlier instant first: --from T --to T",
        )
    git_dir, common_dir = folders(path)
    settings = settings_of(path)
    local, remote, tags = refs_of(path, remotes_of(settings))
    refs = [*local, *remote, *tags]
    commits = commits_behind(path, refs, common_dir)
    partial = any(key == "extensions.partialclone" or key.endswith(".promisor") for key, _ in settings)
    clone = _Clone(
        path=path,
        git_dir=git_dir,
        service=service,
        repository=repository_name(settings, common_dir),
        commits=commits,
        cut=frozenset(commits) if partial else cut_off(common_dir),
        since=since,
        until=until,
        names=names,
    )
    forks = Forks(commits, [*local, *remote], main_branches)
    heads = _heads(clone, heads_of([*local, *remote], commits, main_branches), forks, hotfix_branches)
    changed = differences(
        path,
        git_dir,
        [each.sha for each in clone.inside if len(each.parents) < 2 and each.sha not in clone.cut],
        [
            (each.sha, each.parents[0])
            for each in clone.inside
            if len(each.parents) > 1 and each.sha not in clone.cut
        ],
        [
            (each.ref.sha, each.fork_point)
            for each in heads
            if each.is_hotfix and each.fork_point and each.ref.sha not in clone.cut
        ],
    )
    found: list[CommitMade | VersionTagged | BranchSeen] = [
        *_commits(clone, changed, named_in_messages(path, refs)),
        *_tags(clone, tags),
        *_branches(clone, heads, changed),
    ]
    found.sort(key=lambda event: (event.occurred_at, event.RANK))
    return [Incoming(event=event, arrival=arrival) for event in found]


@dataclass(frozen=True)
class _Clone:
    """A repository as it lies here, and the span of it that is wanted.

    `cut` are the commits whose contents, or whose parents' contents, are not here.
    """

    path: Path
    git_dir: Path
    service: str | None
    repository: str
    commits: Mapping[str, Commit]
    cut: frozenset[str]
    since: datetime | None
    until: datetime | None
    names: Mapping[str, str]

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in the span."""
        return (self.since is None or at >= self.since) and not self.is_after(at)

    def is_after(self, at: datetime) -> bool:
        """Whether an instant lies after the span."""
        return self.until is not None and at > self.until

    @cached_property
    def inside(self) -> list[Commit]:
        """The commits of the span."""
        return [commit for commit in self.commits.values() if self.holds(commit.at)]


@dataclass(frozen=True)
class _Head:
    """A branch where it pointed, and where it left a main one."""

    ref: Ref
    is_hotfix: bool
    fork_point: str | None
    fork_branch: str | None


def _heads(clone: _Clone, branches: list[Ref], forks: Forks, hotfix_branches: str) -> list[_Head]:
    """Gather the branches that are there, and the hotfix branches that only a merge remembers.

    A main branch is told where nothing happened on it since the span began, too: it has nothing newer.
    """
    asked = [
        branch
        for branch in branches
        if clone.holds(at := clone.commits[branch.sha].at)
        or (branch.name in forks.names and not clone.is_after(at))
    ]
    for commit in clone.inside:
        if len(commit.parents) < 2:
            continue
        for number, name in joined_branches(commit.subject_line, len(commit.parents)).items():
            ref = Ref(name, commit.parents[number])
            if not matches(hotfix_branches, name) or ref in asked or ref.sha not in clone.commits:
                continue
            if clone.holds(clone.commits[ref.sha].at):
                asked.append(ref)
    return [_Head(ref, bool(matches(hotfix_branches, ref.name)), *forks.of(ref)) for ref in asked]


def _commits(clone: _Clone, changed: Differences, named: Mapping[str, Named]) -> Iterator[CommitMade]:
    after, before = _versions(clone, changed)
    for commit in clone.inside:
        count = changed.counts.get(commit.sha)
        mentions = named.get(commit.sha)
        yield CommitMade(
            occurred_at=commit.at,
            precision_seconds=1.0,
            utc_offset_minutes=commit.offset_minutes,
            source="git",
            service=clone.service,
            repository=clone.repository,
            sha=commit.sha,
            subject_line=commit.subject_line,
            author=clone.names.get(commit.author_address.lower(), commit.author),
            parents=commit.parents,
            files_changed=count.files if count else None,
            lines_added=count.added if count else None,
            lines_deleted=count.deleted if count else None,
            patch_id=changed.patches.get(commit.sha),
            changed_paths=changed.paths.get(commit.sha, ()),
            brought_paths=changed.brought.get(commit.sha),
            fix_patch_id=changed.fixes.get(commit.sha),
            stated_versions=after.get(commit.sha, {}),
            versions_before=before.get(commit.sha, {}),
            repeats=mentions.repeats if mentions else (),
            reverts=mentions.reverts if mentions else (),
            authored_at=commit.authored_at,
            tree_sha=commit.tree_sha,
        )


def _versions(
    clone: _Clone, changed: Differences
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return what the version files say that each commit touched, and what they said before."""
    touched = [(sha, path) for sha, paths in changed.paths.items() for path in paths if is_version_file(path)]
    parents = {sha: clone.commits[sha].parents[:1] for sha, _ in touched}
    places = [*touched, *((parent, path) for sha, path in touched for parent in parents[sha])]
    stated = stated_at(clone.path, places) if places else {}
    after: dict[str, dict[str, str]] = {}
    before: dict[str, dict[str, str]] = {}
    for sha, path in touched:
        if (sha, path) in stated:
            after.setdefault(sha, {})[path] = stated[sha, path]
        for parent in parents[sha]:
            if (parent, path) in stated:
                before.setdefault(sha, {})[path] = stated[parent, path]
    return after, before


def _tags(clone: _Clone, tags: Iterable[Ref]) -> Iterator[VersionTagged]:
    for tag in tags:
        commit = clone.commits.get(tag.sha)
        if commit is None:
            continue
        at, offset_minutes = tag.tagged or (commit.at, commit.offset_minutes)
        if clone.holds(at):
            yield VersionTagged(
                occurred_at=at,
                precision_seconds=1.0,
                utc_offset_minutes=offset_minutes,
                source="git",
                service=clone.service,
                repository=clone.repository,
                name=tag.name,
                sha=tag.sha,
                tagger=tag.tagger,
            )


def _branches(clone: _Clone, heads: Iterable[_Head], changed: Differences) -> Iterator[BranchSeen]:
    for each in heads:
        commit = clone.commits[each.ref.sha]
        stated: dict[str, str] | None = None
        if each.is_hotfix and commit.sha not in clone.cut:
            places = [(commit.sha, name) for name in version_files_at(clone.path, commit.sha)]
            found = stated_at(clone.path, places) if places else {}
            stated = {name: version for (_, name), version in found.items()}
        yield BranchSeen(
            occurred_at=commit.at,
            precision_seconds=1.0,
            utc_offset_minutes=commit.offset_minutes,
            source="git",
            service=clone.service,
            repository=clone.repository,
            name=each.ref.name,
            sha=each.ref.sha,
            fork_point=each.fork_point,
            fork_branch=each.fork_branch,
            patch_id=changed.branches.get(commit.sha) if each.is_hotfix else None,
            stated_versions=stated,
        )


def head(path: Path) -> tuple[str, bool]:
    """Return the commit that is checked out, and whether tracked files differ from it.

    Files that git does not track do not count, as in `git describe --dirty`.

    Raises:
        BadInputError: If the path is no repository, or one without a commit.
        SourceUnreachableError: If there is no git on this machine.
    """
    folders(path)
    sha = maybe(path, "rev-parse", "--quiet", "--verify", "HEAD^{commit}", seconds=QUICK_SECONDS)
    if sha is None:
        raise BadInputError(
            f"{path}: the repository has no commit yet", hint="Name the commit yourself: --sha SHA"
        )
    if git(path, "rev-parse", "--is-inside-work-tree", seconds=QUICK_SECONDS).strip() != b"true":
        return sha.strip().decode(), False
    changed = git(path, "status", "--porcelain", "-z", "--untracked-files=no", seconds=QUICK_SECONDS)
    return sha.strip().decode(), bool(changed)


def tree_of(path: Path, sha: str) -> str | None:
    """Return the name of all that a commit holds; None where this is no clone that has it."""
    try:
        found = maybe(
            path,
            "rev-parse",
            "--quiet",
            "--verify",
            "--end-of-options",
            f"{sha}^{{tree}}",
            seconds=QUICK_SECONDS,
        )
    except TrackerError:
        return None
    return decoded(found).strip() if found else None


def user_name(path: Path) -> str | None:
    """Return git's user.name as it holds in this folder; None without one, or without git."""
    try:
        name = maybe(path, "config", "--get", "user.name", seconds=QUICK_SECONDS)
    except TrackerError:
        return None
    return decoded(name or b"").strip() or None
