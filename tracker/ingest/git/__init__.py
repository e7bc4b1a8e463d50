"""Local git repositories: commits, tags and branches become observations.

`git` itself is asked, as a subprocess and never through a shell. What comes out is equal
whichever clone, worktree or folder it was read from, because an event's identity is its
content: settings, attributes, replacements and paths of this machine are kept out of it.
"""

from tracker.ingest.git.reading import HOTFIX_BRANCHES, MAIN_BRANCHES, head, read, tree_of, user_name
from tracker.ingest.git.refs import CloneState, clone_state

__all__ = [
    "HOTFIX_BRANCHES",
    "MAIN_BRANCHES",
    "CloneState",
    "clone_state",
    "head",
    "read",
    "tree_of",
    "user_name",
]
