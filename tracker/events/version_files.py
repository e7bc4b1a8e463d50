"""Files that say which version this is and what is in it; a fix lies in others."""

from fnmatch import fnmatchcase

VERSION_FILES = ("package.json", "pyproject.toml", "pom.xml", "Cargo.toml", "VERSION")
"""Files whose version is read."""

PATTERNS = (
    *(name.lower() for name in VERSION_FILES),
    *("version.txt", "version.py", "_version.py", "__version__.py", "__about__.py", "version.rb"),
    *(
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "cargo.lock",
        "gemfile.lock",
    ),
    *("poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock", "requirements.lock", "composer.lock", "go.sum"),
    *("changelog*", "changes.md", "changes.rst", "changes.txt", "history.md", "news.md", "release_notes*"),
)
"""Names, in small letters and without their folder, of files that a version bump touches."""


def is_bookkeeping(path: str) -> bool:
    """Whether a file is one of these, in whatever folder it lies."""
    name = path.rpartition("/")[2].lower()
    return any(fnmatchcase(name, pattern) for pattern in PATTERNS)
