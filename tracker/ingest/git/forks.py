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
        self._names = frozenset(names)
        self._chains: dict[str, set[str]] = {name: set() for name in names}
        for branch in branches:
            # A clone's own main may lag behind origin's: a commit of either is one of main.
            if branch.name in self._chains:
                self._chains[branch.name].update(self._first_parents(branch.sha))

    def of(self, branch: Ref) -> tuple[str | None, str | None]:
        """Return commit and branch; none for a main branch, or when it has no commit of its own."""
        if branch.name in self._names:
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
