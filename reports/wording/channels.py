"""The channels that messages are posted to, by name."""

from collections.abc import Iterable

_SHOWN = {"slack": "Slack", "teams": "Teams", "webhook": "the webhook"}


def shown_channel(name: str | None) -> str:
    return _SHOWN.get(name or "", name or "nobody")


def shown_channels(names: Iterable[str | None]) -> str:
    """Write several in a row: Slack, Teams and the webhook."""
    *before, last = [shown_channel(name) for name in names]
    return f"{', '.join(before)} and {last}" if before else last
