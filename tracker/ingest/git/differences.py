"""What commits changed: counts, files, and the names of their patches."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tracker.events.version_files import PATTERNS, is_bookkeeping
from tracker.ingest.git.asking import (
    OPTIONS,
    SHA,
    TIME_LIMIT_SECONDS,
    decoded,
    environment,
    run_bounded,
    too_slow,
    trouble,
)

MOST_PATHS = 1000
"""A commit that touched more files than this has none of them named: it is not a fix."""

_DIFF = (
    *("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--ignore-submodules=none", "--diff-algorithm=myers", "--indent-heuristic"),
)
_STAT = (*_DIFF, "--always", "--shortstat")
_NAMES = (*_DIFF, "--always", "--name-only", "-z")
_PATCH = (
    *(*_DIFF, "-p", "-U3", "--inter-hunk-context=0", "--full-index"),
    *("--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"),
)
_WITHOUT_BOOKKEEPING = ("--", ".", *(f":(exclude,icase,glob)**/{pattern}" for pattern in PATTERNS))
_COUNTS = re.compile(rb"(\d+) (file|insertion|deletion)")

Pair = tuple[str, str]
"""A commit, and the one that it is compared with."""


@dataclass(frozen=True)
class Counts:
    """Files and lines that one commit changed."""

    files: int = 0
    added: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Differences:
    """What commits changed, by their hashes. What is not here is unknown.

    `brought` are the files in which a merge differs from its first parent, `fixes` the patches
    without bookkeeping of commits that touch some besides other files, `branches` those of
    all that a branch changed, by its head.
    """

    counts: Mapping[str, Counts] = field(default_factory=dict)
    patches: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    brought: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixes: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)


def differences(
    path: Path, git_dir: Path, plain: Sequence[str], merges: Sequence[Pair], branches: Sequence[Pair]
) -> Differences:
    """Compare commits with their parents, merges with their first ones, heads of branches with their forks."""
    if not (plain or merges or branches):
        return Differences()
    with _Scratch.made(path, git_dir) as scratch:
        counted, patches = scratch.counts_and_patches(plain)
        named = scratch.names([(sha,) for sha in plain])
        paths = {sha: names for sha, names in named.items() if len(names) <= MOST_PATHS}
        mixed = [
            sha
            for sha, names in paths.items()
            if 0 < sum(is_bookkeeping(name) for name in names) < len(names)
        ]
        return Differences(
            counts=counted,
            patches=patches,
            paths=paths,
            brought=scratch.names(merges),
            fixes=scratch.patches([(sha,) for sha in mixed], *_WITHOUT_BOOKKEEPING),
            branches=scratch.patches(sorted(set(branches)), *_WITHOUT_BOOKKEEPING),
        )


@dataclass(frozen=True)
class _Scratch:
    """An empty work tree and index that stand in for the real ones.

    Otherwise a clone with files would obey their .gitattributes, and a bare one would not,
    and their counts would differ.
    """

    path: Path
    folder: Path
    surroundings: Mapping[str, str]

    @classmethod
    @contextmanager
    def made(cls, path: Path, git_dir: Path) -> "Iterator[_Scratch]":
        """Make one that is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="tracker-git-") as folder:
            empty = Path(folder, "empty")
            empty.mkdir()
            surroundings = environment() | {
                "GIT_DIR": os.fspath(git_dir),
                "GIT_WORK_TREE": os.fspath(empty),
                "GIT_INDEX_FILE": os.fspath(empty / "index"),
            }
            yield cls(path, Path(folder), surroundings)

    def counts_and_patches(self, shas: Sequence[str]) -> tuple[dict[str, Counts], dict[str, str]]:
        """Count and name the patches side by side: both read the same contents."""
        if not shas:
            return {}, {}
        listed = self._listed([(sha,) for sha in shas])
        differ, name, answer = self._naming(listed)
        try:
            counted = self._run(_STAT, listed)
        finally:
            patches = self._named(differ, name, answer)
        return _counts(counted), patches

    def patches(self, pairs: Iterable[tuple[str, ...]], *which: str) -> dict[str, str]:
        """Name the patches, of some files only where these are given."""
        asked = list(pairs)
        return self._named(*self._naming(self._listed(asked), *which)) if asked else {}

    def names(self, pairs: Sequence[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Name the files that differ."""
        if not pairs:
            return {}
        left = iter([pair[0].encode() for pair in pairs])
        following, sha = next(left, None), ""
        found: dict[str, list[str]] = {}
        for piece in self._run(_NAMES, self._listed(pairs)).split(b"\0"):
            # The commits come as they were asked for, so a file that is called like a hash is a file.
            if piece == following:
                sha, following = decoded(piece), next(left, None)
                found[sha] = []
            elif piece:
                found[sha].append(decoded(piece))
        return {sha: tuple(names) for sha, names in found.items()}

    def _listed(self, pairs: Iterable[tuple[str, ...]]) -> Path:
        listed = self.folder / "asked"
        listed.write_text("".join(f"{' '.join(pair)}\n" for pair in pairs), encoding="ascii")
        return listed

    def _run(self, words: Sequence[str], listed: Path) -> bytes:
        with listed.open("rb") as asked:
            done = run_bounded(
                self.path, words, asked, TIME_LIMIT_SECONDS, cwd=self.folder / "empty", env=self.surroundings
            )
        if done.returncode:
            raise trouble(self.path, done.stderr)
        return done.stdout

    def _naming(
        self, listed: Path, *which: str
    ) -> "tuple[subprocess.Popen[bytes], subprocess.Popen[bytes], Path]":
        """Start to name patches; output goes to files, because a pipe can fill up."""
        answer = self.folder / "patches"
        with (
            listed.open("rb") as asked,
            answer.open("wb") as names,
            (self.folder / "said").open("wb") as said,
        ):
            differ = subprocess.Popen(
                ["git", *OPTIONS, *_PATCH, *which],
                stdin=asked, stdout=subprocess.PIPE, stderr=said,
                cwd=self.folder / "empty", env=self.surroundings,
            )  # fmt: skip
            name = subprocess.Popen(
                ["git", *OPTIONS, "patch-id", "--stable"],
                stdin=differ.stdout, stdout=names, stderr=subprocess.DEVNULL,
                cwd=self.folder / "empty", env=self.surroundings,
            )  # fmt: skip
        if differ.stdout is not None:
            differ.stdout.close()
        return differ, name, answer

    def _named(
        self, differ: "subprocess.Popen[bytes]", name: "subprocess.Popen[bytes]", answer: Path
    ) -> dict[str, str]:
        with _ended_in_time(self.path, differ, name):
            codes = differ.wait(TIME_LIMIT_SECONDS), name.wait(TIME_LIMIT_SECONDS)
        if any(codes):
            raise trouble(self.path, (self.folder / "said").read_bytes())
        pairs = (line.split(" ") for line in answer.read_text("ascii").splitlines())
        return {sha: patch for patch, sha in pairs}


@contextmanager
def _ended_in_time(path: Path, *running: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End these programs if one of them takes too long."""
    try:
        yield
    except subprocess.TimeoutExpired as hung:
        for program in running:
            program.kill()
            program.wait()
        raise too_slow(path, TIME_LIMIT_SECONDS) from hung


def _counts(listed: bytes) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    sha = ""
    for line in listed.split(b"\n"):
        if SHA.fullmatch(line):
            sha = line.decode()
            counts[sha] = Counts()
        elif line:
            counted = {what: int(number) for number, what in _COUNTS.findall(line)}
            counts[sha] = Counts(*(counted.get(what, 0) for what in (b"file", b"insertion", b"deletion")))
    return counts
