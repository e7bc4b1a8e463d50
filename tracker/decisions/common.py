"""What decisions share: how an event is built from what was typed, and the refusals that many of them make."""

from typing import Any, TypeVar

from tracker.errors import RefusedError
from tracker.events.base import Decision
from tracker.incident import Incident, Status
from tracker.times import Typed, utc

D = TypeVar("D", bound=Decision)


def decided(event_type: type[D], incident_id: str, by: str, at: Typed, /, **fields: Any) -> D:
    """Build a decision about an incident, with the precision and offset of the instant that was typed."""
    return event_type(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident_id,
        **fields,
    )


def reason(why: str | None, command: str) -> str:
    """Return the reason; a decision without one cannot be reviewed."""
    if why is None or not why.strip():
        raise RefusedError("that needs a reason", hint=f'{command} --why "…"')
    return why.strip()


def refuse_unknown(incident: Incident) -> None:
    if not incident.exists:
        raise RefusedError(f"there is no {incident.id}", hint="See which incidents exist: tracker list")


def refuse_merged(incident: Incident, command: str) -> None:
    """Refuse what has to be decided on another incident; `command` has {into} for its number."""
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=command.format(into=incident.merged_into),
        )


def refuse_closed(incident: Incident) -> None:
    """Refuse what is decided on open incidents only."""
    refuse_unknown(incident)
    refuse_merged(incident, "Use {into} instead")
    if incident.status is Status.RESOLVED:
        assert incident.resolved_at is not None
        raise RefusedError(
            f"{incident.id} was already resolved at {utc(incident.resolved_at)} by {incident.resolved_by}",
            hint=f"If it came back: tracker reopen {incident.id} --why …",
        )
