"""Run a child process and learn how it ended, whatever signals arrive meanwhile.

No signal raises an exception here: one between the child's end and the reading of its exit status
would lose the status, and Python's `subprocess` takes a lost status for 0. Signals are bytes in a
pipe instead, which are read when there is time for them.
"""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_GROUP_SECONDS = 0.25
"""A signal to the whole process group has ended our witness of it after so long."""


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended: its exit code as a shell writes it, None if nobody can know it.

    `stopped_by` is the first signal that was to stop the run before its end.
    """

    code: int | None
    stopped_by: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether the code says how it went: a success after a signal may be half of one."""
        return self.code is not None and not (self.code == 0 and self.stopped_by)

    @property
    def exit_code(self) -> int:
        """The code to leave with: the child's own, and never 0 for what was stopped."""
        if self.is_known:
            return self.code or 0
        return 128 + self.stopped_by if self.stopped_by else 125


class SignalPipe:
    """Within this context signals that stop a program are kept to be read; none interrupts.

    What was ignored when we began stays ignored, here and in the child: `nohup` means the run, too.
    """

    def __enter__(self) -> Self:
        self._out, self._in = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        self._earlier_wakeup = signal.set_wakeup_fd(self._in, warn_on_full_buffer=False)
        # SIGCHLD may be ignored by whoever started us; then the kernel would keep no exit status.
        numbers = [n for n in STOPPING if signal.getsignal(n) is not signal.SIG_IGN]
        self._earlier = {number: signal.signal(number, _keep) for number in (*numbers, signal.SIGCHLD)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._earlier_wakeup)
        os.close(self._in)
        os.close(self._out)

    def stopping(self) -> list[int]:
        """Take the signals that arrived and were to stop us, in their order."""
        with contextlib.suppress(BlockingIOError):
            return [number for number in os.read(self._out, 4096) if number in STOPPING]
        return []

    def wait(self) -> None:
        """Wait until a signal arrives, that of a child's end too."""
        # A library that shifts the clock (libfaketime) lets a wait that is interrupted fail; the loop asks again.
        with contextlib.suppress(OSError):
            select.select([self._out], [], [])


def _keep(number: int, frame: Any) -> None:
    """Take a signal from its default; its number is in the pipe already."""


def run_child(command: list[str], *, shell: bool, signals: SignalPipe) -> ChildEnd:
    """Run it with our own input and output until it ends; what is to stop us is passed on to it.

    Raises:
        OSError: If it cannot be started.
    """
    child = subprocess.Popen(command[0] if shell else command, shell=shell)
    stopped_by: int | None = None
    with _group_witness() as group:
        while True:
            # Its own wait() and poll() would take a lost status for 0.
            arrived = signals.stopping()
            try:
                pid, status = os.waitpid(child.pid, os.WNOHANG)
            except ChildProcessError:
                child.returncode = 0  # for its destructor
                return ChildEnd(None, stopped_by)
            stopped_by = next((number for number in [stopped_by, *arrived] if number), None)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                child.returncode = code
                return ChildEnd(code if code >= 0 else 128 - code, stopped_by)
            for number in dict.fromkeys(arrived):
                if not group.was_signalled():
                    with contextlib.suppress(OSError):  # it may run as another user
                        os.kill(child.pid, number)
            if not arrived:
                signals.wait()


class _GroupWitness:
    """Knows whether a signal went to our whole process group, as Ctrl-C does, or to us alone.

    The child got the first kind itself, and a second one makes many programs give up their cleaning up.
    The witness is a process in our group that any of these signals ends.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        with contextlib.suppress(OSError):
            # It ends when we do, however we end: then nobody holds its input any more.
            self._process = subprocess.Popen(
                ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def was_signalled(self) -> bool:
        if self._process is None:
            return False
        try:
            self._process.wait(_GROUP_SECONDS)
        except (subprocess.TimeoutExpired, OSError):
            return False
        self.close()
        self._start()
        return True

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def _group_witness() -> Iterator[_GroupWitness]:
    witness = _GroupWitness()
    try:
        yield witness
    finally:
        witness.close()
