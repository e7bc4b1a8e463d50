"""Is a fix on a branch, since when and by what: merged, fast-forwarded, squashed, rebased or picked.

What a merge joined may have been lost in it, and what came in may have been reverted: then it
is not there. Where contents are not known to the log (a shallow clone, a push without its
parents), the answer is that it is unknown.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from projections.procedure.history import CommitNode, Line
from projections.procedure.hotfix import standing_hotfixes
from projections.procedure.hotfix_facts import Hotfix
from projections.procedure.reverts import Reverts, Way
from projections.procedure.rule import Evidence
from projections.reason import Reason


class Place(Enum):
    """Whether a fix is on a branch."""

    IN = "in"
    OUT = "out"
    LOST = "lost"
    REVERTED = "reverted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Containment:
    """Whether a fix is on a branch, and `how` that is known; `at` and `event` are of the commit that brought it.

    `revert` is the commit that undid it, where one did; `by` the commits that brought it.
    """

    place: Place
    how: tuple[Reason, ...]
    at: datetime | None = None
    event: str | None = None
    evidence: tuple[str, ...] = ()
    revert: str | None = None
    by: tuple[str, ...] = ()


def fix_on_integration(evidence: Evidence) -> tuple[datetime, str] | None:
    """Return when the last of the fixes came onto the integration branch, and the event of that commit.

    None where one of them is not there, or that is unknown.
    """
    branch = evidence.procedure.integration_branch
    containments = [hotfix_containment(hotfix, branch) for hotfix in standing_hotfixes(evidence)]
    ends = [(one.at, one.event) for one in containments if one.place is Place.IN and one.at and one.event]
    return max(ends) if ends and len(ends) == len(containments) else None


def hotfix_containment(hotfix: Hotfix, branch: str) -> Containment:
    """Return whether a hotfix, or a copy of it, is on a branch; unknown where a part of it is missing in the log."""
    if not hotfix.is_whole or not hotfix.commits:
        return _unknown("not_all_commits", {"hotfix": hotfix.name}, hotfix.evidence)
    line = hotfix.history.line(branch)
    if not line.heads:
        return _unknown("no_such_branch", {"branch": branch}, ())
    fixes = hotfix.fixes or hotfix.commits
    reverts, copies = Reverts(line), _Copies(line, hotfix, fixes)
    came: list[Way] = []
    missing: list[CommitNode] = []
    bad: list[Containment] = []
    for fix in fixes:
        ways = sorted(copies.ways(fix), key=lambda way: way.entry.order)
        whole = [way for way in ways if way.lost is None and way.unclear is None]
        targets = [fix, *(way.commit for way in ways)]
        surviving = reverts.surviving(whole, targets)
        if surviving is not None:
            came.append(surviving)
            continue
        missing.append(fix)
        if whole and (undone := reverts.undone_by(whole, targets)):
            how = Reason("reverted_by", {"commit": fix, "by": undone})
            proof = (*whole[0].entry.events, *undone.events, *line.events)
            bad.append(Containment(Place.REVERTED, (how,), evidence=proof, revert=undone.sha))
        elif left := next((way.lost for way in ways if way.lost is not None), None):
            how = Reason("lost_in_merge", {"commit": fix, "by": left})
            bad.append(Containment(Place.LOST, (how,), evidence=(*left.events, *line.events)))
        elif unclear := next((way.unclear for way in ways if way.unclear is not None), None):
            bad.append(_unknown("merge_unclear", {"commit": unclear}, (*unclear.events, *line.events)))
    if not missing:
        return _on_branch(line, came)
    unknown = next((one for one in bad if one.place is Place.UNKNOWN), None)
    return unknown or (bad[0] if bad else _out(line, fixes, missing, hotfix.branch))


def _on_branch(line: Line, came: Sequence[Way]) -> Containment:
    last = max(came, key=lambda way: way.entry.order)
    hows: list[Reason] = []
    for way in came:
        hows += [way.how] if way.how not in hows else []
    events = dict.fromkeys(event for way in came for event in (*way.commit.events, *way.entry.events))
    return Containment(
        Place.IN,
        tuple(hows),
        last.entry.at,
        last.entry.events[0],
        (*events, *line.events),
        by=tuple(dict.fromkeys(sha for way in came for sha in (way.commit.sha, way.entry.sha))),
    )


def _out(
    line: Line, fixes: Sequence[CommitNode], missing: Sequence[CommitNode], name: str | None
) -> Containment:
    """Return that fixes are not there, where it is known that nothing there can be a copy of them."""
    history, since = line.history, min(fix.authored_at for fix in fixes)
    # A head that is older than the fix cannot have it, whatever lies behind it.
    heads = [head.fact.sha for head in line.heads if head.fact.occurred_at >= since]
    if history.is_cut_off([*line.entries, *heads], since):
        return _unknown("history_incomplete", {"branch": line.name}, line.events)
    later = [history.commits[sha] for sha in line.entries]
    later = [commit for commit in later if commit.at >= since and commit not in fixes]
    unclear = [fix for fix in fixes if not fix.identities]
    unclear += [commit for commit in later if not commit.is_merge and not commit.can_be_compared]
    if unclear:
        return _unknown("change_unknown", {"commit": unclear[0]}, (*unclear[0].events, *line.events))
    likely = next((commit for commit in later if _may_be(commit, missing, name)), None)
    if likely is not None:
        return _unknown("patch_differs", {"commit": likely}, (*likely.events, *line.events))
    facts = {"missing": list(missing), "branch": line.name, "partly": len(missing) < len(fixes)}
    events = tuple(event for commit in missing for event in commit.events)
    return Containment(Place.OUT, (Reason("not_there", facts),), evidence=(*events, *line.events))


def _unknown(code: str, facts: dict[str, object], evidence: tuple[str, ...]) -> Containment:
    return Containment(Place.UNKNOWN, (Reason(code, facts),), evidence=evidence)


def _may_be(commit: CommitNode, missing: Sequence[CommitNode], name: str | None) -> bool:
    """Whether a commit looks like a copy that was changed by hand: the same files, and the fix's own words."""
    paths = frozenset(path for fix in missing for path in fix.fix_paths)
    if commit.is_merge or not paths or not paths <= commit.fix_paths:
        return False
    subject = commit.fact.subject_line
    return bool(name and name in subject) or any(subject.startswith(fix.fact.subject_line) for fix in missing)


