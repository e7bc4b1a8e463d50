"""How a caller shows that work goes on: a bar that the work moves, and a clock where nothing can be counted."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Update = Callable[[int, int], None]


class Progress(Protocol):
    """What a front offers. Both end when the work does, however it ends."""

    def bar(self, what: str) -> AbstractContextManager[Update]:
        """Give a function to call with (done, total)."""

    def clock(self, what: str) -> AbstractContextManager[None]:
        """Show that it takes time."""


class Silent:
    """Shows nothing: for a server, a test, a pipe."""

    def bar(self, what: str) -> AbstractContextManager[Update]:
        return nullcontext(lambda done, total: None)

    def clock(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()


SILENT = Silent()
