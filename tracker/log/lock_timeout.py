"""How long a writer waits for another one to release the log's lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_AT_MOST: ContextVar[float | None] = ContextVar("at_most_seconds", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Limit how long writes within this context wait."""
    token = _AT_MOST.set(seconds)
    try:
        yield
    finally:
        _AT_MOST.reset(token)


def lock_timeout_ms(usual_seconds: float) -> int:
    limit = _AT_MOST.get()
    return round(1000 * (usual_seconds if limit is None else min(limit, usual_seconds)))