class _Copies:
    """The ways by which the fixes of a hotfix came onto a line."""

    def __init__(self, line: Line, hotfix: Hotfix, fixes: Sequence[CommitNode]) -> None:
        self._line = line
        self._history = line.history
        self._touched = Counter(path for fix in fixes for path in fix.fix_paths)
        since = min(fix.authored_at for fix in fixes)
        fixed = {fix.sha for fix in fixes}
        own = fixed | {commit.sha for commit in hotfix.commits}
        others = [line.history.commits[sha] for sha in line.entries if sha not in own]
        self._others = [commit for commit in others if commit.at >= since and not commit.is_merge]
        self._squashed = [
            commit
            for commit in self._others
            if (hotfix.patch_id is not None and hotfix.patch_id in commit.identities)
            or fixed <= set(commit.fact.repeats)
            or (hotfix.branch is not None and commit.merged_from == hotfix.branch)
        ]

    def ways(self, fix: CommitNode) -> list[Way]:
        """Return all ways of one fix, in no order."""
        ways = []
        if self._line.holds(fix.sha):
            ways.append(self._way(fix, fix, self._by_itself(fix)))
        for commit in self._others:
            how = self._copied(fix, commit)
            if how is not None:
                ways.append(self._way(fix, commit, how))
        ways += [self._way(fix, copy, Reason("squashed", {"commit": copy})) for copy in self._squashed]
        return ways

    def _by_itself(self, fix: CommitNode) -> Reason:
        entry = self._history.commits[self._line.entries[fix.sha]]
        if entry.sha == fix.sha:
            return Reason("fast_forwarded")
        return Reason("merged", {"commit": entry})

    def _copied(self, fix: CommitNode, other: CommitNode) -> Reason | None:
        if fix.identities & other.identities:
            return Reason("picked", {"commit": other})
        if not other.can_be_compared or not fix.fix_paths <= other.fix_paths:
            return None
        if fix.sha in other.fact.repeats:
            return Reason("picked_by_hand", {"commit": other})
        same_act = (fix.authored_at, fix.fact.author, fix.fact.subject_line) == (
            other.authored_at,
            other.fact.author,
            other.fact.subject_line,
        )
        return Reason("picked_by_hand", {"commit": other}) if same_act else None

    def _way(self, fix: CommitNode, carrier: CommitNode, how: Reason) -> Way:
        entry = self._history.commits[self._line.entries[carrier.sha]]
        lost, unclear = self._left_out(fix, carrier.sha, entry.sha, 0)
        return Way(carrier, entry, how, lost, unclear)

    def _left_out(
        self, fix: CommitNode, carrier: str, entry: str, depth: int
    ) -> tuple[CommitNode | None, CommitNode | None]:
        """Return the merge between a commit and its entry that left out its change, or of which that is unknown."""
        if carrier == entry:
            return None, None
        merge = self._history.commits[entry]
        brought = merge.fact.brought_paths
        if brought is None:
            return None, merge
        # What several commits of one fix touched may be as it was, with nothing lost.
        needed = {path for path in fix.fix_paths if self._touched[path] < 2}
        if (needed and not needed <= set(brought)) or (fix.fix_paths and not brought):
            return merge, None
        for parent in merge.fact.parents[1:]:
            chain = list(self._history.chain(parent))
            inner = self._inner_entry(chain, carrier)
            if inner is not None:
                return self._left_out(fix, carrier, inner, depth + 1) if depth < 50 else (None, None)
        return None, None

    def _inner_entry(self, chain: list[str], carrier: str) -> str | None:
        """Return the commit of a merged branch by which the carrier came into it."""
        if carrier in chain:
            return carrier
        entry = None
        for sha in chain:
            if carrier not in self._history.ancestors([sha]):
                break
            entry = sha
        return entry
