"""What is wrong with a bundle, and where."""

from dataclasses import dataclass
from typing import Any

import msgspec

from tracker.errors import LogNotWholeError

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises of bytes that are not what they should be; texts that are no UTF-8, and nests without end, are no errors of its own."""


@dataclass(frozen=True)
class Place:
    """A part of a bundle, and in it the event, where there is one."""

    part: str
    position: int | None = None
    event: str | None = None

    def said(self) -> str:
        """Name it."""
        if self.position is None:
            return self.part
        return f"{self.part}, the event at position {self.position} ({self.event})"


class BundleDamagedError(LogNotWholeError):
    """A bundle is not what was written; `place` says where that shows first."""

    def __init__(self, name: str, place: Place, what: str) -> None:
        super().__init__(
            f"{name} is not whole: {place.said()}: {what}",
            hint=f"Nothing of it was taken; ask whoever made it for the file again, and compare: sha256sum {name}",
        )
        self.place = place
        self.what = what

    def json(self) -> dict[str, Any]:
        """Return the keys of a problem."""
        return {
            "part": self.place.part,
            "position": self.place.position,
            "event": self.place.event,
            "what": self.what,
        }
