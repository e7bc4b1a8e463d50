"""Which branches a merge joined, by what git and the forges write into its first line.

The branch itself is often deleted after the merge.
"""

import re

from tracker.text.patterns import lazy_pattern

_BY_GIT = lazy_pattern(r"Merge (remote-tracking )?branch(?:es)? (?=')(.*)")
_QUOTED = lazy_pattern(r"'([^']+)'")
_INTO = lazy_pattern(r" (?:into|of) \S+.*$")
_BY_FORGE = (
    lazy_pattern(r"Merge pull request #\d+ from [^/\s]+/(\S+)"),
    lazy_pattern(r"Merge pull request #\d+ in \S+ from (\S+) to \S+"),
    lazy_pattern(r"Merged in (\S+) \(pull request #\d+\)"),
)
# "merge: hotfix v1.2.1 to develop", as people write who resolved a conflict.
_BY_HAND = lazy_pattern(
    r"merged?:? (?:branch )?'?([\w.-]+)[/ ]([\w./-]*[\w])'?(?: (?:in)?to \S+)?", re.IGNORECASE
)


def joined_branches(subject_line: str, parents: int) -> dict[int, str]:
    """Return the names of the branches by the number of the parent; empty if they are not named."""
    names: list[str] = []
    if by_git := _BY_GIT.match(subject_line):
        listed = _INTO.sub("", by_git[2])
        names = _QUOTED.findall(listed)
        if by_git[1]:
            names = [name.partition("/")[2] or name for name in names]
    else:
        for pattern in _BY_FORGE:
            if by_forge := pattern.match(subject_line):
                names = [by_forge[1]]
        if not names and (by_hand := _BY_HAND.fullmatch(subject_line)) and by_hand[2] not in ("to", "into"):
            names = [f"{by_hand[1]}/{by_hand[2]}"]
    # If git left out a branch that was merged already, it is unknown which parent is whose.
    if len(names) != parents - 1:
        return {}
    return dict(enumerate(names, 1))
