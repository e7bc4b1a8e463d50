"""Computing something once for each thing that it is asked of, since many answers ask for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar


class Keeping(Protocol):
    """A value that never changes, with a place for what was computed from it."""

    @property
    def computed(self) -> dict[Any, Any]: ...


K = TypeVar("K", bound=Keeping)
T = TypeVar("T")


def once(compute: Callable[[K], T]) -> Callable[[K], T]:
    """Keep what a function computes of a value with the value."""

    @wraps(compute)
    def kept(of: K) -> T:
        if compute not in of.computed:
            of.computed[compute] = compute(of)
        result: T = of.computed[compute]
        return result

    return kept
