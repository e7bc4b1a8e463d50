"""A fresh clone becomes a working tracker with one command, from names and hashes alone."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def set_up_files():
    """Name each file that set-up reads or runs."""
    files = [LOCK, ROOT / "pyproject.toml", ROOT / "Makefile"]
    for folder in (ROOT / ".ci", ROOT / ".github" / "workflows"):
        files += sorted(path for path in folder.rglob("*") if path.is_file())
    return files


def normal(name):
    """Write a package's name as the registry does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked():
    """Read the lock: each package's name with its pinned versions and the number of its hashes."""
    found = {}
    for block in LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        name, version = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", block).groups()
        found.setdefault(normal(name), []).append((version, block.count("--hash=sha256:")))
    return found


@pytest.mark.parametrize("path", set_up_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_set_up_names_no_host(path):
    """
    Where packages come from is the machine's business: no address is written into the project.
    """
    text = path.read_text(encoding="utf-8")

    assert ":" + "//" not in text
    assert not re.search(r"pythonhosted|pypi\.org|deb\.debian|npmjs", text)
    assert not re.search(r"(?m)^\s*(--index-url|--extra-index-url|--find-links|-i|-f)\b", text)


def test_each_locked_package_has_one_hash_at_least():
    """
    Nothing is installed that was not seen when the lock was made.
    """
    assert all(hashes for pins in locked().values() for _, hashes in pins)


def test_the_lock_holds_all_that_the_project_asks_for():
    """
    A dependency that is new in pyproject.toml needs `make lock`.
    """
    asked = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    names = {normal(re.match(r"[A-Za-z0-9._-]+", one).group()) for one in asked}

    assert names <= locked().keys()


def test_the_libraries_that_the_owners_fixed_are_installed():
    """
    They are locked, and they are what this very run imports.
    """
    fixed = {"eventsourcing", "matplotlib", "pandas", "prometheus-api-client", "pytest", "sentry-sdk"}

    for name in fixed:
        assert metadata.version(name) in [version for version, _ in locked()[name]]


def test_the_command_is_installed():
    """
    `tracker` calls tracker.cli.main.
    """
    [command] = metadata.entry_points(group="console_scripts", name="tracker")

    assert command.value == "tracker.cli:main"


def test_make_alone_lists_its_targets():
    """
    Each target that a developer types has a line of help.
    """
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for target in ("setup", "servers", "test", "check", "demo", "bench", "clean"):
        assert re.search(rf"^  make {target} +\S", shown, re.MULTILINE)


def test_shell_scripts_can_be_read():
    """
    bash finds no mistake of grammar in what CI and set-up run.
    """
    for script in [ROOT / ".ci" / "run", *sorted((ROOT / ".ci").glob("*.sh"))]:
        subprocess.run(["bash", "-n", script], check=True)
