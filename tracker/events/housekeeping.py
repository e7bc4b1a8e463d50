"""Events that the tracker records about itself: its settings and its seals."""

from typing import Any

import msgspec

from tracker.events.base import Event, place, topic


def settings_scope(service: str | None, only_for: str | None = None) -> str:
    """Name the place of a service's settings, or of those that hold for one incident alone."""
    return f"settings-of:{only_for}/{service or ''}" if only_for else f"settings:{service or ''}"


@topic("settings-changed", rank=95)
class SettingsChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What answers depend on, as it stands in tracker.toml, without secrets.

    One for each service, and one (service None) for what holds for all, so that a change
    to one service changes no report of another. Those of another log, which came in a bundle,
    hold for the incident that they came with alone (`only_for`).
    """

    service: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    only_for: str | None = None

    def scopes(self) -> tuple[str, ...]:
        """One place for each service, and one for each service of an incident that came in a bundle."""
        return (settings_scope(self.service, self.only_for),)

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
