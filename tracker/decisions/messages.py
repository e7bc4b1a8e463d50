"""Decisions about messages: which may be sent, and what of them is recorded.

Pure like `tracker.decisions.lifecycle`. Nothing here posts anything.
"""

from datetime import datetime

from tracker.errors import RefusedError
from tracker.events.messages import MessagePrepared, MessageSent
from tracker.incident import Incident, Status
from tracker.times import Typed, utc


def prepare(
    incident: Incident, kind: str, text: str, *, by: str, at: Typed, eta: datetime | None, longest: int
) -> MessagePrepared:
    """Decide that this text is to be posted; it is recorded before it is.

    Raises:
        RefusedError: If it makes no sense now, or is longer than what the place takes.
    """
    text = checked(incident, kind, text, at=at.at, eta=eta)
    if len(text) > longest:
        raise RefusedError(
            f"the message has {len(text):,} characters, and {longest:,} is what Slack takes",
            hint="Say it shorter: --text TEXT",
        )
    return MessagePrepared(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident.id,
        kind=kind,
        text=text,
        eta=eta,
    )


def posted_by_hand(
    incident: Incident, kind: str, text: str, *, by: str, at: Typed, eta: datetime | None
) -> MessageSent:
    """Write down that somebody posted this text.

    Raises:
        RefusedError: If it makes no sense.
    """
    return MessageSent(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident.id,
        kind=kind,
        text=checked(incident, kind, text, at=at.at, eta=eta),
        eta=eta,
    )


def checked(incident: Incident, kind: str, text: str, *, at: datetime, eta: datetime | None) -> str:
    """Return the text of a message that may be sent at an instant.

    Raises:
        RefusedError: If the incident goes on under another number, is said to be over and is not,
            the promise lies before the message, or there is no text.
    """
    if not incident.exists:
        raise RefusedError(f"there is no {incident.id}", hint="See what there is: tracker list")
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"tracker message {incident.merged_into} {kind}",
        )
    if kind == "resolved" and incident.status is Status.OPEN:
        raise RefusedError(
            f"{incident.id} is open, and the message would say that it is over",
            hint=f"tracker resolve {incident.id}, then the message; or: tracker message {incident.id} update",
        )
    if kind == "resolved" and eta is not None:
        raise RefusedError(f"{incident.id} is over: there is nothing to promise", hint="Leave --eta out")
    if eta is not None and eta <= at:
        raise RefusedError(
            f"--eta {utc(eta)} is not after the message, which is of {utc(at)}",
            hint="Promise what lies ahead: --eta 20m, or --eta 14:55Z",
        )
    if not text.strip():
        raise RefusedError("a message needs a text", hint="Leave --text out for the template")
    return text.strip()
