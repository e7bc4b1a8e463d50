"""The stylesheets and the script of the page, each under a name that changes with its content."""

import hashlib
from functools import cache
from pathlib import Path

from reports.html_style import STYLE

_FOLDER = Path(__file__).parent / "assets"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@cache
def assets() -> dict[str, bytes]:
    """Return the files by the name under which they are served."""
    files = {name: (_FOLDER / name).read_bytes() for name in ("page.css", "page.js")}
    files["report.css"] = STYLE.encode()
    return {_hashed(name, data): data for name, data in files.items()}


@cache
def address(name: str) -> str:
    """Return where a file is served."""
    stem, _, kind = name.partition(".")
    return f"/assets/{next(each for each in assets() if each.startswith(f'{stem}-') and each.endswith(kind))}"


def _hashed(name: str, data: bytes) -> str:
    stem, _, kind = name.partition(".")
    return f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}.{kind}"
