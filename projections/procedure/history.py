"""The history of one repository, as far as the log knows it: a graph of commits, with branches and tags.

What a commit stands on is known only where a clone was read: a push names no parents. Nothing
is made up for what is missing: a walk that comes to its end too early says that it was cut off.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from projections.deduplication import deduplicate
from tracker.events.changes import BranchSeen, CommitMade, RepositoryRead, VersionTagged
from tracker.events.corrections import Effective
from tracker.events.merges import joined_branches
from tracker.events.version_files import is_bookkeeping


@dataclass(frozen=True)
class CommitNode:
    """A commit with everybody who told of it. `knows_parents` where a clone was read."""

    fact: CommitMade
    events: tuple[str, ...]
    knows_parents: bool
    merged_from: str | None

    @property
    def sha(self) -> str:
        """Its hash."""
        return self.fact.sha

    @property
    def at(self) -> datetime:
        """When it was committed where it stands."""
        return self.fact.occurred_at

    @property
    def authored_at(self) -> datetime:
        """When its change was first committed, before it was copied here."""
        return self.fact.authored_at or self.fact.occurred_at

    @property
    def is_merge(self) -> bool:
        """Whether it joins two lines of work."""
        return len(self.fact.parents) > 1

    @property
    def fix_paths(self) -> frozenset[str]:
        """The files that it touched, without those of versions; empty where they are unknown."""
        return frozenset(path for path in self.fact.changed_paths if not is_bookkeeping(path))

    @property
    def is_bump(self) -> bool:
        """Whether it only says which version this is."""
        paths = self.fact.changed_paths
        if paths:
            return all(is_bookkeeping(path) for path in paths)
        return self.fact.subject_line.lower().startswith("chore: bump version")

    @property
    def identities(self) -> frozenset[str]:
        """The names of its patch, whole and without the files of versions."""
        return frozenset(each for each in (self.fact.patch_id, self.fact.fix_patch_id) if each)

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
    """A tag; `position` is where in the log it was told of."""

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
        """Return what a commit stands on, as far as it is known."""
        commit = self.commits.get(sha)
        return commit.fact.parents if commit else ()

    def chain(self, sha: str | None) -> Iterator[str]:
        """Walk first parents, from a commit on, through those that are known."""
        walked: set[str] = set()
        # A commit that was amended by hand may stand on itself.
        while sha is not None and sha in self.commits and sha not in walked:
            walked.add(sha)
            yield sha
            parents = self.parents(sha)
            sha = parents[0] if parents else None

    def ancestors(self, shas: Iterable[str], without: Container[str] = ()) -> set[str]:
        """Return these commits and all that they stand on, as far as known; `without` stops the walk."""
        stop = without
        left = [sha for sha in shas if sha in self.commits and sha not in stop]
        found = set(left)
        while left:
            for parent in self.parents(left.pop()):
                if parent in self.commits and parent not in found and parent not in stop:
                    found.add(parent)
                    left.append(parent)
        return found

    def heads(self, name: str) -> list[Head]:
        """Return where a branch points: of the heads that were seen, those that no other one stands on."""
        newest = sorted(
            self.seen.get(name, ()), key=lambda each: (each.fact.occurred_at, each.event), reverse=True
        )
        covered: set[str] = set()
        found = []
        for each in newest:
            if each.fact.sha not in covered:
                found.append(each)
                covered |= self.ancestors([each.fact.sha], without=covered)
        # Of heads of one second an older one may have come first.
        return [each for each in found if not any(self._stands_on(other, each) for other in found)]

    def _stands_on(self, later: Head, earlier: Head) -> bool:
        first, second = later.fact.sha, earlier.fact.sha
        return first != second and second in self.ancestors([first])

    def in_order(self, shas: set[str], head: str) -> list[CommitNode]:
        """Return these commits behind a head, each after what it stands on: clocks tell only seconds."""
        found: list[CommitNode] = []
        left, walked = [(head, False)], set[str]()
        while left:
            sha, done = left.pop()
            if done:
                found.append(self.commits[sha])
            elif sha in shas and sha not in walked:
                walked.add(sha)
                left.append((sha, True))
                left += [(parent, False) for parent in reversed(self.parents(sha))]
        return found

    def line(self, name: str) -> "Line":
        """Return a branch with all that is in it."""
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
        found = [each for each in self.commits if each.startswith(sha.lower())]
        return found[0] if len(found) == 1 else None


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
        """All that was committed on it, or merged into it by one commit."""
        return {sha for chain in self.chains for sha in chain}

    @cached_property
    def entries(self) -> dict[str, str]:
        """For each commit that is in it the one of its own by which it came in: itself, or a merge."""
        found: dict[str, str] = {}
        for chain in self.chains:
            for own in reversed(chain):
                for sha in self.history.ancestors([own], without=found):
                    found[sha] = own
        return found

    def holds(self, sha: str) -> bool:
        """Whether a commit is in it."""
        return sha in self.entries

    def before(self, sha: str) -> set[str]:
        """Return what was in it before a commit came in; all that is in it where that never did."""
        entry = self.entries.get(sha)
        if entry is None:
            return set(self.entries)
        return self.history.ancestors(self.history.parents(entry)[:1])

    @property
    def events(self) -> tuple[str, ...]:
        """What says where it points."""
        return tuple(head.event for head in self.heads)


def histories(facts: Iterable[Effective]) -> dict[str, History]:
    """Gather the facts of each repository; what several told of one commit is one commit."""
    git = [
        each
        for each in facts
        if isinstance(each.event, CommitMade | BranchSeen | VersionTagged | RepositoryRead)
    ]
    found: dict[str, History] = {}
    for each in git:
        event = each.event
        assert isinstance(event, CommitMade | BranchSeen | VersionTagged | RepositoryRead)
        history = found.setdefault(event.repository, History(event.repository))
        history.services.add(event.service)
        if event.source == "git" and each.recorded.arrival.via != "webhook":
            read_at = each.recorded.recorded_at
            if isinstance(event, RepositoryRead):
                read_at = max(read_at, event.occurred_at)
            if history.read_at is None or read_at > history.read_at:
                history.read_at, history.read_event = read_at, each.id
    for shown, witnesses in sorted(deduplicate(git), key=lambda each: each[0].order):
        event = shown.event
        ids = tuple(each.id for each in witnesses)
        if isinstance(event, CommitMade):
            statements = [each.event for each in witnesses if isinstance(each.event, CommitMade)]
            commit = CommitNode(
                event,
                ids,
                any(each.source == "git" for each in statements),
                next((each.merged_from for each in statements if each.merged_from), None),
            )
            held = found[event.repository].commits.get(event.sha)
            if held is None or commit.knows_parents >= held.knows_parents:
                found[event.repository].commits[event.sha] = commit
        elif isinstance(event, BranchSeen):
            seen = found[event.repository].seen.setdefault(event.name, [])
            if all(each.fact.sha != event.sha for each in seen):
                seen.append(Head(_first_fork(event, witnesses), shown.id))
        elif isinstance(event, VersionTagged):
            found[event.repository].tags.append(Tag(event, shown.id, shown.recorded.position))
    return found


def _first_fork(event: BranchSeen, witnesses: Iterable[Effective]) -> BranchSeen:
    """Keep where a branch began as it was told first: a main branch that was fast-forwarded since hides it."""
    told_of = sorted(
        (each for each in witnesses if isinstance(each.event, BranchSeen) and each.event.fork_point),
        key=lambda each: each.recorded.position,
    )
    first = told_of[0].event if told_of else event
    assert isinstance(first, BranchSeen)
    return replace(event, fork_point=first.fork_point, fork_branch=first.fork_branch)


def joined_by(commit: CommitNode) -> dict[int, str]:
    """Name the branches that a merge joined, by the number of the parent that each brought."""
    count = len(commit.fact.parents)
    if count == 2 and commit.merged_from:
        return {1: commit.merged_from}
    return joined_branches(commit.fact.subject_line, count) if count > 1 else {}
