"""Local git repositories: commits, tags and branches become observations.

`git` itself is asked, as a subprocess and never through a shell. What comes out is equal
whichever clone, worktree or folder it was read from, because an event's identity is its
content: settings, attributes, replacements and paths of this machine are kept out of it.
"""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tracker.errors import BadInputError, SourceUnreachableError, TrackerError, UsageError
from tracker.events.base import Arrival, Incoming, Observation
from tracker.events.changes import BranchSeen, CommitMade, VersionTagged
from tracker.times import utc

MAIN_BRANCHES = ("main", "master", "develop", "development")
"""Branches that others fork from; where a fork could be of two, the first named wins."""

_NO_ARRIVAL = Arrival()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A hook or a CI job may run us with GIT_DIR set, which would win over the path we were given.
# What says where a user's own settings lie is kept: safe.directory stands there.
_KEPT = re.compile(
    r"GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)"
    r"|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|EXEC_PATH)"
)
_SET = {
    "LC_ALL": "C",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
# The first two could run a program of the repository's choice, the others change counts.
_OPTIONS = (
    *("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", f"core.attributesFile={os.devnull}", "-c", "core.bigFileThreshold=512m"),
)
_LOG = (
    *("log", "-z", "--stdin", "--no-show-signature", "--no-decorate", "--no-mailmap", "--no-notes"),
    *("--encoding=UTF-8", "--date=raw", "--format=%H%n%P%n%cd%n%an%n%s"),
)
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
_DIFF = (
    *("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--ignore-submodules=none", "--diff-algorithm=myers", "--indent-heuristic"),
)
_STAT = (*_DIFF, "--always", "--shortstat")
_PATCH = (
    *(*_DIFF, "-p", "-U3", "--inter-hunk-context=0", "--full-index"),
    *("--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"),
)

_DATE = re.compile(rb"(-?\d+) ([+-])(\d{2,})(\d{2})")
_RAW_DATE = re.compile(rb"^committer .*> (-?\d+ [+-]\d+)$", re.MULTILINE)
_SHA = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_COUNTS = re.compile(rb"(\d+) (file|insertion|deletion)")
_NOT_OURS = re.compile(
    r"(?:dubious ownership in repository at |unsafe repository \()'(.+?)'(?:$|\s)", re.MULTILINE
)


@dataclass(frozen=True)
class _Commit:
    sha: str
    parents: tuple[str, ...]
    at: datetime
    offset_minutes: int
    author: str
    subject_line: str


@dataclass(frozen=True)
class _Ref:
    """A branch (by the name people say) or a tag, and the commit it stands for."""

    name: str
    sha: str
    tagged: tuple[datetime, int] | None = None
    tagger: str | None = None


@dataclass(frozen=True)
class _Counts:
    files: int = 0
    added: int = 0
    deleted: int = 0


def read(
    path: Path,
    *,
    service: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    arrival: Arrival = _NO_ARRIVAL,
    main_branches: Sequence[str] = MAIN_BRANCHES,
) -> list[Incoming]:
    """Read the commits, tags and branches of a repository, oldest first.

    The span has both its ends in it; a branch lies where its newest commit does. A merge
    has no counts and no patch id, and neither has what a shallow or partial clone lacks
    the contents for: those are unknown, not zero.

    Raises:
        BadInputError: If the path is no repository, or one that git will not or cannot read.
        SourceUnreachableError: If there is no git on this machine.
        UsageError: If the span ends before it starts.
    """
    if since is not None and until is not None and since > until:
        raise UsageError(
            f"the span ends ({utc(until)}) before it starts ({utc(since)})",
            hint="Give the earlier instant first: --from T --to T",
        )
    git_dir, common_dir = _folders(path)
    settings = _settings(path)
    repository = _repository(settings, common_dir)
    remotes = _remotes(settings)
    local, remote, tags = _refs(path, remotes)
    commits = _commits(path, [*local, *remote, *tags], common_dir)
    inside = {
        sha: commit
        for sha, commit in commits.items()
        if (since is None or commit.at >= since) and (until is None or commit.at <= until)
    }
    partial = any(key == "extensions.partialclone" or key.endswith(".promisor") for key, _ in settings)
    cut = _shallow(common_dir)
    whole = [] if partial else [c.sha for c in inside.values() if len(c.parents) < 2 and c.sha not in cut]
    counts, patches = _differences(path, git_dir, whole)

    found: list[Observation] = []
    for commit in inside.values():
        count = counts.get(commit.sha)
        found.append(
            CommitMade(
                occurred_at=commit.at,
                precision_seconds=1.0,
                utc_offset_minutes=commit.offset_minutes,
                source="git",
                service=service,
                repository=repository,
                sha=commit.sha,
                subject_line=commit.subject_line,
                author=commit.author,
                parents=commit.parents,
                files_changed=count.files if count else None,
                lines_added=count.added if count else None,
                lines_deleted=count.deleted if count else None,
                patch_id=patches.get(commit.sha),
            )
        )
    for tag in tags:
        if tag.sha not in commits:
            continue
        commit = commits[tag.sha]
        at, offset_minutes = tag.tagged or (commit.at, commit.offset_minutes)
        if (since is None or at >= since) and (until is None or at <= until):
            found.append(
                VersionTagged(
                    occurred_at=at,
                    precision_seconds=1.0,
                    utc_offset_minutes=offset_minutes,
                    source="git",
                    service=service,
                    repository=repository,
                    name=tag.name,
                    sha=tag.sha,
                    tagger=tag.tagger,
                )
            )
    forks = _Forks(commits, [*local, *remote], main_branches)
    named: set[str] = set()
    for branch in (*local, *remote):
        if branch.name in named or not branch.name:
            continue
        named.add(branch.name)
        if branch.sha not in inside:
            continue
        commit = inside[branch.sha]
        fork_point, fork_branch = forks.of(branch)
        found.append(
            BranchSeen(
                occurred_at=commit.at,
                precision_seconds=1.0,
                utc_offset_minutes=commit.offset_minutes,
                source="git",
                service=service,
                repository=repository,
                name=branch.name,
                sha=branch.sha,
                fork_point=fork_point,
                fork_branch=fork_branch,
            )
        )
    found.sort(key=lambda event: (event.occurred_at, event.RANK))
    return [Incoming(event=event, arrival=arrival) for event in found]


def head(path: Path) -> tuple[str, bool]:
    """Return the commit that is checked out, and whether tracked files differ from it.

    Files that git does not track do not count, as in `git describe --dirty`.

    Raises:
        BadInputError: If the path is no repository, or one without a commit.
        SourceUnreachableError: If there is no git on this machine.
    """
    _folders(path)
    sha = _maybe(path, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if sha is None:
        raise BadInputError(
            f"{path}: the repository has no commit yet", hint="Name the commit yourself: --sha SHA"
        )
    if _git(path, "rev-parse", "--is-inside-work-tree").strip() != b"true":
        return sha.strip().decode(), False
    changed = _git(path, "status", "--porcelain", "-z", "--untracked-files=no")
    return sha.strip().decode(), bool(changed)


def user_name(path: Path) -> str | None:
    """Return git's user.name as it holds in this folder; None without one, or without git."""
    try:
        name = _maybe(path, "config", "--get", "user.name")
    except TrackerError:
        return None
    return _text(name or b"").strip() or None


class _Forks:
    """Where branches left the main ones.

    Walks first parents only: a fork stays where it was after the branch is merged back,
    which `git merge-base` forgets (it then answers the branch's own head).
    """

    def __init__(self, commits: dict[str, _Commit], branches: Iterable[_Ref], names: Sequence[str]) -> None:
        self._commits = commits
        self._names = frozenset(names)
        self._chains: dict[str, set[str]] = {name: set() for name in names}
        for branch in branches:
            # A clone's own main may lag behind origin's: a commit of either is one of main.
            if branch.name in self._chains:
                self._chains[branch.name].update(self._first_parents(branch.sha))

    def of(self, branch: _Ref) -> tuple[str | None, str | None]:
        """Return commit and branch; none for a main branch, or when it has no commit of its own."""
        if branch.name in self._names:
            return None, None
        for sha in self._first_parents(branch.sha):
            for name, chain in self._chains.items():
                if sha in chain:
                    return (None, None) if sha == branch.sha else (sha, name)
        return None, None

    def _first_parents(self, sha: str) -> Iterable[str]:
        commit = self._commits.get(sha)
        while commit is not None:
            yield commit.sha
            commit = self._commits.get(commit.parents[0]) if commit.parents else None


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
    _, common_dir = _folders(path)
    local, remote, _ = _refs(path, _remotes(_settings(path)))
    return CloneState(
        frozenset(each.name for each in (*local, *remote) if each.name), bool(_shallow(common_dir))
    )


def _folders(path: Path) -> tuple[Path, Path]:
    """Return git's own folder, and the one that all worktrees share.

    Asked before anything else, so that git's check of who owns the repository comes first.
    """
    lines = _git(path, "rev-parse", "--absolute-git-dir", "--git-common-dir").rstrip(b"\n").split(b"\n")
    return Path(os.fsdecode(lines[0])), (path / os.fsdecode(lines[-1])).resolve()


def _settings(path: Path) -> list[tuple[str, str]]:
    pattern = r"^(remote\..*\.(url|promisor)|extensions\.partialclone)$"
    listed = _maybe(path, "config", "-z", "--get-regexp", pattern) or b""
    pairs = (_text(entry).partition("\n") for entry in listed.split(b"\0") if entry)
    return [(key, value) for key, _, value in pairs]


def _remotes(settings: list[tuple[str, str]]) -> list[str]:
    """Name the remotes, origin first."""
    names = {key[len("remote.") : -len(".url")] for key, _ in settings if key.endswith(".url")}
    return sorted(names, key=lambda name: (name != "origin", name))


def _repository(settings: list[tuple[str, str]], common_dir: Path) -> str:
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
    return _last_part(_text(os.fsencode(common_dir))) or "repository"


def _last_part(way: str) -> str:
    parts = [part for part in way.split("/") if part not in ("", ".", "..")]
    if len(parts) > 1 and parts[-1] == ".git":
        parts.pop()
    return parts[-1].removesuffix(".git") if parts else ""


def _refs(path: Path, remotes: list[str]) -> tuple[list[_Ref], list[_Ref], list[_Ref]]:
    """Return local branches (and a HEAD that is on none), remote ones by preference, and tags."""
    local: list[_Ref] = []
    remote: list[tuple[int, _Ref]] = []
    tags: list[_Ref] = []
    listed = _git(path, _REFS[0], _REFS[1] + _REFS[2], "refs/heads", "refs/remotes", "refs/tags")
    for line in listed.split(b"\n"):
        if not line:
            continue
        name, symbolic, kind, sha, peeled_kind, peeled, date, tagger = line.split(b"\0")
        full = _text(name)
        if kind == b"tag":
            if peeled_kind == b"tag":
                peeled = (
                    _maybe(path, "rev-parse", "--quiet", "--verify", f"{_text(sha)}^{{}}") or b""
                ).strip()
            if full.startswith("refs/tags/") and peeled:
                short = full.removeprefix("refs/tags/")
                tags.append(_Ref(short, _text(peeled), _instant(date), _text(tagger) or None))
        elif kind != b"commit" or symbolic:
            continue
        elif full.startswith("refs/tags/"):
            tags.append(_Ref(full.removeprefix("refs/tags/"), _text(sha)))
        elif full.startswith("refs/heads/"):
            local.append(_Ref(full.removeprefix("refs/heads/"), _text(sha)))
        else:
            short = full.removeprefix("refs/remotes/")
            owner = max((r for r in remotes if short.startswith(f"{r}/")), key=len, default=None)
            branch = short.removeprefix(f"{owner}/") if owner else short.partition("/")[2]
            rank = remotes.index(owner) if owner else len(remotes)
            remote.append((rank, _Ref(branch, _text(sha))))
    detached = _maybe(path, "symbolic-ref", "--quiet", "HEAD") is None
    sha_of_head = _maybe(path, "rev-parse", "--quiet", "--verify", "HEAD^{commit}") if detached else None
    if sha_of_head is not None:
        local.append(_Ref("", _text(sha_of_head.strip())))
    remote.sort(key=lambda ranked: ranked[0])
    return local, [ref for _, ref in remote], tags


def _commits(path: Path, refs: list[_Ref], common_dir: Path) -> dict[str, _Commit]:
    """Return every commit behind these, parents before children where their clocks agree.

    One call for all: 56,000 commits/s. It is not given the span, since `git log --since`
    stops at the first commit with a slow clock and loses what lies behind it.
    """
    if not refs:
        return {}
    asked = "\n".join(sorted({ref.sha for ref in refs})).encode() + b"\n"
    entries = [entry.split(b"\n", 4) for entry in _git(path, *_LOG, given=asked).split(b"\0") if entry]
    cut = _shallow(common_dir)
    # Git shows no date before 1970, and says that a shallow clone's oldest commits have no parents.
    odd = [sha for sha, _, date, _, _ in entries if _instant(date) is None or _text(sha) in cut]
    raw = _raw_commits(path, odd)
    commits: dict[str, _Commit] = {}
    for sha, parents, date, author, subject_line in reversed(entries):
        if sha in raw:
            header = raw[sha].partition(b"\n\n")[0]
            parents = b" ".join(row[7:] for row in header.split(b"\n") if row.startswith(b"parent "))
            match = _RAW_DATE.search(header)
            date = match[1] if match else b""
        at, offset_minutes = _instant(date) or (_EPOCH, 0)
        commits[_text(sha)] = _Commit(
            sha=_text(sha),
            parents=tuple(_text(parents).split()),
            at=at,
            offset_minutes=offset_minutes,
            author=_text(author),
            subject_line=_text(subject_line),
        )
    return commits


def _raw_commits(path: Path, shas: list[bytes]) -> dict[bytes, bytes]:
    if not shas:
        return {}
    listed = _git(path, "cat-file", "--batch", given=b"\n".join(shas) + b"\n")
    raw: dict[bytes, bytes] = {}
    start = 0
    while start < len(listed):
        end = listed.index(b"\n", start)
        words = listed[start:end].split(b" ")
        start = end + 1
        if len(words) == 3:
            size = int(words[2])
            raw[words[0]] = listed[start : start + size]
            start += size + 1
    return raw


def _shallow(common_dir: Path) -> frozenset[str]:
    """Name the commits at which a shallow clone was cut off: their own changes cannot be told."""
    try:
        return frozenset(_text(sha) for sha in _SHA.findall((common_dir / "shallow").read_bytes()))
    except OSError:
        return frozenset()


def _differences(path: Path, git_dir: Path, shas: list[str]) -> tuple[dict[str, _Counts], dict[str, str]]:
    """Count what each commit changed, and name its patch; both ask git once, side by side.

    An empty work tree and index stand in for the real ones. Otherwise a clone with files
    would obey their .gitattributes, and a bare one would not, and their counts would differ.
    """
    if not shas:
        return {}, {}
    with tempfile.TemporaryDirectory(prefix="tracker-git-") as scratch:
        empty = Path(scratch, "empty")
        empty.mkdir()
        listed, patched, said = (Path(scratch, name) for name in ("shas", "patches", "said"))
        listed.write_text("\n".join(shas) + "\n", encoding="ascii")
        environment = _environment() | {
            "GIT_DIR": os.fspath(git_dir),
            "GIT_WORK_TREE": os.fspath(empty),
            "GIT_INDEX_FILE": os.fspath(empty / "index"),
        }
        with listed.open("rb") as asked, patched.open("wb") as answer, said.open("wb") as errors:
            differ = subprocess.Popen(
                ["git", *_OPTIONS, *_PATCH],
                stdin=asked, stdout=subprocess.PIPE, stderr=errors, cwd=empty, env=environment,
            )  # fmt: skip
            name = subprocess.Popen(
                ["git", *_OPTIONS, "patch-id", "--stable"],
                stdin=differ.stdout, stdout=answer, stderr=subprocess.DEVNULL, cwd=empty, env=environment,
            )  # fmt: skip
            if differ.stdout is not None:
                differ.stdout.close()
            try:
                with listed.open("rb") as again:
                    counted = subprocess.run(
                        ["git", *_OPTIONS, *_STAT],
                        stdin=again, capture_output=True, cwd=empty, env=environment, check=False,
                    )  # fmt: skip
            finally:
                codes = (differ.wait(), name.wait())
        if counted.returncode or any(codes):
            raise _trouble(path, counted.stderr or said.read_bytes())
        pairs = (line.split(" ") for line in patched.read_text("ascii").splitlines())
        patches = {sha: patch for patch, sha in pairs}
    return _counts(counted.stdout), patches


def _counts(listed: bytes) -> dict[str, _Counts]:
    counts: dict[str, _Counts] = {}
    sha = ""
    for line in listed.split(b"\n"):
        if _SHA.fullmatch(line):
            sha = line.decode()
            counts[sha] = _Counts()
        elif line:
            said = {what: int(number) for number, what in _COUNTS.findall(line)}
            counts[sha] = _Counts(said.get(b"file", 0), said.get(b"insertion", 0), said.get(b"deletion", 0))
    return counts


def _instant(date: bytes) -> tuple[datetime, int] | None:
    """Read git's raw date, seconds since 1970 and an offset; None if it is not one."""
    match = _DATE.fullmatch(date)
    if match is None:
        return None
    try:
        at = _EPOCH + timedelta(seconds=int(match[1]))
    except (OverflowError, ValueError):
        return None
    minutes = int(match[3][-4:]) * 60 + int(match[4])
    if minutes >= 24 * 60:
        minutes = 0
    return at, -minutes if match[2] == b"-" else minutes


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "LANGUAGE" and (not name.startswith("GIT_") or _KEPT.fullmatch(name))
    }
    return kept | _SET


def _run(path: Path, words: Sequence[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *_OPTIONS, "-C", os.fspath(path), *words],
            input=given, capture_output=True, env=_environment(), check=False,
        )  # fmt: skip
    except ValueError as unusable:
        raise BadInputError(f"{path} is not a git repository", hint=_OTHER_FOLDER) from unusable
    except OSError as missing:
        raise SourceUnreachableError(
            f"git cannot be run: {missing.strerror or missing}", hint="Install it with: apt-get install git"
        ) from missing


def _git(path: Path, *words: str, given: bytes = b"") -> bytes:
    done = _run(path, words, given)
    if done.returncode:
        raise _trouble(path, done.stderr)
    return done.stdout


def _maybe(path: Path, *words: str) -> bytes | None:
    """Ask what may have no answer, which git says with exit code 1."""
    done = _run(path, words, b"")
    if done.returncode not in (0, 1):
        raise _trouble(path, done.stderr)
    return None if done.returncode else done.stdout


_OTHER_FOLDER = "Name the folder of a clone: tracker ingest git PATH"


def _trouble(path: Path, said: bytes) -> BadInputError:
    text = _text(said).strip()
    if match := _NOT_OURS.search(text):
        return BadInputError(
            f"{path}: git does not read it, because the repository belongs to another user",
            hint=f"If you trust it: git config --global --add safe.directory {shlex.quote(match[1])}",
        )
    if "not a git repository" in text:
        return BadInputError(f"{path} is not a git repository", hint=_OTHER_FOLDER)
    if "cannot change to" in text:
        return BadInputError(f"{path} is not a git repository: there is no such folder", hint=_OTHER_FOLDER)
    reason = next((line for line in text.splitlines() if line.startswith("fatal: ")), text.partition("\n")[0])
    return BadInputError(
        f"{path}: git cannot read it: {reason.removeprefix('fatal: ') or 'it gave no reason'}",
        hint=f"See what is broken with: git -C {shlex.quote(os.fspath(path))} fsck",
    )
