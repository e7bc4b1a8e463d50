"""Decisions about action items: what was promised, that it was done, and what it would have prevented.

Pure like `tracker.decisions.lifecycle`: the incident with its steps in, an event out, or a sentence why not.
"""

import re
from datetime import datetime, tzinfo
from typing import Any

from tracker.decisions.due_dates import Due, due
from tracker.decisions.lifecycle import reason
from tracker.errors import BadInputError, RefusedError, UsageError
from tracker.events.actions import ActionAdded, ActionDone
from tracker.events.base import Decision, Event, Recorded, event_id, handle_of
from tracker.events.corrections import Effective, EventLinked, EventUnlinked
from tracker.events.incidents import PREVENTION
from tracker.incident import Incident, Status
from tracker.times import Typed, utc, zone

_GROUPS = frozenset(
    (
        *("team", "teams", "squad", "crew", "department", "everyone", "everybody", "anyone", "anybody"),
        *("someone", "somebody", "whoever", "nobody", "tbd", "tba", "tbc", "unassigned", "undecided"),
        *("developers", "devs", "engineers", "engineering", "devops", "sre", "management"),
    )
)
_NOBODY = _GROUPS | {
    *("all", "none", "we", "us", "they", "them", "unknown", "na", "n/a", "todo", "oncall", "on-call", "ops"),
    *("qa", "group", "no one", "all of us", "no-one"),
}
_SEVERAL = re.compile(r"\s+(?:and|or|und)\s+|[,;&/+]", re.IGNORECASE)
_EMPTY_PROOFS = frozenset(
    (
        *(
            "done",
            "yes",
            "y",
            "ok",
            "okay",
            "true",
            "x",
            "fixed",
            "finished",
            "complete",
            "completed",
            "closed",
        ),
        *(
            "resolved",
            "none",
            "no",
            "n/a",
            "na",
            "tbd",
            "todo",
            "later",
            "see above",
            "trust me",
            "it is done",
        ),
        *("url", "proof", "all good", "works", "verified", "tested", "merged", "deployed"),
    )
)


def add_action(incident: Incident, text: str, *, owner: str, due: Due, by: str, at: Typed) -> ActionAdded:
    """Decide that somebody is to do something by a day.

    Raises:
        RefusedError: If it says nothing, nobody owns it, or the incident went on under another number.
    """
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"tracker action add {incident.merged_into} …",
        )
    if not text.strip():
        raise RefusedError(
            "an action item needs a text that says what is to be done",
            hint=f'tracker action add {incident.id} "Alert on the pool" --owner NAME --due DATE',
        )
    added = ActionAdded(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident.id,
        text=text.strip(),
        owner=owner_of(owner),
        due_on=due.on,
        due_said=due.said,
        due_zone=None if due.zone_name == "UTC" else due.zone_name,
        due_offset_minutes=due.ends_offset_minutes,
    )
    _refuse_struck_out(incident, added)
    return added


def owner_of(typed: str) -> str:
    """Return the person who is to do it.

    Raises:
        RefusedError: If it is nobody, or more than one.
    """
    name = " ".join(typed.split()).lstrip("@").strip()
    words = re.sub(r"[.!?]", "", name.lower())
    is_person = any(char.isalpha() for char in name) and words not in _NOBODY
    if not is_person or _GROUPS & set(words.split()):
        raise RefusedError(
            f"{typed.strip() or 'nobody'!r} is no person: what everybody is to do, nobody does",
            hint="Name the one who answers for it: --owner john",
        )
    if _SEVERAL.search(name):
        raise RefusedError(
            f"{typed.strip()!r} is more than one person",
            hint="Name the one who answers for it, or add an item for each",
        )
    return name


