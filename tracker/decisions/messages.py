"""Decisions about messages: which may be sent, and what of them is recorded. Nothing here posts anything.

Pure: the incident in, an event out, or RefusedError with the rule.
"""

from datetime import datetime

from tracker.decisions.common import decided, refuse_merged, refuse_unknown
from tracker.errors import RefusedError
from tracker.events.messages import MessagePrepared, MessageSent
from tracker.incident import Incident, Status
from tracker.times import Typed, utc


def prepare(
    incident: Incident, kind: str, text: str, *, by: str, at: Typed, eta: datetime | None, longest: int
) -> MessagePrepared:
    """Record a text before it is posted."""
    text = checked(incident, kind, text, at=at.at, eta=eta)
    if len(text) > longest:
        raise RefusedError(
            f"the message has {len(text):,} characters; Slack accepts {longest:,}",
            hint="Shorten it: --text TEXT",
        )
    return decided(MessagePrepared, incident.id, by, at, kind=kind, text=text, eta=eta)


def posted_by_hand(
    incident: Incident, kind: str, text: str, *, by: str, at: Typed, eta: datetime | None
) -> MessageSent:
    """Record a text that a person posted."""
    text = checked(incident, kind, text, at=at.at, eta=eta)
    return decided(MessageSent, incident.id, by, at, kind=kind, text=text, eta=eta)


def checked(incident: Incident, kind: str, text: str, *, at: datetime, eta: datetime | None) -> str:
    """Return the text of a message that may be sent at an instant."""
    refuse_unknown(incident)
    refuse_merged(incident, f"tracker message {{into}} {kind}")
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
            hint="Give a later time: --eta 20m, or --eta 14:55Z",
        )
    if not text.strip():
        raise RefusedError("a message needs a text", hint="Leave --text out for the template")
    return text.strip()
