"""Which commit a version names that is a tag, as far as repositories were read."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from projections.versions import UNKNOWN, Version, commit_of, plain_version
from tracker.events.changes import Change, VersionTagged
from tracker.events.corrections import Effective


class TaggedCommit(NamedTuple):
    """A commit that a tag named: since when, and when it was first seen there."""

    sha: str
    event: str
    tagged_at: datetime
    seen_at: datetime


class Tags:
    """The tags of some services, each with the commits that it named.

    A tag that was moved named its first commit until it was last seen there, and its second one from when it
    was first seen there; in between it is unknown which. So it is with one tag of two repositories.
    """

    def __init__(self, facts: Iterable[Effective] = ()) -> None:
        self._known: dict[tuple[str | None, str], dict[str, list[TaggedCommit]]] = {}
        tags = (fact for fact in facts if isinstance(fact.event, VersionTagged))
        for fact in sorted(tags, key=lambda fact: fact.recorded.position):
            event = fact.event
            assert isinstance(event, VersionTagged)
            key = (event.service, _name(event.service, event.name))
            commits = self._known.setdefault(key, {}).setdefault(event.repository, [])
            if event.sha and event.sha not in [commit.sha for commit in commits]:
                seen_at = fact.recorded.recorded_at
                commits.append(TaggedCommit(event.sha, fact.id, event.occurred_at, seen_at))

    def of(self, change: Change) -> list[TaggedCommit]:
        """Return what a change's version may have named as a tag: several where the tag was moved around then.

        A commit or tag that was made afterwards is not what was deployed.
        """
        if not self._known or change.version == UNKNOWN or commit_of(change) is not None:
            return []
        at = change.occurred_at + timedelta(seconds=change.precision_seconds)
        repositories = self._known.get((change.service, _name(change.service, change.version)), {})
        return [commit for moves in repositories.values() for commit in _possible(moves, at)]

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
