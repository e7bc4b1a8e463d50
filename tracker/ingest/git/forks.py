"""Where branches left the main ones."""

from collections.abc import Iterable, Mapping, Sequence

from tracker.ingest.git.commits import Commit
from tracker.ingest.git.refs import Ref


class Forks:
    """Where branches left the main ones.

    Walks first parents only: a fork stays where it was after the branch is merged back,
    which `git merge-base` forgets (it then answers the branch's own head).
    """

    def __init__(self, commits: Mapping[str, Commit], branches: Iterable[Ref], names: Sequence[str]) -> None:
        self._commits = commits
        self.names = frozenset(names)
        self._chains: dict[str, set[str]] = {name: set() for name in names}
        for branch in branches:
            # A clone's own main may lag behind origin's: a commit of either is one of main.
            if branch.name in self._chains:
                self._chains[branch.name].update(self._first_parents(branch.sha))

    def of(self, branch: Ref) -> tuple[str | None, str | None]:
        """Return commit and branch; none for a main branch, or when it has no commit of its own."""
        if branch.name in self.names:
            return None, None
        for sha in self._first_parents(branch.sha):
            for name, chain in self._chains.items():
                if sha in chain:
                    return (None, None) if sha == branch.sha else (sha, name)
        return None, None

    def _first_parents(self, sha: str) -> Iterable[str]:
        commit = self._commits.get(sha)
        while commit is not None:
            yield commit.sha
            commit = self._commits.get(commit.parents[0]) if commit.parents else None


def heads_of(
    branches: Iterable[Ref], commits: Mapping[str, Commit], main_branches: Sequence[str]
) -> list[Ref]:
    """Choose where each branch points: for a local one that lags behind its remote, where the remote has it.

    Where they have diverged it is the local one, and for a main branch both: what was merged
    into either must not be overlooked.
    """
    chosen: dict[str, list[Ref]] = {}
    for branch in branches:
        if not branch.name:
            continue
        heads = chosen.setdefault(branch.name, [])
        if any(_holds(commits, each.sha, branch.sha) for each in heads):
            continue
        if any(_holds(commits, branch.sha, each.sha) for each in heads):
            heads[:] = [each for each in heads if not _holds(commits, branch.sha, each.sha)]
        elif heads and branch.name not in main_branches:
            continue
        heads.append(branch)
    return [branch for heads in chosen.values() for branch in heads]


def _holds(commits: Mapping[str, Commit], later: str, earlier: str) -> bool:
    """Whether one commit is the other, or its descendant."""
    seen, left = {later}, [later]
    while left:
        sha = left.pop()
        if sha == earlier:
            return True
        commit = commits.get(sha)
        new = [each for each in (commit.parents if commit else ()) if each not in seen]
        seen.update(new)
        left.extend(new)
    return False
