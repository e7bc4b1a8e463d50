"""The demo's git repository, from a bundle, without the user's git settings."""

import os
import subprocess
from pathlib import Path


def clean_environment() -> dict[str, str]:
    """Return an environment in which git uses its default settings only."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    return kept | {
        "HOME": os.devnull,
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def unpack(bundle: Path, folder: Path) -> str | None:
    """Create a repository from a bundle, with all its branches local; return what failed, or None.

    Fetched and not cloned: a clone would record the path of the bundle as its origin.
    """
    folder.mkdir()
    for words in (
        ("init", "--quiet", "--initial-branch=main", "--template="),
        ("fetch", "--quiet", "--update-head-ok", str(bundle.absolute()), "refs/*:refs/*"),
        ("reset", "--quiet", "--hard", "main"),
    ):
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *words],
                env=clean_environment(), capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            folder.rmdir()
            return "git is not installed"
        except (OSError, subprocess.TimeoutExpired) as wrong:
            return f"git cannot be run: {wrong}"
        if done.returncode:
            return f"git {words[0]}: {done.stderr.strip().splitlines()[-1]}"
    return None
