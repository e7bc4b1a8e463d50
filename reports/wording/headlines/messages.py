"""Messages to the team."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reports.wording.text import dotted
from tracker.events import messages
from tracker.text.shortening import short
from tracker.times import spoken, utc

_SENT = {
    "initial": "Team alerted",
    "update": "Team updated",
    "resolved": "Team informed that it is resolved",
    "rollback": "Team informed of the rollback",
    "due": "Team reminded of what is due",
}


def _message(event: messages.MessageSent | messages.MessagePrepared | messages.MessagePrinted) -> str | None:
    # A template's lines repeat what the rows around it say; `tracker show` has them.
    words = short(event.text, 160) if "\n" not in event.text else None
    return dotted(event.eta and f"promised for {_readable(event.eta)}", words)


def _readable(at: datetime) -> str:
    """Write an instant as people do, to the minute where it has no seconds."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC" if not at.second else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _failed(event: messages.MessageFailed) -> str:
    if event.unsure:
        return f"The {event.kind} message may or may not have been posted"
    return f"The {event.kind} message was not posted" + (" yet" if event.retry_at else "")


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    messages.MessageSent: lambda e: (
        _SENT.get(e.kind, f"Message sent ({e.kind})") + ("" if e.prepared and e.attempts else ", by hand")
    ),
    messages.MessagePrinted: "Message printed: {e.kind}",
    messages.MessagePrepared: "Message to be posted: {e.kind}",
    messages.MessagePosting: "Posting the {e.kind} message",
    messages.MessageFailed: _failed,
    messages.EtaMissed: "The promised time passed",
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    messages.MessageSent: _message,
    messages.MessagePrinted: _message,
    messages.MessagePrepared: _message,
    messages.MessageFailed: lambda e: dotted(e.reason, e.retry_at and f"retried at {utc(e.retry_at)}"),
    messages.EtaMissed: lambda e: (
        f"promised {spoken((e.occurred_at - e.promised_at).total_seconds())} before; "
        "by then there was neither a fix nor a newer promise"
    ),
}