def complete(incident: Incident, target: Recorded, *, proof: str, by: str, at: Typed) -> ActionDone:
    """Decide that an action item was done, with what shows it.

    Raises:
        RefusedError: If it is no item, was struck out or done already, or nothing shows it.
    """
    step = item(incident, target)
    event = step.event
    assert isinstance(event, ActionAdded)
    held = done_step(incident, step.id)
    if held is not None:
        said = held.event
        assert isinstance(said, ActionDone)
        raise RefusedError(
            f"{step.handle} was already done at {utc(said.occurred_at)}, says {said.decided_by}; proof: {said.proof}",
            hint=f"If it was not: tracker retract {held.handle} --why …",
        )
    shown = " ".join(proof.split())
    if not shown or shown.lower().strip(" .!") in _EMPTY_PROOFS or not any(c.isalnum() for c in shown):
        raise RefusedError(
            f"{shown!r} does not show that it was done" if shown else "that needs a proof",
            hint=f"Say where one can see it, such as an address, a commit or a handle: tracker action done {step.handle} --proof https://…",
        )
    if at.at < event.occurred_at:
        raise RefusedError(
            f"{step.handle} cannot be done at {utc(at.at)}, before it was promised at {utc(event.occurred_at)}",
            hint="Give --at the instant at which it was done, or leave it out for now",
        )
    done = ActionDone(
        occurred_at=at.at,
        precision_seconds=at.precision_seconds,
        utc_offset_minutes=at.utc_offset_minutes,
        decided_by=by,
        incident=incident.id,
        action=step.id,
        proof=shown,
    )
    _refuse_struck_out(incident, done)
    return done


def _refuse_struck_out(incident: Incident, decision: Decision) -> None:
    """Refuse to say again, word by word and at the same instant, what was struck out: it would stay struck out."""
    same = next((each for each in incident.steps if each.id == event_id(decision)), None)
    if same is not None and same.retraction is not None:
        raise RefusedError(
            f"{same.handle} says exactly that, and was struck out",
            hint=f"If that was wrong: tracker retract {same.retraction.handle} --why …",
        )


def item(incident: Incident, target: Recorded) -> Effective:
    """Return an incident's action item as it reads now.

    Raises:
        RefusedError: If the target is none, or was struck out.
    """
    require_item(target)
    step = next((each for each in incident.steps if each.id == target.id), None)
    if step is None:
        raise RefusedError(f"{target.handle} is no action item of {incident.id}", hint="tracker actions")
    if step.retraction is not None:
        why = getattr(step.retraction.event, "why", "")
        by = getattr(step.retraction.event, "decided_by", "")
        raise RefusedError(
            f"{step.handle} was struck out by {by}: {why}", hint=f"tracker history {step.handle}"
        )
    return step


def require_item(target: Recorded) -> ActionAdded:
    """Return the action item that an event adds.

    Raises:
        RefusedError: If it adds none.
    """
    event = target.event
    if isinstance(event, ActionDone):
        raise RefusedError(
            f"{target.handle} says that {handle_of(event.action)} was done; it is no action item itself",
            hint=f"tracker show {handle_of(event.action)}",
        )
    if not isinstance(event, ActionAdded):
        raise RefusedError(
            f"{target.handle} is a {event.TOPIC}, no action item",
            hint="Each has its handle in: tracker actions",
        )
    return event


def done_step(incident: Incident, action: str) -> Effective | None:
    """Return what says that an item was done; None while it is open."""
    found = [
        step
        for step in incident.steps
        if isinstance(step.event, ActionDone) and step.event.action == action and step.retraction is None
    ]
    return found[0] if found else None


