"""One hotfix: its branch, commits and version, and the deploy that carried it out."""

import re
from dataclasses import dataclass
from datetime import datetime

from projections.changes import ChangeRow
from projections.procedure.history import CommitNode, History
from projections.versions import plain_version

_NUMBERED = re.compile(r"(?:.*[-/@_])?(v?\d+(?:\.\d+)+)", re.ASCII)


@dataclass(frozen=True, eq=False)
class Hotfix:
    """One hotfix. `commits` are its own, oldest first; without a `branch` it is what a deploy brought.

    `seen_at` is when its head was committed, which may be known where the commit itself is not.
    `base` is the commit that it began on, and `base_is_known` says that its branch told so:
    otherwise `base` is the production version before, and some of `commits` may be others'.
    `release` are the commits that may carry its tag: its head, the merges into production,
    what was deployed. `is_whole` says that nothing is missing between base and head.
    """

    history: History
    branch: str | None
    head: str
    seen_at: datetime
    commits: tuple[CommitNode, ...]
    base: str | None
    base_branch: str | None
    base_is_known: bool
    is_whole: bool
    patch_id: str | None = None
    stated_versions: dict[str, str] | None = None
    events: tuple[str, ...] = ()
    deploy: ChangeRow | None = None
    version: str | None = None
    release: tuple[str, ...] = ()

    @property
    def fixes(self) -> tuple[CommitNode, ...]:
        """Its commits without merges, version bumps and those that changed nothing."""
        plain = (commit for commit in self.commits if not commit.is_merge and not commit.is_bump)
        return tuple(commit for commit in plain if commit.fact.files_changed != 0)

    @property
    def bumps(self) -> tuple[CommitNode, ...]:
        return tuple(commit for commit in self.commits if not commit.is_merge and commit.is_bump)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.branch or self.version or self.head[:7]

    @property
    def began_at(self) -> datetime:
        """When its first commit was made."""
        return min((commit.authored_at for commit in self.commits), default=self.seen_at)

    @property
    def paths(self) -> frozenset[str]:
        """The files that it fixed; empty where they are unknown."""
        return frozenset(path for commit in self.fixes for path in commit.fix_paths)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The events that it is known by."""
        own = (event for commit in self.commits for event in commit.events)
        return tuple(dict.fromkeys((*self.events, *own)))


def deployed_commit(history: History, deploy: ChangeRow) -> str | None:
    """Return the commit that a deploy names, by itself or in its version; None where it is not known."""
    return history.resolve(deploy.sha or plain_version(deploy.version))


def version_in(text: str | None) -> str | None:
    """Return the version that a name ends with: hotfix/v1.2.1 is v1.2.1's."""
    numbered = _NUMBERED.fullmatch(text or "")
    return numbered[1] if numbered else None


def is_numbered(version: str | None) -> bool:
    """Whether a version is numbers with dots, and not the first digits of a commit."""
    return _NUMBERED.fullmatch(version or "") is not None
