"""Events that the tracker records about itself: its settings and its seals."""

from typing import Any

import msgspec

from tracker.events.base import Event, place, topic


@topic("settings-changed", rank=95)
class SettingsChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What answers depend on, as it stands in tracker.toml, without secrets.

    One for each service, and one (service None) for what holds for all, so that a change
    to one service changes no report of another.
    """

    service: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)

    def scopes(self) -> tuple[str, ...]:
        """One place for each service."""
        return (f"settings:{self.service or ''}",)

    def index_rows(self) -> list[tuple[str, int]]:
        """The last recorded holds, whatever the clocks of the writers said."""
        return [(place(scope), 0) for scope in self.scopes()]


@topic("log-sealed", rank=96)
class LogSealed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The positions (after, through] hold `count` events whose digests hash to `digests_sha256`.

    `head` is the hash over the seal before it and this one's own content.
    """

    after: int
    through: int
    count: int
    digests_sha256: bytes
    previous_head: bytes
    head: bytes

    def scopes(self) -> tuple[str, ...]:
        """All seals are one stream."""
        return ("seals",)
