"""A progress bar for work of more than a second, on a terminal; nothing in a pipe."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from tqdm import tqdm

    # A terminal that does not say its size gets a usual one: tqdm would draw nothing.
    columns, lines = _size()
    bar = tqdm(
        desc=what, delay=1.0, leave=False, total=0, ncols=columns, nrows=lines, unit_scale=True, unit=""
    )

    def update(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        bar.close()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a clock that runs, where nobody can say how much is left."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    drawing = threading.Thread(target=_tick, args=(what, over), daemon=True)
    drawing.start()
    try:
        yield
    finally:
        over.set()
        drawing.join()


def _tick(what: str, over: threading.Event) -> None:
    began = time.time()
    if over.wait(1.0):
        return
    from tqdm import tqdm

    columns, lines = _size()
    bar = tqdm(desc=what, leave=False, ncols=columns, nrows=lines, bar_format="{desc}: {elapsed}")
    bar.start_t = began
    while not over.wait(0.2):
        bar.refresh()
    bar.close()


def _size() -> tuple[int, int]:
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


class _OnTerminal:
    """Both, as work in `tracker.application` asks for them."""

    bar = staticmethod(progress)
    clock = staticmethod(waiting)


PROGRESS = _OnTerminal()
