"""Ways by which a fix came onto a branch, and what was undone there afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

from projections.procedure.history import CommitNode, Line
from projections.reason import Reason

_UNDOING = ("Revert ", "Reapply ")


@dataclass(frozen=True)
class Way:
    """One way by which a fix came onto a branch; `lost` is a merge that left it out, `unclear` one whose content is unknown."""

    commit: CommitNode
    entry: CommitNode
    how: Reason
    lost: CommitNode | None = None
    unclear: CommitNode | None = None


class Reverts:
    """What was undone on a line, and what was undone of that."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._history = line.history
        commits = [line.history.commits[sha] for sha in line.entries]
        self._commits = sorted(
            (one for one in commits if one.fact.reverts or one.fact.subject_line.startswith(_UNDOING)),
            key=lambda commit: commit.order,
        )

    def surviving(self, ways: Sequence[Way], targets: Sequence[CommitNode]) -> Way | None:
        """Return the first way that was not undone; one that was undone and brought back came in again by that."""
        for way in ways:
            undoers = self._undoers_of_way(way, targets)
            if not undoers:
                return way
            if any(self._holds(commit) for commit in undoers):
                continue
            again = [back for commit in undoers for back in self._undoers(commit) if self._holds(back)]
            last = max(again, key=lambda commit: commit.order)
            entry = self._history.commits[self._line.entries[last.sha]]
            return Way(last, entry, Reason("brought_back", {"commit": last}))
        return None

    def undone_by(self, ways: Sequence[Way], targets: Sequence[CommitNode]) -> CommitNode | None:
        """Return the commit that undid a fix."""
        undoers = (commit for way in ways for commit in self._undoers_of_way(way, targets))
        return next((commit for commit in undoers if self._holds(commit)), None)

    def _undoers_of_way(self, way: Way, targets: Sequence[CommitNode]) -> list[CommitNode]:
        """Return the reverts that came after a way, of whichever copy, or of a merge that carried one."""
        undone = [*targets, way.entry]
        shas = {commit.sha for commit in undone}
        undone += [
            commit
            for commit in self._history.commits.values()
            if commit.is_merge and shas & set(commit.fact.parents[1:])
        ]
        undoers = {undoer.sha: undoer for commit in undone for undoer in self._undoers(commit)}
        return [one for one in undoers.values() if way.entry.sha in self._history.ancestors([one.sha])]

    def _undoers(self, commit: CommitNode) -> list[CommitNode]:
        subject = commit.fact.subject_line
        words = {f'Revert "{subject}"', f"Reapply {subject.removeprefix('Revert ')}"}
        return [
            undoer
            for undoer in self._commits
            if undoer.sha != commit.sha
            and (
                commit.sha in undoer.fact.reverts
                if undoer.fact.reverts
                else undoer.fact.subject_line in words and undoer.at >= commit.at
            )
        ]

    def _holds(self, commit: CommitNode, depth: int = 0) -> bool:
        """Whether a commit was not undone, or its undoing was."""
        return depth > 20 or not any(self._holds(undoer, depth + 1) for undoer in self._undoers(commit))
