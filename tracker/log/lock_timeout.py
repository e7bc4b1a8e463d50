"""How long a writer waits for another one to let go of the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_AT_MOST: ContextVar[float | None] = ContextVar("at_most_seconds", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Let what is written here wait no longer than this."""
    token = _AT_MOST.set(seconds)
    try:
        yield
    finally:
        _AT_MOST.reset(token)


def patience_ms(usual_seconds: float) -> int:
    """Return how many milliseconds to wait for the writer's lock."""
    limit = _AT_MOST.get()
    return round(1000 * (usual_seconds if limit is None else min(limit, usual_seconds)))
