"""Preparing the messages that `tracker serve` posts by itself: declared, reopened, resolved, due.

Each is prepared once for each channel, by a decision in the incident's stream: of any number of servers one
prepares it. Posting it is the outbox's work.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from projections.actions import OVERDUE, ActionItem, actions
from projections.announcements import (
    OUT_OF_DATE,
    Announcement,
    Began,
    began,
    due_announcement,
    is_announced,
    is_wanted,
    lifecycle_announcements,
)
from projections.incident_windows import Part
from projections.procedure.advice import Advice
from projections.procedure.communication import recorded_live
from reports.messages import Draft, remind, remind_of_action, write
from tracker.application.channels.configured import announced, names
from tracker.application.dossier import dossier
from tracker.application.message_draft import draft_of
from tracker.application.outbox import VIA
from tracker.application.session import Session
from tracker.application.still_due import still_due
from tracker.events.base import BY_ITSELF, Arrival, Decision, Incoming, Window
from tracker.events.housekeeping import AnnouncingSet
from tracker.events.messages import MessagePrepared
from tracker.incident import Incident
from tracker.settings.schema import Settings

_LIFECYCLE = ("incident-declared", "incident-reopened", "incident-resolved")
_LOOK_BACK = timedelta(days=7)
"""What is recorded of late and happened earlier is not announced."""


def record_announcing(session: Session, before: Settings | None = None) -> None:
    """Record what is announced from here on, where that differs from the last.

    A channel that is not configured is recorded only where it was `before`, in the same server: another server
    of this log may have it.
    """
    settings = session.settings
    configured = {name: announced(settings, name) for name in names(settings)}
    if before is not None:
        configured = {**dict.fromkeys(names(before), ()), **configured}
    last: dict[str, tuple[str, ...]] = {}
    for each in session.log.select([Window("announcing")]):
        if isinstance(each.event, AnnouncingSet):
            last[each.event.channel] = each.event.announce
    changed = [
        AnnouncingSet(occurred_at=session.now, channel=name, announce=announce)
        for name, announce in configured.items()
        if last.get(name, ()) != announce
    ]
    if changed:
        session.log.append(changed)


def announce_decisions(session: Session) -> list[Incoming]:
    """Prepare a message of each decision of late that was not announced; return the messages."""
    since = _began(session)
    if not since:
        return []
    now = session.now
    recent = session.log.select([Window("incidents", now - _LOOK_BACK, topics=_LIFECYCLE)])
    fresh = {
        getattr(each.event, "incident", None)
        for each in recent
        if each.event.TOPIC in _LIFECYCLE and now - each.recorded_at <= OUT_OF_DATE
    }
    made: list[Incoming] = []
    for incident in session.load_incidents([Incident(name) for name in sorted(filter(None, fresh))]):
        for announcement in lifecycle_announcements(incident, now):
            to = _to(announcement, incident, since)
            if to:
                draft = _draft(session, incident.id, announcement.up_to)
                made += _prepare(session, announcement, to, draft, write(announcement.kind, draft))
    return made


def announce_due(session: Session, due: Iterable[tuple[Incident, list[Advice]]]) -> list[Incoming]:
    """Prepare a reminder of each thing that became due and was not announced; return them.

    `due` is that of the open incidents; that of the resolved ones and the overdue action items come to it. Nothing is
    of what was back-filled.
    """
    since = _began(session)
    if not any(what == "due" for _, what in since):
        return []
    now = session.now
    found: list[tuple[Incident, Announcement | None, Callable[[Draft], str]]] = [
        (incident, due_announcement(item.rule, item.due_at, now), partial(remind, item))
        for incident, items in [*due, *still_due(session)]
        if recorded_live(incident)
        for item in items
    ]
    found += [
        (incident, due_announcement(item.event, item.due_until, now), partial(remind_of_action, item))
        for incident, item in _overdue_actions(session, since)
    ]
    made: list[Incoming] = []
    for incident, announcement, worded in found:
        to = _to(announcement, incident, since) if announcement else []
        if announcement and to:
            draft = _draft(session, incident.id, None)
            made += _prepare(session, announcement, to, draft, worded(draft))
    return made


def _overdue_actions(session: Session, since: Began) -> list[tuple[Incident, ActionItem]]:
    """Return the items that became overdue since a channel has such things announced, with their incidents."""
    first = min(at for (_, what), (_, at) in since.items() if what == "due")
    found = []
    for item in actions(session.log.select([Window("actions")])):
        if item.standing(session.now).state == OVERDUE and item.due_until >= first:
            incident = session.incident(item.incident)
            if incident.merged_into is not None:
                incident = session.incident(incident.merged_into)
            if not incident.imported:
                found.append((incident, item))
    return found


def _began(session: Session) -> Began:
    """Return since when each channel that is configured here has what announced."""
    here = names(session.settings)
    since = began(session.log.select([Window("announcing")]))
    return {
        (name, what): start
        for (name, what), start in since.items()
        if name in here and what in announced(session.settings, name)
    }


def _to(announcement: Announcement, incident: Incident, since: Began) -> list[str]:
    return [
        name
        for name in dict.fromkeys(channel for channel, _ in since)
        if is_wanted(announcement, name, since) and not is_announced(announcement, name, incident)
    ]


def _draft(session: Session, name: str, up_to: int | None) -> Draft:
    incident = session.incident(name, up_to)
    return draft_of(session, dossier(session, incident, up_to, parts=Part.STORY | Part.WORK), session.now)


def _prepare(
    session: Session, announcement: Announcement, to: list[str], draft: Draft, text: str
) -> list[Incoming]:
    at = session.now
    made: list[Incoming] = []

    def decision(known: Incident) -> list[Decision | Incoming]:
        made[:] = [
            Incoming(
                event=MessagePrepared(
                    occurred_at=at,
                    decided_by=BY_ITSELF,
                    incident=known.id,
                    kind=announcement.kind,
                    text=text,
                    eta=draft.eta if announcement.kind == "initial" else None,
                    channel=name,
                    about=announcement.about,
                ),
                arrival=Arrival(via=VIA),
            )
            for name in to
            if not is_announced(announcement, name, known)
        ]
        return list(made)

    session.decide(draft.incident.id, decision)
    return made
