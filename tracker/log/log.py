"""Opening a log."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

from tracker.events.base import Event
from tracker.log.appending import LogWriter
from tracker.log.application import TrackerApplication
from tracker.log.upgrade import bring_up_to_date


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_salts() -> Callable[[Event], bytes]:
    """Give 16 random bytes at each call; the system is asked once for 256 of them."""
    drawn: list[bytes] = []

    def salt(_: Event) -> bytes:
        if not drawn:
            many = os.urandom(16 * 256)
            drawn.extend(many[at : at + 16] for at in range(0, len(many), 16))
        return drawn.pop()

    return salt


class Log(LogWriter):
    """Every event that was ever recorded, in one sequence of positions.

    `store` is a file's path or a postgresql:// address. `now` and `salts` are only given by
    the demo and by tests, which want the same bytes each time.
    """

    def __init__(
        self,
        store: str,
        *,
        now: Callable[[], datetime] = _utc_now,
        salts: Callable[[Event], bytes] | None = None,
    ) -> None:
        self.application = TrackerApplication(store)
        bring_up_to_date(self.application.rows)
        super().__init__(store, self.application.rows, now, salts or _random_salts())

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.application.close()
