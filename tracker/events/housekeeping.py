"""Events that the tracker records about itself: its settings and its seals."""

from datetime import datetime
from typing import Any

import msgspec

from tracker.events.base import Decision, Event, place, topic


def settings_scope(service: str | None, only_for: str | None = None) -> str:
    """Return the place of a service's settings, or of those for one imported incident."""
    return f"settings-of:{only_for}/{service or ''}" if only_for else f"settings:{service or ''}"


@topic("settings-changed", rank=95)
class SettingsChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The settings that answers depend on, from tracker.toml, without secrets.

    One for each service, and one (service None) for all, so that a change to one service changes
    no report of another. Imported settings apply to the imported incident only (`only_for`).
    """

    service: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    only_for: str | None = None

    def scopes(self) -> tuple[str, ...]:
        return (settings_scope(self.service, self.only_for),)

    def index_rows(self) -> list[tuple[str, int]]:
        """All at one instant, so that the last recorded counts, whatever the writers' clocks."""
        return [(place(scope), 0) for scope in self.scopes()]


@topic("log-sealed", rank=96)
class LogSealed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The positions (after, through] have `count` events whose digests hash to `digests_sha256`.

    `head` is the hash over the seal before it and this one's own content.
    """

    after: int
    through: int
    count: int
    digests_sha256: bytes
    previous_head: bytes
    head: bytes

    def scopes(self) -> tuple[str, ...]:
        return ("seals",)


@topic("delivery-dropped", rank=97)
class DeliveryDropped(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A delivery that could not be parsed was removed from the inbox by a person; nothing else of it is kept."""

    route: str
    source: str
    key: str
    received_at: datetime
    size_bytes: int
    sha256: bytes
    why: str

    def scopes(self) -> tuple[str, ...]:
        return ("deliveries-dropped",)


@topic("announcing-set", rank=95)
class AnnouncingSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    """From here on serve announces this on a channel. What was recorded before is not announced there."""

    channel: str
    announce: tuple[str, ...] = ()

    def scopes(self) -> tuple[str, ...]:
        return ("announcing",)
