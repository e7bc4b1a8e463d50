"""Version files and changelogs; a change to them alone is not a fix."""

from fnmatch import fnmatchcase

VERSION_FILES = ("package.json", "pyproject.toml", "pom.xml", "Cargo.toml", "VERSION")
"""Files that the version is read from."""

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
"""Names, in lower case and without their folder, of files that a version bump changes."""


def is_bookkeeping(path: str) -> bool:
    """Whether a file is one of these, in any folder."""
    name = path.rpartition("/")[2].lower()
    return any(fnmatchcase(name, pattern) for pattern in PATTERNS)
