"""A progress bar for work of more than a second, on a terminal; nothing in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to call with (done, total)."""
    from tqdm import tqdm

    bar = tqdm(desc=what, delay=1.0, disable=None, leave=False, total=0)

    def update(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        bar.close()
