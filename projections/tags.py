"""Which commit a version names that is a tag or a branch, as far as repositories were read."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from projections.versions import UNKNOWN, Version, commit_of, plain_version
from tracker.events.changes import BranchSeen, Change, VersionTagged
from tracker.events.corrections import Effective


class TaggedCommit(NamedTuple):
    """A commit that a tag or branch named: since when at the earliest, and when it was first seen there."""

    sha: str
    event: str
    tagged_at: datetime
    seen_at: datetime


_Moves = dict[tuple[str | None, str], dict[str, list[TaggedCommit]]]
"""Where each tag or branch of a service pointed, by repository, in the order in which that was seen."""


class Tags:
    """The tags and branches of some services, each with the commits that it named.

    A tag that was moved named its first commit until it was last seen there, and its second one from when it
    was first seen there; in between it is unknown which. So it is with one tag of two repositories.
    A branch moves all the time: where it pointed after it was last seen, or before its commit was made, is unknown.
    """

    def __init__(self, facts: Iterable[Effective] = ()) -> None:
        self._known: _Moves = {}
        self._branches: _Moves = {}
        refs = (fact for fact in facts if isinstance(fact.event, VersionTagged | BranchSeen))
        for fact in sorted(refs, key=lambda fact: fact.recorded.position):
            event = fact.event
            assert isinstance(event, VersionTagged | BranchSeen)
            is_branch = isinstance(event, BranchSeen)
            key = (event.service, event.name.strip() if is_branch else _name(event.service, event.name))
            moves = self._branches if is_branch else self._known
            commits = moves.setdefault(key, {}).setdefault(event.repository, [])
            if event.sha and event.sha not in [commit.sha for commit in commits]:
                seen_at = fact.recorded.recorded_at
                commits.append(TaggedCommit(event.sha, fact.id, event.occurred_at, seen_at))

    def of(self, change: Change) -> list[TaggedCommit]:
        """Return what a change's version may have named as a tag: several where the tag was moved around then.

        Of a branch it is one commit or none. A commit or tag that was made afterwards is not what was deployed.
        """
        at = change.occurred_at + timedelta(seconds=change.precision_seconds)
        if self.is_branch(change):
            branches = self._branches[change.service, change.version.strip()]
            heads = [commit for moves in branches.values() for commit in _possible(moves, at)]
            return heads if len(heads) == 1 and at <= heads[0].seen_at else []
        if not self._known or change.version == UNKNOWN or commit_of(change) is not None:
            return []
        repositories = self._known.get((change.service, _name(change.service, change.version)), {})
        return [commit for moves in repositories.values() for commit in _possible(moves, at)]

    def is_branch(self, change: Change) -> bool:
        """Whether a change names no more than a branch, which is no tag as well."""
        return (
            (change.service, change.version.strip()) in self._branches
            and (change.service, _name(change.service, change.version)) not in self._known
            and commit_of(change) is None
        )

    def version(self, change: Change) -> Version:
        """Return what a change deployed, with its commit where it names one or its tag did."""
        return Version(change.version, change.sha or the_one(self.of(change)))


def the_one(commits: Iterable[TaggedCommit]) -> str | None:
    """Return the commit that all of these are; None where they differ, or are none."""
    shas = {commit.sha for commit in commits}
    return shas.pop() if len(shas) == 1 else None


def _possible(moves: Sequence[TaggedCommit], at: datetime) -> list[TaggedCommit]:
    """Return those where the tag may have been at an instant, of all that it named, in the order in which they were seen."""
    return [
        commit
        for number, commit in enumerate(moves)
        if commit.tagged_at <= at
        and all(at < later.seen_at for later in moves[number + 1 :])
        and all(earlier.seen_at < at for earlier in moves[:number])
    ]


def _name(service: str | None, name: str) -> str:
    """Return a tag or version without its own service before it; another service's name before an @ stays."""
    text = name.strip()
    if service:
        text = re.sub(rf"^{re.escape(service)}[-/_@](?=v?\d)", "", text, flags=re.IGNORECASE)
    return text if "@" in text else plain_version(text)
