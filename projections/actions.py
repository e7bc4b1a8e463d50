"""Action items: their state, and which later incidents they would have prevented.

"Now" is given: a report passes the recording instant of its last event, so that an item's state there is that of the
log; a live list passes the clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from projections.dossier import Dossier
from projections.incident_windows import Part
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Recorded, Window, handle_of
from tracker.events.corrections import Effective, EventLinked, EventUnlinked, effective, known_at
from tracker.events.incidents import PREVENTION, IncidentDeclared, MilestoneSet
from tracker.incident import Incident

OPEN, OVERDUE, DONE = "open", "overdue", "done"


@dataclass(frozen=True)
class ActionStatus:
    """The state of an item at an instant: "open", "overdue" (by so many days) or "done"."""

    state: str
    overdue_days: int = 0

    @property
    def is_open(self) -> bool:
        return self.state != DONE


@dataclass(frozen=True)
class Prevention:
    """A person said that an item would have prevented a later incident.

    `then` is its state when that incident began, by the due date that was known when the link was recorded: later
    changes of it do not count. It is None where the incident's beginning was not given.
    """

    incident: str
    why: str
    by: str
    event: str
    at: datetime
    due_then: date
    began_at: datetime | None = None
    then: ActionStatus | None = None


@dataclass(frozen=True)
class ActionItem:
    """One action item as it reads after its corrections; `due_until` is the instant at which its day ends."""

    event: str
    incident: str
    text: str
    owner: str
    due_on: date
    due_said: str | None
    due_zone: str
    due_until: datetime
    added_at: datetime
    added_by: str
    amended: bool = False
    done_at: datetime | None = None
    done_by: str | None = None
    done_event: str | None = None
    proof: str | None = None
    prevented: tuple[Prevention, ...] = ()

    @property
    def handle(self) -> str:
        return handle_of(self.event)

    def standing(self, now: datetime) -> ActionStatus:
        """Return its state, by all that the log holds; nothing ticks once it is done."""
        return ActionStatus(DONE) if self.done_at is not None else _promise(self.due_on, self.due_until, now)


def actions(recorded: Iterable[Recorded], began: Mapping[str, datetime] | None = None) -> list[ActionItem]:
    """Return the items among these events, as `actions_among` does."""
    return actions_among(effective(recorded).values(), began)


def actions_among(
    facts: Iterable[Effective], began: Mapping[str, datetime] | None = None
) -> list[ActionItem]:
    """Return the items among these facts, what is to be done first, by the day it is due.

    Needed are the events of the scope "actions" with their corrections, among which are the links.
    `began` says of incidents when they began.
    """
    known = list(facts)
    held = [each.recorded for each in known]
    living = [each for each in known if each.retraction is None]
    done: dict[str, Effective] = {}
    for each in living:
        if isinstance(each.event, ActionDone):
            done.setdefault(each.event.action, each)
    linked: dict[str, list[Effective]] = {}
    for each in living:
        if isinstance(each.event, EventLinked | EventUnlinked):
            linked.setdefault(each.event.target, []).append(each)
    items = []
    for each in living:
        event = each.event
        if not isinstance(event, ActionAdded):
            continue
        item = ActionItem(
            event=each.id,
            incident=event.incident or "",
            text=event.text,
            owner=event.owner,
            due_on=event.due_on,
            due_said=event.due_said,
            due_zone=event.due_zone or "UTC",
            due_until=end_of(event.due_on, event.due_offset_minutes),
            added_at=event.occurred_at,
            added_by=event.decided_by,
            amended=bool(each.amendments),
        )
        kept = done.get(each.id)
        if kept is not None and isinstance(kept.event, ActionDone):
            item = replace(
                item,
                done_at=kept.event.occurred_at,
                done_by=kept.event.decided_by,
                done_event=kept.id,
                proof=kept.event.proof,
            )
        items.append(
            replace(item, prevented=_prevented(item, each, linked.get(each.id, ()), held, began or {}))
        )
    return sorted(items, key=lambda item: (item.done_at is not None, item.due_on, item.added_at, item.event))


def items(dossier: Dossier) -> list[ActionItem]:
    """Return all items of the log, with what they would have prevented."""
    dossier.need(Part.ACTIONS)
    recorded = dossier.select([Window("actions")])
    known = {each.id: each.begins_at for each in (*dossier.others, dossier.incident)}
    began = {name: known[name] for name in linked_incidents(recorded) if name in known}
    return actions_among([dossier.effective[each.id] for each in recorded], began)


def linked_incidents(recorded: Iterable[Recorded]) -> list[str]:
    """Name the incidents of which somebody said that an item would have prevented them."""
    found = {
        each.event.incident
        for each in recorded
        if isinstance(each.event, EventLinked) and each.event.role == PREVENTION and each.event.incident
    }
    return sorted(found)


def relevant(dossier: Dossier) -> tuple[list[ActionItem], list[Recorded]]:
    """Return the items that an incident's report lists, and the events that say so and no others.

    These are its own, and those of earlier incidents that would have prevented it.
    """
    own = {dossier.incident.id, *dossier.incident.merged_from}
    kept = [
        item
        for item in items(dossier)
        if item.incident in own or any(said.incident in own for said in item.prevented)
    ]
    ids = {item.event for item in kept}
    others = {said.incident for item in kept for said in item.prevented}
    events = {
        each.id: each
        for each in dossier.recorded
        if each.id in ids
        or (isinstance(each.event, ActionDone) and each.event.action in ids)
        or (isinstance(each.event, IncidentDeclared | MilestoneSet) and each.event.incident in others)
    }
    return kept, dossier.with_corrections(events)


def of_incident(items: Iterable[ActionItem], incident: Incident) -> list[ActionItem]:
    """Keep an incident's own items, and those of the incidents that were merged into it."""
    return [each for each in items if each.incident in (incident.id, *incident.merged_from)]


