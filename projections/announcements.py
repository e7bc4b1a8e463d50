"""What `tracker serve` announces of an incident, and on which channel it has done so. "Now" is given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.messages import Message
from projections.updates import messages_of
from tracker.events.base import Event, Recorded
from tracker.events.housekeeping import AnnouncingSet
from tracker.events.incidents import IncidentDeclared, IncidentReopened, IncidentResolved
from tracker.events.messages import REMINDER
from tracker.incident import Incident, Status

OUT_OF_DATE = timedelta(minutes=30)
"""What was recorded so long ago is not announced any more, and a message that is older not posted."""
BACK_FILLED = timedelta(hours=1)
"""What had happened so long before it was recorded is history: nobody waits for it."""
_KINDS: dict[type[Event], tuple[str, str]] = {
    IncidentDeclared: ("declared", "initial"),
    IncidentReopened: ("reopened", "initial"),
    IncidentResolved: ("resolved", "resolved"),
}


@dataclass(frozen=True)
class Announcement:
    """One thing to announce: `what` it is in the settings, the kind of its message, and what that is `about`.

    `position` and `at` are those of the event, or when it was due. Where the incident went on meanwhile, the
    message says what was known `up_to` that.
    """

    what: str
    kind: str
    about: str
    position: int
    at: datetime
    up_to: int | None = None


Began = Mapping[tuple[str, str], tuple[int, datetime]]
"""Since which position and instant a channel has what announced."""


def began(recorded: Iterable[Recorded]) -> Began:
    """Return since when each channel has what announced, from the settings that serve recorded."""
    since: dict[tuple[str, str], tuple[int, datetime]] = {}
    for each in sorted(recorded, key=lambda event: event.position):
        event = each.event
        if isinstance(event, AnnouncingSet):
            others = {pair: known for pair, known in since.items() if pair[0] != event.channel}
            pairs = [(event.channel, what) for what in event.announce]
            since = others | {pair: since.get(pair, (each.position, event.occurred_at)) for pair in pairs}
    return since


def lifecycle_announcements(incident: Incident, now: datetime) -> list[Announcement]:
    """Return what was decided on an incident of late: declared, reopened, resolved.

    Nothing is of one that was imported or merged, nor of what is recorded long after it happened. That it is
    resolved is news also then, to whom it was announced.
    """
    if incident.imported or incident.status is Status.MERGED:
        return []
    steps = [step for step in incident.own_steps if type(step.event) in _KINDS]
    found = []
    for number, step in enumerate(steps):
        what, kind = _KINDS[type(step.event)]
        recorded = step.recorded
        late = recorded.recorded_at - step.event.occurred_at > BACK_FILLED
        told = kind == "resolved" and any(
            message.about and message.position < recorded.position for message in messages_of(incident)
        )
        if now - recorded.recorded_at > OUT_OF_DATE or (late and not told) or recorded.arrival.origin:
            continue
        following = steps[number + 1 :]
        up_to = following[0].recorded.position - 1 if following else None
        found.append(Announcement(what, kind, step.id, recorded.position, recorded.recorded_at, up_to))
    return found


def due_announcement(name: str, due_at: datetime | None, now: datetime) -> Announcement | None:
    """Return the announcement of one thing that is due by now: a rule of the procedure, or an action item."""
    if due_at is None or due_at > now:
        return None
    return Announcement("due", REMINDER, f"due:{name}", 0, due_at)


def is_wanted(announcement: Announcement, channel: str, since: Began) -> bool:
    """Whether a channel has such things announced, and had so when it happened or was due."""
    start = since.get((channel, announcement.what))
    if start is None:
        return False
    position, at = start
    return announcement.at >= at if announcement.what == "due" else announcement.position > position


def is_announced(announcement: Announcement, channel: str, incident: Incident) -> bool:
    """Whether it was announced on a channel, or a person told the same there since, or by hand."""
    return any(_covers(message, announcement, channel) for message in messages_of(incident))


def _covers(message: Message, announcement: Announcement, channel: str) -> bool:
    if message.about == announcement.about and message.channel == channel:
        # What was due before the last reminder was overdue then, and is the same thing.
        return announcement.what != "due" or message.prepared_at >= announcement.at
    by_person = message.about is None and message.channel in (None, channel)
    return (
        by_person
        and announcement.what != "due"
        and message.kind == announcement.kind
        and message.position > announcement.position
    )
