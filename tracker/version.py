"""Which version of the tracker this is, and of what it draws and counts with."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

VERSION = "0.2.0"
"""Ours; pyproject.toml reads it here, so that a bare folder knows it too."""


def version(package: str = "tracker") -> str:
    """Return our version, or an installed package's; "unknown" for one that is not installed."""
    if package == "tracker":
        return VERSION
    try:
        return installed(package)
    except PackageNotFoundError:
        return "unknown"
