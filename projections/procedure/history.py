"""The history of one repository, as far as the log knows it: a graph of commits, with branches and tags.

The parents of a commit are known only where a clone was read: a push names none. Nothing
is made up for what is missing: a walk that ends too early says that it was cut off.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from projections.deduplication import deduplicate
from tracker.events.changes import BranchSeen, CommitMade, RepositoryRead, VersionTagged
from tracker.events.corrections import Effective, Order
from tracker.events.merges import joined_branches
from tracker.events.version_files import is_bookkeeping


@dataclass(frozen=True)
class CommitNode:
    """A commit with the events that report it. `knows_parents` where a clone was read."""

    fact: CommitMade
    events: tuple[str, ...]
    knows_parents: bool
    merged_from: str | None
    order: Order

    @property
    def sha(self) -> str:
        return self.fact.sha

    @property
    def at(self) -> datetime:
        """When it was committed where it is now."""
        return self.fact.occurred_at

    @property
    def authored_at(self) -> datetime:
        """When its change was first committed, before it was copied here."""
        return self.fact.authored_at or self.fact.occurred_at

    @property
    def is_merge(self) -> bool:
        return len(self.fact.parents) > 1

    @property
    def fix_paths(self) -> frozenset[str]:
        """The files that it changed, without version files; empty where they are unknown."""
        return frozenset(path for path in self.fact.changed_paths if not is_bookkeeping(path))

    @property
    def is_bump(self) -> bool:
        """Whether it changes version files only."""
        paths = self.fact.changed_paths
        if paths:
            return all(is_bookkeeping(path) for path in paths)
        return self.fact.subject_line.lower().startswith("chore: bump version")

    @property
    def identities(self) -> frozenset[str]:
        """The ids of its patch, whole and without version files."""
        return frozenset(patch for patch in (self.fact.patch_id, self.fact.fix_patch_id) if patch)

    @property
    def can_be_compared(self) -> bool:
        """Whether it is known what it changed."""
        if self.is_merge:
            return self.fact.brought_paths is not None
        return self.fact.patch_id is not None or self.fact.files_changed == 0


@dataclass(frozen=True)
class Head:
    """Where a branch pointed."""

    fact: BranchSeen
    event: str


@dataclass(frozen=True)
class Tag:
    """A tag; `position` is that of its event in the log."""

    fact: VersionTagged
    event: str
    position: int


@dataclass
class History:
    """One repository. `read_at` is when a clone of it was last read, as the log shows."""

    repository: str
    commits: dict[str, CommitNode] = field(default_factory=dict)
    seen: dict[str, list[Head]] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    services: set[str | None] = field(default_factory=set)
    read_at: datetime | None = None
    read_event: str | None = None

    def parents(self, sha: str) -> tuple[str, ...]:
        commit = self.commits.get(sha)
        return commit.fact.parents if commit else ()

    def chain(self, sha: str | None) -> Iterator[str]:
        """Walk first parents, from a commit on, through those that are known."""
        walked: set[str] = set()
        # A commit that was amended by hand may be its own parent.
        while sha is not None and sha in self.commits and sha not in walked:
            walked.add(sha)
            yield sha
            parents = self.parents(sha)
            sha = parents[0] if parents else None

    def ancestors(self, shas: Iterable[str], without: Container[str] = ()) -> set[str]:
        """Return these commits and all their ancestors that are known; `without` stops the walk."""
        left = [sha for sha in shas if sha in self.commits and sha not in without]
        walked = set(left)
        while left:
            for parent in self.parents(left.pop()):
                if parent in self.commits and parent not in walked and parent not in without:
                    walked.add(parent)
                    left.append(parent)
        return walked

    def heads(self, name: str) -> list[Head]:
        """Return where a branch points: of the heads that were seen, those that are no ancestors of another."""
        seen = self.seen.get(name, ())
        newest = sorted(seen, key=lambda head: (head.fact.occurred_at, head.event), reverse=True)
        covered: set[str] = set()
        tips = []
        for head in newest:
            if head.fact.sha not in covered:
                tips.append(head)
                covered |= self.ancestors([head.fact.sha], without=covered)
        # Of heads of one second an older one may have come first.
        return [head for head in tips if not any(self._is_after(other, head) for other in tips)]

    def _is_after(self, later: Head, earlier: Head) -> bool:
        first, second = later.fact.sha, earlier.fact.sha
        return first != second and second in self.ancestors([first])

    def in_order(self, shas: set[str], head: str) -> list[CommitNode]:
        """Return these commits behind a head, each after its parents: clocks have only seconds."""
        ordered: list[CommitNode] = []
        left, walked = [(head, False)], set[str]()
        while left:
            sha, done = left.pop()
            if done:
                ordered.append(self.commits[sha])
            elif sha in shas and sha not in walked:
                walked.add(sha)
                left.append((sha, True))
                left += [(parent, False) for parent in reversed(self.parents(sha))]
        return ordered

    def line(self, name: str) -> "Line":
        if name not in self._lines:
            self._lines[name] = Line(self, name)
        return self._lines[name]

    @cached_property
    def _lines(self) -> "dict[str, Line]":
        return {}

    def is_cut_off(self, shas: Iterable[str], since: datetime) -> bool:
        """Whether commits made since then may be missing behind these."""
        for sha in shas:
            commit = self.commits.get(sha)
            if commit is None:
                return True
            if commit.at < since:
                continue
            if not commit.knows_parents or any(parent not in self.commits for parent in commit.fact.parents):
                return True
        return False

    def resolve(self, sha: str | None) -> str | None:
        """Return the whole hash of a commit that is known, given that or its first seven digits or more."""
        if not sha or len(sha) < 7:
            return None
        if sha in self.commits:
            return sha
        same = [known for known in self.commits if known.startswith(sha.lower())]
        return same[0] if len(same) == 1 else None


class Line:
    """A branch, with what is in it and since when."""

    def __init__(self, history: History, name: str) -> None:
        self.history = history
        self.name = name
        self.heads = history.heads(name)

    @cached_property
    def chains(self) -> list[list[str]]:
        """The commits of its heads by first parents, newest first: what was committed on it."""
        return [list(self.history.chain(head.fact.sha)) for head in self.heads]

    @cached_property
    def on_chain(self) -> set[str]:
        """All that was committed on it, or merged into it as one commit."""
        return {sha for chain in self.chains for sha in chain}

    @cached_property
    def entries(self) -> dict[str, str]:
        """For each commit that is in it the one of its own by which it came in: itself, or a merge."""
        entries: dict[str, str] = {}
        for chain in self.chains:
            for own in reversed(chain):
                entries |= dict.fromkeys(self.history.ancestors([own], without=entries), own)
        return entries

    def holds(self, sha: str) -> bool:
        return sha in self.entries

    def before(self, sha: str) -> set[str]:
        """Return what was in it before a commit came in; all of it where the commit never did."""
        entry = self.entries.get(sha)
        if entry is None:
            return set(self.entries)
        return self.history.ancestors(self.history.parents(entry)[:1])

    @property
    def events(self) -> tuple[str, ...]:
        """The events that name its heads."""
        return tuple(head.event for head in self.heads)


def histories(facts: Iterable[Effective]) -> dict[str, History]:
    """Gather the facts of each repository; a commit that several sources report is one commit."""
    git = [
        fact
        for fact in facts
        if isinstance(fact.event, CommitMade | BranchSeen | VersionTagged | RepositoryRead)
    ]
    known: dict[str, History] = {}
    for fact in git:
        event = fact.event
        assert isinstance(event, CommitMade | BranchSeen | VersionTagged | RepositoryRead)
        history = known.setdefault(event.repository, History(event.repository))
        history.services.add(event.service)
        if event.source == "git" and fact.recorded.arrival.via != "webhook":
            read_at = fact.recorded.recorded_at
            if isinstance(event, RepositoryRead):
                read_at = max(read_at, event.occurred_at)
            if history.read_at is None or read_at > history.read_at:
                history.read_at, history.read_event = read_at, fact.id
    for shown, witnesses in sorted(deduplicate(git), key=lambda pair: pair[0].order):
        event = shown.event
        if isinstance(event, CommitMade):
            statements = [fact.event for fact in witnesses if isinstance(fact.event, CommitMade)]
            commit = CommitNode(
                event,
                tuple(fact.id for fact in witnesses),
                any(statement.source == "git" for statement in statements),
                next((statement.merged_from for statement in statements if statement.merged_from), None),
                shown.order,
            )
            commits = known[event.repository].commits
            if event.sha not in commits or commit.knows_parents >= commits[event.sha].knows_parents:
                commits[event.sha] = commit
        elif isinstance(event, BranchSeen):
            heads = known[event.repository].seen.setdefault(event.name, [])
            if all(head.fact.sha != event.sha for head in heads):
                heads.append(Head(_first_fork(event, witnesses), shown.id))
        elif isinstance(event, VersionTagged):
            known[event.repository].tags.append(Tag(event, shown.id, shown.recorded.position))
    return known


def _first_fork(event: BranchSeen, witnesses: Iterable[Effective]) -> BranchSeen:
    """Keep the fork point that was recorded first: a main branch that was fast-forwarded since hides it."""
    forks = sorted(
        (fact for fact in witnesses if isinstance(fact.event, BranchSeen) and fact.event.fork_point),
        key=lambda fact: fact.recorded.position,
    )
    first = forks[0].event if forks else event
    assert isinstance(first, BranchSeen)
    return replace(event, fork_point=first.fork_point, fork_branch=first.fork_branch)


def joined_by(commit: CommitNode) -> dict[int, str]:
    """Name the branches that a merge joined, by the number of the parent that each brought."""
    count = len(commit.fact.parents)
    if count == 2 and commit.merged_from:
        return {1: commit.merged_from}
    return joined_branches(commit.fact.subject_line, count) if count > 1 else {}
