"""Ctrl-C at any instant: exit code 130, one line, no traceback.

While a command runs, the first one raises KeyboardInterrupt, so that it can clean up. Before and after
that, and at the second one, the process ends at once: an exception would find nobody to catch it.
"""

# Nothing else is imported here: in whatever is, Ctrl-C would strike before we are ready for it.
# `_signal` is what `signal` is made of, which imports enum and re.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys


def install() -> None:
    """End the process at Ctrl-C; one that was started with Ctrl-C ignored goes on to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
        sys.unraisablehook = _leave_if_interrupted


def raise_once() -> None:
    """From here on let the first Ctrl-C raise KeyboardInterrupt, where `install` was called."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, _raise)


def raise_no_more() -> None:
    if signal.getsignal(signal.SIGINT) is _raise:
        signal.signal(signal.SIGINT, leave)


def leave(*_: object) -> None:
    """End the process with 130, whatever it was doing."""
    try:
        os.write(2, b"tracker: stopped by Ctrl-C\n")
    finally:
        os._exit(130)


def _raise(number: int, frame: object) -> None:
    signal.signal(signal.SIGINT, leave)
    raise KeyboardInterrupt


def _leave_if_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    """Take an interrupt in a destructor or callback, which Python would print and forget, for what it is."""
    if unraisable.exc_type is KeyboardInterrupt:
        leave()
    sys.__unraisablehook__(unraisable)