def would_have_prevented(items: Iterable[ActionItem], incident: str) -> list[tuple[ActionItem, Prevention]]:
    """Return the items of earlier incidents that people linked as what would have prevented this one."""
    return [(item, said) for item in items for said in item.prevented if said.incident == incident]


def earlier_open(
    items: Iterable[ActionItem], incident: Incident, services: Mapping[str, Iterable[str]]
) -> list[ActionItem]:
    """Return the items of earlier incidents of its services that were open when an incident began, and are not linked."""
    own = {incident.id, *incident.merged_from, *([incident.merged_into] if incident.merged_into else [])}
    return [
        item
        for item in items
        if item.incident not in own
        and item.added_at <= incident.begins_at
        and (item.done_at is None or item.done_at > incident.begins_at)
        and set(services.get(item.incident, ())) & set(incident.services)
        and not any(said.incident == incident.id for said in item.prevented)
    ]


def end_of(on: date, offset_minutes: int) -> datetime:
    """Return the instant at which a day ends in a zone of this offset; never, where a bundle names an impossible one."""
    try:
        zone = timezone(timedelta(minutes=offset_minutes))
        return datetime.combine(on + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


def _promise(on: date, until: datetime, now: datetime) -> ActionStatus:
    """Return the state of an item that is not done: overdue from the end of its day on, by days of its own zone."""
    if now < until:
        return ActionStatus(OPEN)
    return ActionStatus(OVERDUE, (now - until) // timedelta(days=1) + 1)


def _prevented(
    item: ActionItem,
    added: Effective,
    links: Iterable[Effective],
    held: Iterable[Recorded],
    began: Mapping[str, datetime],
) -> tuple[Prevention, ...]:
    said: dict[str, Effective] = {}
    for each in links:
        event = each.event
        if isinstance(event, EventLinked | EventUnlinked) and event.incident:
            said[event.incident] = each
    answer = []
    for incident, each in said.items():
        event = each.event
        if not isinstance(event, EventLinked) or event.role != PREVENTION or incident == item.incident:
            continue
        known = known_at(added.recorded, held, each.recorded.position)
        assert isinstance(known, ActionAdded)
        then = None
        begins = began.get(incident)
        if begins is not None:
            until = end_of(known.due_on, known.due_offset_minutes)
            is_done = item.done_at is not None and item.done_at <= begins
            then = ActionStatus(DONE) if is_done else _promise(known.due_on, until, begins)
        answer.append(
            Prevention(
                incident=incident,
                why=event.why,
                by=event.decided_by,
                event=each.id,
                at=event.occurred_at,
                due_then=known.due_on,
                began_at=begins,
                then=then,
            )
        )
    return tuple(answer)
