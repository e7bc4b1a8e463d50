"""What the team was told, in words."""

from datetime import UTC, datetime

from reports.headlines.base import detail, headline
from tracker.events import messages
from tracker.text.shortening import short
from tracker.times import spoken, utc

_MESSAGES = {
    "initial": "Team alerted",
    "update": "Team updated",
    "resolved": "Team told that it is over",
    "rollback": "Team told of the rollback",
}


@headline.register
def _(event: messages.MessageSent) -> str:
    told = _MESSAGES.get(event.kind, f"Message sent ({event.kind})")
    return told if event.prepared else f"{told}, by hand"


@headline.register
def _(event: messages.MessagePrepared) -> str:
    return f"Message to be posted: {event.kind}"


@detail.register
def _(event: messages.MessageSent | messages.MessagePrepared) -> str | None:
    promise = f"promised for {_readable(event.eta)}" if event.eta else None
    # A template's lines repeat what the rows around it say; `tracker show` has them.
    words = short(event.text, 160) if "\n" not in event.text else None
    return " · ".join(part for part in (promise, words) if part) or None


def _readable(at: datetime) -> str:
    """Write an instant as people do, to the minute where it has no seconds."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC" if not at.second else f"{at:%Y-%m-%d %H:%M:%S} UTC"


@headline.register
def _(event: messages.MessagePosting) -> str:
    return f"Posting the {event.kind} message"


@headline.register
def _(event: messages.MessageFailed) -> str:
    if event.unsure:
        return f"The {event.kind} message may have been posted, or not"
    return f"The {event.kind} message was not posted" + (" yet" if event.retry_at else "")


@detail.register
def _(event: messages.MessageFailed) -> str | None:
    again = f"tried again at {utc(event.retry_at)}" if event.retry_at else None
    return " · ".join(part for part in (event.reason, again) if part) or None


@headline.register
def _(event: messages.EtaMissed) -> str:
    return "The promised time passed"


@detail.register
def _(event: messages.EtaMissed) -> str | None:
    return f"promised {spoken((event.occurred_at - event.promised_at).total_seconds())} before; no fix, and no newer promise, by then"
