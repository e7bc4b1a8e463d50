"""From a repository to observations: the commits, tags and branches of a span."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tracker.errors import BadInputError, TrackerError, UsageError
from tracker.events.base import Arrival, Incoming
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.ingest.git.asking import decoded, git, maybe
from tracker.ingest.git.commits import Commit, commits_behind
from tracker.ingest.git.differences import differences
from tracker.ingest.git.forks import Forks
from tracker.ingest.git.refs import Ref, cut_off, folders, refs_of, remotes_of, repository_name, settings_of
from tracker.times import utc

_NO_ARRIVAL = Arrival()

MAIN_BRANCHES = ("main", "master", "develop", "development")
"""Branches that others fork from; where a fork could be of two, the first named wins."""


def read(
    path: Path,
    *,
    service: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    arrival: Arrival = _NO_ARRIVAL,
    main_branches: Sequence[str] = MAIN_BRANCHES,
) -> list[Incoming]:
    """Read the commits, tags and branches of a repository, oldest first.

    The span has both its ends in it; a branch lies where its newest commit does. A merge
    has no counts and no patch id, and neither has what a shallow or partial clone lacks
    the contents for: those are unknown, not zero.

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
    commits = commits_behind(path, [*local, *remote, *tags], common_dir)
    clone = _Clone(service, repository_name(settings, common_dir), commits, since, until)
    partial = any(key == "extensions.partialclone" or key.endswith(".promisor") for key, _ in settings)
    cut = cut_off(common_dir)
    plain = [each.sha for each in clone.inside if len(each.parents) < 2 and each.sha not in cut]
    found: list[CommitMade | VersionTagged | BranchSeen] = [
        *_commits(clone, path, git_dir, [] if partial else plain),
        *_tags(clone, tags),
        *_branches(clone, [*local, *remote], main_branches),
    ]
    found.sort(key=lambda event: (event.occurred_at, event.RANK))
    return [Incoming(event=event, arrival=arrival) for event in found]


@dataclass(frozen=True)
class _Clone:
    """A repository as it lies here, and the span of it that is wanted."""

    service: str | None
    repository: str
    commits: Mapping[str, Commit]
    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in the span."""
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)

    @property
    def inside(self) -> list[Commit]:
        """The commits of the span."""
        return [commit for commit in self.commits.values() if self.holds(commit.at)]


def _commits(clone: _Clone, path: Path, git_dir: Path, whole: list[str]) -> Iterator[CommitMade]:
    counts, patches = differences(path, git_dir, whole)
    for commit in clone.inside:
        count = counts.get(commit.sha)
        yield CommitMade(
            occurred_at=commit.at,
            precision_seconds=1.0,
            utc_offset_minutes=commit.offset_minutes,
            source="git",
            service=clone.service,
            repository=clone.repository,
            sha=commit.sha,
            subject_line=commit.subject_line,
            author=commit.author,
            parents=commit.parents,
            files_changed=count.files if count else None,
            lines_added=count.added if count else None,
            lines_deleted=count.deleted if count else None,
            patch_id=patches.get(commit.sha),
        )


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


def _branches(clone: _Clone, branches: Sequence[Ref], main_branches: Sequence[str]) -> Iterator[BranchSeen]:
    forks = Forks(clone.commits, branches, main_branches)
    named: set[str] = set()
    for branch in branches:
        if branch.name in named or not branch.name:
            continue
        named.add(branch.name)
        commit = clone.commits[branch.sha]
        if not clone.holds(commit.at):
            continue
        fork_point, fork_branch = forks.of(branch)
        yield BranchSeen(
            occurred_at=commit.at,
            precision_seconds=1.0,
            utc_offset_minutes=commit.offset_minutes,
            source="git",
            service=clone.service,
            repository=clone.repository,
            name=branch.name,
            sha=branch.sha,
            fork_point=fork_point,
            fork_branch=fork_branch,
        )


def head(path: Path) -> tuple[str, bool]:
    """Return the commit that is checked out, and whether tracked files differ from it.

    Files that git does not track do not count, as in `git describe --dirty`.

    Raises:
        BadInputError: If the path is no repository, or one without a commit.
        SourceUnreachableError: If there is no git on this machine.
    """
    folders(path)
    sha = maybe(path, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if sha is None:
        raise BadInputError(
            f"{path}: the repository has no commit yet", hint="Name the commit yourself: --sha SHA"
        )
    if git(path, "rev-parse", "--is-inside-work-tree").strip() != b"true":
        return sha.strip().decode(), False
    changed = git(path, "status", "--porcelain", "-z", "--untracked-files=no")
    return sha.strip().decode(), bool(changed)


def user_name(path: Path) -> str | None:
    """Return git's user.name as it holds in this folder; None without one, or without git."""
    try:
        name = maybe(path, "config", "--get", "user.name")
    except TrackerError:
        return None
    return decoded(name or b"").strip() or None
