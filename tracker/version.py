"""The versions of the tracker and of installed packages."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

VERSION = "0.2.0"
"""pyproject.toml reads it here, so that it is known without an installation."""


def version(package: str = "tracker") -> str:
    """Return the version of the tracker or of a package; "unknown" if it is not installed."""
    if package == "tracker":
        return VERSION
    try:
        return installed(package)
    except PackageNotFoundError:
        return "unknown"
