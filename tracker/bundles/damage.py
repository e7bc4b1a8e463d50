"""Damage in a bundle, and its place."""

from dataclasses import dataclass
from typing import Any

import msgspec

from tracker.errors import LogNotWholeError
from tracker.text.shell import word

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for invalid bytes; invalid UTF-8 and endless nesting raise errors that are not its own."""


@dataclass(frozen=True)
class Place:
    """A part of a bundle, and the event in it, if there is one."""

    part: str
    position: int | None = None
    event: str | None = None

    def __str__(self) -> str:
        if self.position is None:
            return self.part
        return f"{self.part}, the event at position {self.position} ({self.event})"


class BundleDamagedError(LogNotWholeError):
    """A bundle is damaged; `place` is where that shows first."""

    def __init__(self, name: str, place: Place, what: str) -> None:
        super().__init__(
            f"{name} is not whole: {place}: {what}",
            hint=f"Nothing was imported; ask its author for the file again, and compare: sha256sum {word(name)}",
        )
        self.place = place
        self.what = what

    def json(self) -> dict[str, Any]:
        return {
            "part": self.place.part,
            "position": self.place.position,
            "event": self.place.event,
            "what": self.what,
        }
