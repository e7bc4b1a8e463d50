"""What commits changed: counts, and the names of their patches."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tracker.ingest.git.asking import OPTIONS, SHA, environment, trouble

_DIFF = (
    *("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--ignore-submodules=none", "--diff-algorithm=myers", "--indent-heuristic"),
)
_STAT = (*_DIFF, "--always", "--shortstat")
_PATCH = (
    *(*_DIFF, "-p", "-U3", "--inter-hunk-context=0", "--full-index"),
    *("--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"),
)
_COUNTS = re.compile(rb"(\d+) (file|insertion|deletion)")


@dataclass(frozen=True)
class Counts:
    """Files and lines that one commit changed."""

    files: int = 0
    added: int = 0
    deleted: int = 0


def differences(path: Path, git_dir: Path, shas: list[str]) -> tuple[dict[str, Counts], dict[str, str]]:
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
        surroundings = environment() | {
            "GIT_DIR": os.fspath(git_dir),
            "GIT_WORK_TREE": os.fspath(empty),
            "GIT_INDEX_FILE": os.fspath(empty / "index"),
        }
        with listed.open("rb") as asked, patched.open("wb") as answer, said.open("wb") as errors:
            differ = subprocess.Popen(
                ["git", *OPTIONS, *_PATCH],
                stdin=asked, stdout=subprocess.PIPE, stderr=errors, cwd=empty, env=surroundings,
            )  # fmt: skip
            name = subprocess.Popen(
                ["git", *OPTIONS, "patch-id", "--stable"],
                stdin=differ.stdout, stdout=answer, stderr=subprocess.DEVNULL, cwd=empty, env=surroundings,
            )  # fmt: skip
            if differ.stdout is not None:
                differ.stdout.close()
            try:
                with listed.open("rb") as again:
                    counted = subprocess.run(
                        ["git", *OPTIONS, *_STAT],
                        stdin=again, capture_output=True, cwd=empty, env=surroundings, check=False,
                    )  # fmt: skip
            finally:
                codes = (differ.wait(), name.wait())
        if counted.returncode or any(codes):
            raise trouble(path, counted.stderr or said.read_bytes())
        pairs = (line.split(" ") for line in patched.read_text("ascii").splitlines())
        patches = {sha: patch for patch, sha in pairs}
    return _counts(counted.stdout), patches


def _counts(listed: bytes) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    sha = ""
    for line in listed.split(b"\n"):
        if SHA.fullmatch(line):
            sha = line.decode()
            counts[sha] = Counts()
        elif line:
            said = {what: int(number) for number, what in _COUNTS.findall(line)}
            counts[sha] = Counts(said.get(b"file", 0), said.get(b"insertion", 0), said.get(b"deletion", 0))
    return counts
