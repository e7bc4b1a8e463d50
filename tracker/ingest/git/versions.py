"""Which version a version file states. A broken file states none; it never stops the reading."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tracker.events.version_files import VERSION_FILES
from tracker.ingest.git.asking import decoded, git, objects

_NOT_OURS = frozenset(("node_modules", "vendor", "third_party", "fixtures", "testdata", "tests", "test"))
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_PLAIN = re.compile(r"[vV]?\d+(?:\.\d+)+[\w.+-]{0,40}", re.ASCII)
_LARGEST = 1_000_000
_LONGEST = 100
_AT_ONCE = 500


def is_version_file(path: str) -> bool:
    """Whether a file's version is that of this software, and not of what it only carries along."""
    *folders, name = path.split("/")
    return name in VERSION_FILES and not _NOT_OURS.intersection(folders) and "\n" not in path


def stated_in(path: str, content: bytes) -> str | None:
    """Return the version that a file states; None without one, or where the file is broken."""
    name = path.rpartition("/")[2]
    try:
        if name == "VERSION":
            match = _PLAIN.fullmatch(content.decode("utf-8").strip())
            return match[0] if match else None
        found = _pom(content) if name == "pom.xml" else _table(name, content)
    except (ValueError, RecursionError, ElementTree.ParseError, LookupError):
        return None
    return found.strip()[:_LONGEST] or None if isinstance(found, str) else None


def _table(name: str, content: bytes) -> object:
    if name == "package.json":
        return _at(json.loads(content), "version")
    read = tomllib.loads(content.decode("utf-8"))
    if name == "Cargo.toml":
        return _at(read, "package", "version") or _at(read, "workspace", "package", "version")
    return _at(read, "project", "version") or _at(read, "tool", "poetry", "version")


def _at(value: Any, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _pom(content: bytes) -> str | None:
    # An entity may stand for a gigabyte; no pom.xml that Maven takes has one.
    if b"<!" in content.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        return None
    project = ElementTree.fromstring(content)
    space = project.tag.partition("}")[0] + "}" if project.tag.startswith("{") else ""
    found = project.findtext(f"{space}version") or project.findtext(f"{space}parent/{space}version")
    if found and (named := _PROPERTY.fullmatch(found.strip())):
        return project.findtext(f"{space}properties/{space}{named[1]}")
    return found


def stated_at(path: Path, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the versions that files state, each asked for by a commit and the file's path there."""
    asked = sorted(set(places))
    found: dict[tuple[str, str], str] = {}
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        names = [f"{sha}:{name}".encode("utf-8", "surrogateescape") for sha, name in some]
        for place, (kind, content) in zip(some, objects(path, names), strict=True):
            version = stated_in(place[1], content) if kind == b"blob" and len(content) <= _LARGEST else None
            if version is not None:
                found[place] = version
    return found


def version_files_at(path: Path, sha: str) -> list[str]:
    """Name the version files of one commit's tree."""
    listed = git(path, "ls-tree", "-r", "-z", "--full-tree", "--name-only", sha)
    return [name for name in map(decoded, listed.split(b"\0")) if name and is_version_file(name)]
