"""Which version of the tracker this is."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version(package: str = "tracker") -> str:
    """Return an installed package's version; "unknown" when run from a bare folder."""
    try:
        return installed(package)
    except PackageNotFoundError:
        return "unknown"
