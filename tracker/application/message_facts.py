"""What became of a message as JSON keys, without what posts it."""

from typing import Any

from projections.messages import Message


def described(message: Message) -> dict[str, Any]:
    """Return a message as JSON keys."""
    return {
        "event": message.event,
        "kind": message.kind,
        "channel": message.channel,
        "about": message.about,
        "state": message.state,
        "text": message.text,
        "by": message.by,
        "by_hand": message.by_hand,
        "prepared_at": message.prepared_at,
        "sent_at": message.sent_at,
        "eta": message.eta,
        "attempts": message.attempts,
        "retry_at": message.retry_at,
        "reason": message.reason,
    }


def described_channel(message: Message) -> dict[str, Any]:
    """Return where one message stands on its channel as JSON keys."""
    keys = ("event", "channel", "state", "sent_at", "attempts", "reason")
    return {key: value for key, value in described(message).items() if key in keys}
