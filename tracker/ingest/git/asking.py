"""Running `git`, as a subprocess and never through a shell, without the user's settings."""

import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from tracker.errors import BadInputError, SourceUnreachableError
from tracker.text.shell import word

# A hook or a CI job may run us with GIT_DIR set, which would win over the path we were given.
# The location of the user's own settings is kept: safe.directory is set there.
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
OPTIONS = (
    *("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", f"core.attributesFile={os.devnull}", "-c", "core.bigFileThreshold=512m"),
)
SHA = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NOT_OURS = re.compile(
    r"(?:dubious ownership in repository at |unsafe repository \()'(.+?)'(?:$|\s)", re.MULTILINE
)
TIME_LIMIT_SECONDS = 120.0
MOST_BYTES = 256 << 20
"""So much of one answer is kept in memory."""
_MOST_COMPLAINT = 64 << 10
QUICK_SECONDS = 10.0
"""For what names one commit: a command that runs something else waits for it."""
_OTHER_FOLDER = "Name the folder of a clone: tracker ingest git PATH"


def environment() -> dict[str, str]:
    """Return ours without what would steer git, and with what keeps this machine out of its answers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "LANGUAGE" and (not name.startswith("GIT_") or _KEPT.fullmatch(name))
    }
    return kept | _SET


def git(path: Path, *words: str, given: bytes = b"", seconds: float = TIME_LIMIT_SECONDS) -> bytes:
    done = _run(path, words, given, seconds)
    if done.returncode:
        raise trouble(path, done.stderr)
    return done.stdout


def maybe(path: Path, *words: str, seconds: float = TIME_LIMIT_SECONDS) -> bytes | None:
    """Return the answer, or None where there is none, which git says with exit code 1."""
    done = _run(path, words, b"", seconds)
    if done.returncode not in (0, 1):
        raise trouble(path, done.stderr)
    return None if done.returncode else done.stdout


def objects(path: Path, names: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each object, in the order asked; one that is not there has neither."""
    if not names:
        return
    answer = git(path, "cat-file", "--batch", given=b"".join(name + b"\n" for name in names))
    start = 0
    for _ in names:
        end = answer.index(b"\n", start)
        *_, kind, size = answer[start:end].rsplit(b" ", 2)
        start = end + 1
        if size.isdigit():
            yield kind, answer[start : start + int(size)]
            start += int(size) + 1
        else:
            yield b"", b""


def decoded(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _run(
    path: Path, words: Sequence[str], given: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    try:
        with tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            return run_bounded(path, ["-C", os.fspath(path), *words], asked, seconds)
    except ValueError as unusable:
        raise BadInputError(f"{path} is not a git repository", hint=_OTHER_FOLDER) from unusable
    except OSError as missing:
        raise SourceUnreachableError(
            f"git cannot be run: {missing.strerror or missing}", hint="Install it with: apt-get install git"
        ) from missing


def run_bounded(
    path: Path,
    words: Sequence[str],
    asked: IO[bytes],
    seconds: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git, and end it when it takes too long or answers too much.

    Raises:
        SourceUnreachableError: If it did not answer in time.
        BadInputError: If it answered with more than MOST_BYTES.
    """
    command, late = ["git", *OPTIONS, *words], threading.Event()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=cwd,
            env=env or environment(),
            start_new_session=True,
        ) as running,
    ):
        assert running.stdout is not None

        def end(*marks: threading.Event) -> None:
            """End it with all that it started, which would keep the pipe open."""
            for mark in marks:
                mark.set()
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)

        timer = threading.Timer(seconds, end, [late])
        timer.start()
        try:
            answer = running.stdout.read(MOST_BYTES + 1)
            if len(answer) > MOST_BYTES:
                end()
            code = running.wait()
        finally:
            timer.cancel()
            if running.poll() is None:
                end()
        if len(answer) > MOST_BYTES:
            raise BadInputError(
                f"{path}: git answered with more than {MOST_BYTES >> 20} MB and was ended",
                hint=f"See what is so large: git -C {word(path)} count-objects -vH",
            )
        if late.is_set():
            raise too_slow(path, seconds)
        said.seek(0)
        return subprocess.CompletedProcess(command, code, answer, said.read(_MOST_COMPLAINT))


def too_slow(path: Path, seconds: float) -> SourceUnreachableError:
    return SourceUnreachableError(
        f"{path}: git did not answer within {seconds:g} s and was ended",
        hint=f"Try it yourself: git -C {word(path)} log -1",
    )


def trouble(path: Path, output: bytes) -> BadInputError:
    """Say why git did not read it, and what to do about that."""
    text = decoded(output).strip()
    if match := _NOT_OURS.search(text):
        return BadInputError(
            f"{path}: git does not read it, because the repository belongs to another user",
            hint=f"If you trust it: git config --global --add safe.directory {word(match[1])}",
        )
    if "not a git repository" in text:
        return BadInputError(f"{path} is not a git repository", hint=_OTHER_FOLDER)
    if "cannot change to" in text:
        return BadInputError(f"{path} is not a git repository: there is no such folder", hint=_OTHER_FOLDER)
    reason = next((line for line in text.splitlines() if line.startswith("fatal: ")), text.partition("\n")[0])
    return BadInputError(
        f"{path}: git cannot read it: {reason.removeprefix('fatal: ') or 'it gave no reason'}",
        hint=f"See what is broken with: git -C {word(path)} fsck",
    )
