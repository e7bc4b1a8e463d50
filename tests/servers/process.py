"""Start a program, wait until it answers, end it again; what all servers have in common."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

# A proxy that the machine's environment names has no business on loopback.
_DIRECT = build_opener(ProxyHandler({}))

Started = TypeVar("Started")
Found = TypeVar("Found")

START_SECONDS = 120.0
STOP_SECONDS = 60.0


def program(package: str, *names: str) -> str:
    """Find the first of some programs, or skip the test and say which Debian package brings it."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"needs Debian's package {package}: apt-get install {package}")


def faketime() -> str:
    """Find the library that turns a program's clock, or skip and say what to install."""
    for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return str(path)
    pytest.skip("needs Debian's package faketime: apt-get install faketime")


def free_port() -> int:
    """Find a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> Callable[[], bool]:
    """Make a question: does this address answer with 200?"""

    def ask() -> bool:
        try:
            with _DIRECT.open(url, timeout=2) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False

    return ask


def until(found: Callable[[], Found], *, seconds: float = 120.0) -> Found:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: If it never is; no test waits for ever.
    """
    give_up = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"it did not come true in {seconds} s; the last answer was {answer!r}")
        time.sleep(0.05)


class StartError(Exception):
    """A program ended, or did not answer, when it should have started."""


def end(process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM) -> None:
    """Ask a program to end, and kill it if it does not listen."""
    if process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def start(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    log: Path,
    user: int | None = None,
    group: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program and wait until it is ready; its output goes to a log file.

    `environment` comes on top of our own.

    A run of tests that is killed takes its servers along: the kernel tells them, where `setpriv` is there to ask it.

    Raises:
        StartError: If it ended, or was not ready in time; the message holds the end of its log.
    """
    words = [str(word) for word in command]
    if setpriv := shutil.which("setpriv"):
        words = [setpriv, "--pdeathsig", "TERM", "--", *words]
    with log.open("ab") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            cwd=log.parent,
            env=None if environment is None else {**os.environ, **environment},
        )
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        if ready():
            return process
        time.sleep(0.02)
    end(process)
    raise StartError(f"{words[-1]} did not start: " + log.read_text(errors="replace")[-2000:])


def start_on_a_free_port(launch: Callable[[int], Started]) -> Started:
    """Start a server on a free port, again on another if somebody was faster to take it."""
    for _ in range(2):
        with contextlib.suppress(StartError):
            return launch(free_port())
    return launch(free_port())
