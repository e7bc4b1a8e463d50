"""Branches, tags and remotes of a clone, and how its repository is called."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from tracker.ingest.git.asking import QUICK_SECONDS, SHA, decoded, git, maybe
from tracker.ingest.git.dates import instant

_REFS = (
    *("for-each-ref", "--format="),
    "%00".join(
        f"%({field})"
        for field in (
            *("refname", "symref", "objecttype", "objectname", "*objecttype", "*objectname"),
            *("taggerdate:raw", "taggername"),
        )
    ),
)


@dataclass(frozen=True)
class Ref:
    """A branch (by its short name) or a tag, and the commit it stands for."""

    name: str
    sha: str
    tagged: tuple[datetime, int] | None = None
    tagger: str | None = None


def folders(path: Path) -> tuple[Path, Path]:
    """Return git's own folder, and the one that all worktrees share.

    Asked before anything else, so that git's check of who owns the repository comes first.
    """
    lines = (
        git(path, "rev-parse", "--absolute-git-dir", "--git-common-dir", seconds=QUICK_SECONDS)
        .rstrip(b"\n")
        .split(b"\n")
    )
    return Path(os.fsdecode(lines[0])), (path / os.fsdecode(lines[-1])).resolve()


def settings_of(path: Path) -> list[tuple[str, str]]:
    """Return what git's settings say of remotes and of contents that are left with them."""
    pattern = r"^(remote\..*\.(url|promisor)|extensions\.partialclone)$"
    listed = maybe(path, "config", "-z", "--get-regexp", pattern) or b""
    pairs = (decoded(entry).partition("\n") for entry in listed.split(b"\0") if entry)
    return [(key, value) for key, _, value in pairs]


def remotes_of(settings: list[tuple[str, str]]) -> list[str]:
    """Name the remotes, origin first."""
    names = {key[len("remote.") : -len(".url")] for key, _ in settings if key.endswith(".url")}
    return sorted(names, key=lambda name: (name != "origin", name))


def repository_name(settings: list[tuple[str, str]], common_dir: Path) -> str:
    """Name the repository the way its other clones will, too: by its origin, else by its folder."""
    urls = [value for key, value in settings if key == "remote.origin.url"]
    for url in urls[-1:]:
        if "://" in url:
            try:
                way = urlsplit(url).path
            except ValueError:
                way = ""
        else:
            # host:path as scp writes it; a plain path has its colon, if any, behind a slash.
            before, colon, after = url.partition(":")
            way = after if colon and "/" not in before else url
        if name := _last_part(way):
            return name
    return _last_part(decoded(os.fsencode(common_dir))) or "repository"


def _last_part(way: str) -> str:
    parts = [part for part in way.split("/") if part not in ("", ".", "..")]
    if len(parts) > 1 and parts[-1] == ".git":
        parts.pop()
    return parts[-1].removesuffix(".git") if parts else ""


def refs_of(path: Path, remotes: list[str]) -> tuple[list[Ref], list[Ref], list[Ref]]:
    """Return local branches (and a HEAD that is on none), remote ones by preference, and tags."""
    local: list[Ref] = []
    remote: list[tuple[int, Ref]] = []
    tags: list[Ref] = []
    listed = git(path, _REFS[0], _REFS[1] + _REFS[2], "refs/heads", "refs/remotes", "refs/tags")
    for line in listed.split(b"\n"):
        if not line:
            continue
        name, symbolic, kind, sha, peeled_kind, peeled, date, tagger = line.split(b"\0")
        full = decoded(name)
        if kind == b"tag":
            if peeled_kind == b"tag":
                peeled = (
                    maybe(path, "rev-parse", "--quiet", "--verify", f"{decoded(sha)}^{{}}") or b""
                ).strip()
            if full.startswith("refs/tags/") and peeled:
                short = full.removeprefix("refs/tags/")
                tags.append(Ref(short, decoded(peeled), instant(date), decoded(tagger) or None))
        elif kind != b"commit" or symbolic:
            continue
        elif full.startswith("refs/tags/"):
            tags.append(Ref(full.removeprefix("refs/tags/"), decoded(sha)))
        elif full.startswith("refs/heads/"):
            local.append(Ref(full.removeprefix("refs/heads/"), decoded(sha)))
        else:
            short = full.removeprefix("refs/remotes/")
            owner = max((r for r in remotes if short.startswith(f"{r}/")), key=len, default=None)
            branch = short.removeprefix(f"{owner}/") if owner else short.partition("/")[2]
            rank = remotes.index(owner) if owner else len(remotes)
            remote.append((rank, Ref(branch, decoded(sha))))
    detached = maybe(path, "symbolic-ref", "--quiet", "HEAD") is None
    sha_of_head = maybe(path, "rev-parse", "--quiet", "--verify", "HEAD^{commit}") if detached else None
    if sha_of_head is not None:
        local.append(Ref("", decoded(sha_of_head.strip())))
    remote.sort(key=lambda ranked: ranked[0])
    return local, [ref for _, ref in remote], tags


def cut_off(common_dir: Path) -> frozenset[str]:
    """Name the commits at which a shallow clone was cut off: their own changes are unknown."""
    try:
        return frozenset(decoded(sha) for sha in SHA.findall((common_dir / "shallow").read_bytes()))
    except OSError:
        return frozenset()


@dataclass(frozen=True)
class CloneState:
    """Which branches a clone knows, local or of a remote, and whether its history was cut off."""

    branches: frozenset[str]
    is_shallow: bool


def clone_state(path: Path) -> CloneState:
    """Look at a clone without reading its commits.

    Raises:
        BadInputError: If the path is no repository, or one that git will not or cannot read.
        SourceUnreachableError: If there is no git on this machine.
    """
    _, common_dir = folders(path)
    local, remote, _ = refs_of(path, remotes_of(settings_of(path)))
    return CloneState(
        frozenset(each.name for each in (*local, *remote) if each.name), bool(cut_off(common_dir))
    )
