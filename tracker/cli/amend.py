"""Correct a recorded event. `tracker history` still shows the old value."""

import argparse
from datetime import date
from typing import Any

from tracker.application.session import Recording, Session
from tracker.cli.common import add_json, add_zone
from tracker.decisions import corrections
from tracker.decisions.action_items import amended_fields
from tracker.decisions.corrections import amend
from tracker.decisions.due_dates import spelled
from tracker.errors import UsageError
from tracker.events.base import Recorded, event_id
from tracker.events.corrections import Correction, Effective, effective
from tracker.incident import fold
from tracker.times import to_us, utc

EXAMPLE = "example:  tracker amend 7f1dmbv --at 14:41Z --why 'read the clock of the wrong host'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take what was wrong and what is right."""
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--at", metavar="T", help="the correct time")
    parser.add_argument("--text", metavar="TEXT", help="the correct text of a note or action item")
    parser.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", default=[], help="the correct value of another field"
    )
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_zone(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    target = corrected(session, arguments.event)
    changes: dict[str, Any] = {}
    for assignment in arguments.set:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"amend: --set {assignment!r} has no =", hint="--set version=v1.2.1")
        changes[name.strip()] = None if value == "" else value
    if arguments.text is not None:
        changes["text"] = arguments.text
    name = getattr(target.event, "incident", None)
    incident = fold(name, session.log.incident(name)) if name else None
    new_at = session.instant(arguments.at, incident) if arguments.at else None
    if changes.get("service"):
        changes["service"] = session.service(str(changes["service"]))
    changes = amended_fields(target.event, changes, now=session.now, typed_zone=session.typed_zone)
    by = session.author
    correction = amend(target, by=by, now=session.now, why=arguments.why, changes=changes, new_at=new_at)
    refuse_contradiction(session, correction)
    recording = record_correction(session, correction)
    day = f"; it is due {spelled(date.fromisoformat(changes['due_on']))} now" if "due_on" in changes else ""
    moved = f"; it is at {utc(correction.new_at)} now" if arguments.at and correction.new_at else ""
    return session.answer(
        recording,
        f"{target.handle} amended by {by}{moved}{day}; the old value: tracker history {target.handle}",
        {"event": target.id},
    )


def corrected(session: Session, typed: str) -> "Effective":
    """Return the event that was typed, as it reads after its corrections."""
    target = session.event(typed)
    return effective(session.log.with_corrections([target]))[target.id]


def refuse_contradiction(session: Session, correction: "Correction") -> None:
    """Refuse a correction that would leave its incident in contradiction with itself."""
    name = correction.incident
    if name is None:
        return
    held = session.log.incident(name)
    last = max(each.position for each in held)
    then = Recorded(
        id=event_id(correction), event=correction, position=last + 1, recorded_us=to_us(session.now)
    )
    corrections.refuse_contradiction(fold(name, held), fold(name, [*held, then]))


def record_correction(session: Session, correction: "Correction") -> Recording:
    """Append a correction: to its incident's stream, or on its own."""
    if correction.incident is None:
        return session.record([correction])
    return session.decide(correction.incident, lambda held: [correction])
