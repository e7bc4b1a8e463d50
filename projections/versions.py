"""Whether two versions are the same: by their commits where both name one, else by their names."""

import re
from typing import NamedTuple, Protocol

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_SHORT_SHA = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,39}", re.ASCII)
SHORTEST_SHA = 7


UNKNOWN = "unknown"
"""What is recorded as the version of a deploy or rollback of which nobody named one."""


class Named(Protocol):
    """Whatever names a version, and perhaps its commit."""

    @property
    def version(self) -> str: ...
    @property
    def sha(self) -> str | None: ...


class Version(NamedTuple):
    """A version as it was written, and its commit where that was named."""

    version: str
    sha: str | None = None


def plain_version(version: str) -> str:
    """Strip what sources put around a version; a whole commit hash is cut to its first seven digits."""
    text = version.rsplit("@", 1)[-1].strip()
    if _SHA.fullmatch(text):
        return text[:SHORTEST_SHA]
    return text[1:] if text[:1] in "vV" and text[1:2].isdigit() else text


def same_name(first: str, second: str) -> bool:
    """Whether two names are of one version: v1.2.1, 1.2.1 and checkout@1.2.1 are."""
    return plain_version(first) == plain_version(second)


def same_commit(one: str, other: str) -> bool:
    """Whether two hashes, either of them perhaps shortened, name one commit."""
    one, other = one.lower(), other.lower()
    short = min(len(one), len(other))
    return one == other or (short >= SHORTEST_SHA and one[:short] == other[:short])


def commit_of(named: Named) -> str | None:
    """Return the commit that a version names, by itself or by being its hash; None where it names none."""
    if named.sha:
        return named.sha
    text = named.version.rsplit("@", 1)[-1].strip().lower()
    return text if _SHA.fullmatch(text) or _SHORT_SHA.fullmatch(text) else None


def same_version(first: Named, second: Named) -> bool:
    """Whether two are one version: a commit under two names is one, a name of two commits is two.

    What nobody named is the same as nothing.
    """
    one, other = commit_of(first), commit_of(second)
    if one is not None and other is not None:
        return same_commit(one, other)
    if UNKNOWN in (first.version, second.version):
        return False
    return same_name(first.version, second.version)


class Versions:
    """A set of versions that is asked by `same_version`."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[Version]] = {}

    def add(self, version: Named) -> None:
        added = Version(version.version, version.sha)
        for key in self._keys(added):
            known = self._by_key.setdefault(key, [])
            if added not in known:
                known.append(added)

    def has(self, asked: Named) -> bool:
        near = (version for key in self._keys(asked) for version in self._by_key.get(key, ()))
        return any(same_version(asked, version) for version in near)

    def _keys(self, named: Named) -> set[str]:
        commit = commit_of(named)
        return {plain_version(named.version), *([commit[:SHORTEST_SHA].lower()] if commit else [])}
