"""Decisions about messages: which may be sent, and what of them is recorded. Nothing here posts anything.

Pure: the incident in, an event out, or RefusedError with the rule.
"""

from collections.abc import Mapping
from datetime import datetime

from tracker.decisions.common import decided, refuse_merged, refuse_unknown
from tracker.errors import RefusedError
from tracker.events.messages import MessagePrepared, MessagePrinted, MessageSent
from tracker.incident import Incident, Status
from tracker.text.shell import word
from tracker.times import Typed, utc


def prepare(
    incident: Incident, kind: str, text: str, *, by: str, at: Typed, eta: datetime | None, channel: str
) -> MessagePrepared:
    """Record a text before it is posted."""
    text = checked(incident, kind, text, at=at.at, eta=eta)
    return decided(MessagePrepared, incident.id, by, at, kind=kind, text=text, eta=eta, channel=channel)


def printed(
    incident: Incident,
    kind: str,
    text: str,
    *,
    by: str,
    at: Typed,
    eta: datetime | None,
    typed: Mapping[str, str],
) -> MessagePrinted:
    """Keep a text that was printed for a person to post."""
    return decided(MessagePrinted, incident.id, by, at, kind=kind, text=text, eta=eta, typed=dict(typed))


def posted_by_hand(
    incident: Incident,
    kind: str,
    text: str,
    *,
    by: str,
    at: Typed,
    eta: datetime | None,
    prepared: str | None = None,
) -> MessageSent:
    """Record a text that a person posted; `prepared` is the event that prepared it for Slack."""
    text = checked(incident, kind, text, at=at.at, eta=eta)
    attempts = 0 if prepared else 1
    return decided(
        MessageSent, incident.id, by, at, kind=kind, text=text, eta=eta, prepared=prepared, attempts=attempts
    )


def checked(incident: Incident, kind: str, text: str, *, at: datetime, eta: datetime | None) -> str:
    """Return the text of a message that may be sent at an instant."""
    refuse_unknown(incident)
    refuse_merged(incident, f"tracker message {{into}} {word(kind)}")
    if kind == "resolved" and incident.status is Status.OPEN:
        raise RefusedError(
            f"{incident.id} is open, and the message would say that it is resolved",
            hint=f"tracker resolve {incident.id}, then the message; or: tracker message {incident.id} update",
        )
    if kind == "resolved" and eta is not None:
        raise RefusedError(
            f"{incident.id} is resolved: a promised time makes no sense", hint="Leave --eta out"
        )
    if eta is not None and eta <= at:
        raise RefusedError(
            f"--eta {utc(eta)} is not after the message, which is sent at {utc(at)}",
            hint="Give a later time: --eta 20m, or --eta 14:55Z; "
            "of a message that was posted before, say when: --sent --at T",
        )
    if not text.strip():
        raise RefusedError("a message needs a text", hint="Leave --text out for the template")
    return text.strip()
