"""What is new of an incident since somebody looked, for the command line and for the page."""

import re

from projections.incident_windows import Part
from projections.since import News, new_since
from tracker.application.dossier import dossier
from tracker.application.session import Session
from tracker.errors import BadInputError, RefusedError
from tracker.incident import Incident
from tracker.times import utc

_EVENT = re.compile(r"[0-9a-v]{7}|[0-9a-v]{24}|[^@]+@.+")
_POSITION = re.compile(r"0|[1-9][0-9]{0,17}")


def news_since(
    session: Session, incident: Incident, typed: str, up_to: int | None = None, *, option: str = "--since"
) -> tuple[News, str]:
    """Return what is new since an instant, an event or a position of the log, and as what that was read.

    Raises:
        TrackerError: If it is none of them.
    """
    last = session.log.position if up_to is None else up_to
    after, since = _position(session, incident, typed.strip(), last, option)
    now = dossier(session, incident, last, parts=Part.STORY)
    try:
        then = session.incident(incident.id, after)
    except RefusedError:  # it was not declared yet
        return new_since(now, None, after=after, up_to=last), since
    before = dossier(session, then, after, parts=Part.STORY)
    return new_since(now, before, after=after, up_to=last), since


def _position(session: Session, incident: Incident, typed: str, last: int, option: str) -> tuple[int, str]:
    if _POSITION.fullmatch(typed) and int(typed) <= last and not _is_event(session, typed):
        return int(typed), f"position {int(typed)}"
    if _EVENT.fullmatch(typed):
        event = session.event(typed, last, incident)
        return event.position, event.handle
    instant = session.instant(typed, incident, option=option).at
    return min(session.log.position_at(instant), last), utc(instant)


def _is_event(session: Session, typed: str) -> bool:
    try:
        session.log.resolve_handle(typed)
    except BadInputError:
        return False
    return True
