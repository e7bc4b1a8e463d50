"""Ctrl-C at any instant is 130, in one line: no traceback, wherever it strikes."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tracker

COMMANDS = [("list",), ("show", "1"), ("timeline", "1"), ("note", "1", "x"), ("verify",), ("--help",)]
# Says when the program has begun: before that it is Python that starts.
PROGRAM = "import sys; from tracker.cli import interrupts, main; interrupts.install(); print('begun', flush=True); sys.exit(main())"


def interrupted(words, wait: float, times: int) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(wait)
    for _ in range(times):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
        time.sleep(0.001)
    _, err = process.communicate(timeout=120)
    return process.returncode, err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_at_any_instant_is_130_without_a_traceback(declared, words, times):
    """
    While modules are imported, while it works, while it leaves; twice in a row as well.
    """
    dice = random.Random(f"{words}{times}")

    for _ in range(6):
        code, err = interrupted(words, dice.uniform(0, 0.5), times)
        assert "Traceback" not in err
        assert "ignored" not in err
        # Before Python itself takes the signal the kernel ends the process: a shell calls that 130, too.
        assert code in (0, 130, -signal.SIGINT)
        assert code in (0, -signal.SIGINT) or "stopped by Ctrl-C" in err


def test_who_starts_us_with_ctrl_c_ignored_is_obeyed(declared):
    """
    A job in the background of a script is not ended by the terminal's Ctrl-C.
    """
    ignoring = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from tracker.cli import main; import os; os.kill(os.getpid(), signal.SIGINT); sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", ignoring, "list"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "INC-1" in done.stdout


def test_little_is_imported_before_an_interrupt_is_handled():
    """
    Each module of the standard library takes milliseconds in which Ctrl-C would be a traceback.
    """
    program = (
        f"import os, sys; sys.path.insert(0, {str(Path(tracker.__file__).parents[1])!r}); before = set(sys.modules); "
        "import tracker.cli; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)

    assert {name for name in done.stdout.split() if not name.startswith("tracker")} <= {"gc"}
