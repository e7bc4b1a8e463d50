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
            (each for each in commits if each.fact.reverts or each.fact.subject_line.startswith(_UNDOING)),
            key=lambda each: (each.at, each.sha),
        )

    def surviving(self, ways: Sequence[Way], targets: Sequence[CommitNode]) -> Way | None:
        """Return the first way that stands; one that was undone and brought back came in again by that."""
        for way in ways:
            undoers = self._undoers_of_way(way, targets)
            if not undoers:
                return way
            if any(self._stands(each) for each in undoers):
                continue
            again = [back for each in undoers for back in self._undoers(each) if self._stands(back)]
            last = max(again, key=lambda each: (each.at, each.sha))
            entry = self._history.commits[self._line.entries[last.sha]]
            return Way(last, entry, Reason("brought_back", {"commit": last}))
        return None

    def undone_by(self, ways: Sequence[Way], targets: Sequence[CommitNode]) -> CommitNode | None:
        """Return the commit that undid a fix."""
        return next(
            (each for way in ways for each in self._undoers_of_way(way, targets) if self._stands(each)), None
        )

    def _undoers_of_way(self, way: Way, targets: Sequence[CommitNode]) -> list[CommitNode]:
        """Return the reverts that came after a way, of whichever copy, or of a merge that carried one."""
        meant = [*targets, way.entry]
        named = {each.sha for each in meant}
        meant += [
            each
            for each in self._history.commits.values()
            if each.is_merge and named & set(each.fact.parents[1:])
        ]
        found = {each.sha: each for one in meant for each in self._undoers(one)}
        return [each for each in found.values() if way.entry.sha in self._history.ancestors([each.sha])]

    def _undoers(self, commit: CommitNode) -> list[CommitNode]:
        subject = commit.fact.subject_line
        words = {f'Revert "{subject}"', f"Reapply {subject.removeprefix('Revert ')}"}
        return [
            each
            for each in self._commits
            if each.sha != commit.sha
            and (
                commit.sha in each.fact.reverts
                if each.fact.reverts
                else each.fact.subject_line in words and each.at >= commit.at
            )
        ]

    def _stands(self, commit: CommitNode, depth: int = 0) -> bool:
        return depth > 20 or not any(self._stands(each, depth + 1) for each in self._undoers(commit))