def link_prevention(
    incident: Incident, origin: Incident, target: Recorded, *, by: str, at: Typed, role: str | None, why: str
) -> EventLinked:
    """Decide that an open item of an earlier incident would have prevented this one.

    Raises:
        RefusedError: If it was not promised, or was done, when this one began; or it is this one's own.
    """
    if role not in (None, PREVENTION):
        raise RefusedError(
            f"{target.handle} is an action item; it is never what {role} an incident",
            hint=f"That it would have prevented it: tracker link {incident.id} {target.handle} --why …",
        )
    step = item(origin, target)
    if incident.status is Status.MERGED:
        raise RefusedError(
            f"{incident.id} was merged into {incident.merged_into}",
            hint=f"tracker link {incident.merged_into} {target.handle} --why …",
        )
    if incident.id in (origin.id, origin.merged_into) or origin.id in incident.merged_from:
        raise RefusedError(
            f"{target.handle} is {incident.id}'s own action item; it came after it",
            hint="Only an item of an earlier incident would have prevented this one: tracker actions",
        )
    if step.event.occurred_at > incident.begins_at:
        raise RefusedError(
            f"{target.handle} was promised at {utc(step.event.occurred_at)}, after {incident.id} began "
            f"at {utc(incident.begins_at)}",
            hint="Only what was promised before could have prevented it: tracker actions",
        )
    held = done_step(origin, step.id)
    if held is not None and held.event.occurred_at <= incident.begins_at:
        raise RefusedError(
            f"{target.handle} was done at {utc(held.event.occurred_at)}, before {incident.id} began "
            f"at {utc(incident.begins_at)}: it did not prevent it",
            hint=f"If it was not done: tracker retract {held.handle} --why …",
        )
    return EventLinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        role=PREVENTION,
        why=reason(why, f"tracker link {incident.id} {target.handle}"),
    )


def unlink_prevention(incident: Incident, target: Recorded, *, by: str, at: Typed, why: str) -> EventUnlinked:
    """Decide that an item would not have prevented the incident after all.

    Raises:
        RefusedError: If nobody said that it would.
    """
    require_item(target)
    held = incident.links.get(target.id)
    if held is None or not held.linked:
        before = f"; {held.by} took it back" if held is not None else ""
        raise RefusedError(
            f"nobody says that {target.handle} would have prevented {incident.id}{before}",
            hint=f"tracker show {incident.id}",
        )
    return EventUnlinked(
        occurred_at=at.at,
        decided_by=by,
        incident=incident.id,
        target=target.id,
        why=reason(why, f"tracker unlink {incident.id} {target.handle}"),
    )


def amended_fields(
    event: Event, changes: dict[str, Any], *, now: datetime, typed_zone: tzinfo | None
) -> dict[str, Any]:
    """Return the fields of a correction as an item keeps them: `due` and `due_on` as typed become a day.

    A day is counted in the zone given, else in the one in which it was promised.

    Raises:
        RefusedError: If after it nobody owned it, or it were another item that was done.
        UsageError: If what is due is no day.
    """
    if isinstance(event, ActionDone) and "action" in changes:
        raise RefusedError(
            "which item was done cannot be amended", hint="Strike it out: tracker retract EVENT --why …"
        )
    if isinstance(event, ActionDone) and not str(changes.get("proof", "x") or "").strip():
        raise RefusedError("that needs a proof", hint="--set proof=https://…")
    if not isinstance(event, ActionAdded):
        return changes
    found = dict(changes)
    if "text" in found and not str(found["text"] or "").strip():
        raise RefusedError("an action item needs a text", hint='--text "what is to be done"')
    if "owner" in found:
        found["owner"] = owner_of(str(found["owner"] or ""))
    for name in ("due_said", "due_zone", "due_offset_minutes"):
        if name in found:
            raise BadInputError(
                f"{name} follows from the day", hint="--set due=2026-12-01, with --at-tz ZONE"
            )
    typed = found.pop("due", found.pop("due_on", None))
    if typed is not None:
        here = typed_zone or (zone(event.due_zone) if event.due_zone else None)
        # What was mistyped may be set right to a day that is over by now, if it was to come when promised.
        try:
            read = due(str(typed), at=now, zone=here, option="--set due")
        except UsageError:
            read = due(str(typed), at=event.occurred_at, zone=here, option="--set due")
        found["due_on"] = read.on.isoformat()
        found["due_said"] = read.said
        found["due_offset_minutes"] = read.ends_offset_minutes
        found["due_zone"] = None if read.zone_name == "UTC" else read.zone_name
        found = {name: value for name, value in found.items() if _differs(event, name, value)}
    return found


def _differs(event: ActionAdded, name: str, value: Any) -> bool:
    held = getattr(event, name, None)
    return bool((held.isoformat() if name == "due_on" and held is not None else held) != value)
