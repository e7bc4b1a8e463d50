"""Remove an event's text permanently: a password in a note, a customer's name, a file attached by mistake.

The event itself stays: when, by whom, for which incident; and who redacted it, and why. The log
still verifies. Copies of the text are removed too, or listed. This cannot be undone.
"""

import argparse

import msgspec

from tracker.application import redaction_plan
from tracker.application.session import Recording, Session
from tracker.cli.common import add_json, answer, say, write_json
from tracker.cli.progress import progress, waiting
from tracker.decisions.redaction import pieces_of, redact, refuse_what_stays
from tracker.errors import RefusedError, StoreError, UsageError
from tracker.events.base import Event, Recorded, decode
from tracker.events.corrections import Correction, EventAmended, EventRedacted
from tracker.events.incidents import FileAttached
from tracker.times import utc

EXAMPLE = "example:  tracker redact 7f1dmbv --why 'a password was typed into it'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and the reason."""
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument(
        "--why",
        metavar="TEXT",
        help="the reason; it cannot be removed later, so do not repeat the text in it",
    )
    parser.add_argument(
        "--keep",
        metavar="FIELD",
        action="append",
        default=[],
        help="a field to keep readable (tracker show EVENT lists them)",
    )
    parser.add_argument(
        "--also", action="store_true", help="also redact all other events that contain the same text"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what would be removed and what would be kept"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it, remove it, and clean the files of it."""
    _refuse_incident(session, arguments.event)
    target = session.event(arguments.event)
    if target.redacted is not None:
        return _finish(arguments, session, target)
    refuse_what_stays(target)
    begun = _begun(session, target)
    if begun is not None:
        return _carry_out(arguments, session, begun)
    payload = session.log.payloads([target.position]).get(target.position, b"")
    pieces = pieces_of(target.event, payload, arguments.keep)
    decided = _decided(arguments, session, target, payload)
    if not arguments.dry_run:
        redaction_plan.work_up_inbox(session, pieces, (target.id,))
    with progress("redact") as update:
        plan = redaction_plan.planned(
            session, target, keep=arguments.keep, also=arguments.also, progress=update
        )
    if arguments.dry_run:
        return _would(arguments, decided, plan)
    decided += _along(session, plan, decided[0])
    beside = [said for place in redaction_plan.PLACES if (said := place(session, plan.needles)) is not None]
    recording = Recording()
    recording.add(session.log.redact(decided))
    remains = _cleaned(session, target)
    answer = {
        "event": target.id,
        "redacted": [each.target for each in decided],
        "copies": [each.id for each in plan.copies],
        "beside": beside,
        "remains": remains,
    }
    if arguments.json:
        write_json({**answer, **recording.json()})
        return 0
    _say(session, plan, beside, remains)
    return 0


def _refuse_incident(session: Session, typed: str) -> None:
    prefix = session.settings.tracker.prefix.lower()
    if typed == "." or typed.lower().startswith(prefix + "-"):
        raise UsageError(
            f"redact: {typed} is an incident; what is redacted is an event",
            hint=f"Every row of its timeline begins with one: tracker timeline {typed}",
        )


def _decided(
    arguments: argparse.Namespace, session: Session, target: "Recorded", payload: bytes
) -> "list[EventRedacted]":
    """Decide on the target itself; what it corrects says which of its values are texts."""
    corrects = None
    if isinstance(target.event, Correction):
        corrected = session.log.by_ids([target.event.target])
        corrects = corrected[0].event if corrected else None
    why = arguments.why if arguments.why or not arguments.dry_run else "dry run"
    return [
        redact(
            target,
            by=session.author,
            now=session.now,
            why=why,
            payload=payload,
            keep=arguments.keep,
            corrects=corrects,
        )
    ]


def _along(session: Session, plan: redaction_plan.Plan, first: "EventRedacted") -> "list[EventRedacted]":
    """Decide on what goes with the target; what turns out to hold no text of it stays."""
    decided = []
    for identity, (each, _) in list(plan.along.items()):
        whole = isinstance(each.event, EventAmended) and each.event.target == plan.target.id
        shared = isinstance(each.event, FileAttached)
        try:
            decided.append(
                redact(
                    each,
                    by=first.decided_by,
                    now=first.occurred_at,
                    why=first.why,
                    payload=plan.payloads.get(identity, b""),
                    keep=_kept(each.event, plan) if whole else ("name",) if shared else (),
                    corrects=plan.target.event if whole else None,
                    only=None if whole or shared else plan.pieces,
                )
            )
        except RefusedError:
            del plan.along[identity]
    return decided


def _kept(event: "Event", plan: redaction_plan.Plan) -> tuple[str, ...]:
    """Keep the reason of an amendment that goes along, unless it repeats the text."""
    why = getattr(event, "why", "")
    return () if any(piece in why for piece in plan.pieces) else ("why",)


def _begun(session: Session, target: "Recorded") -> "EventRedacted | None":
    """Return a redaction that the log has of an event whose content is there all the same: from a copy of before."""
    found = [each.event for each in session.log.with_corrections([target])]
    return next(
        (each for each in found if isinstance(each, EventRedacted) and each.target == target.id), None
    )


def _carry_out(arguments: argparse.Namespace, session: Session, begun: "EventRedacted") -> int:
    recording = Recording()
    recording.add(session.log.redact([begun]))
    [target] = session.log.by_ids([begun.target])
    remains = _cleaned(session, target)
    said = (
        f"{target.handle} was redacted by {begun.decided_by} before; what was still there of it is gone now"
    )
    return answer(
        arguments,
        recording,
        said + _remaining(remains),
        {"event": target.id, "redacted": [target.id], "copies": [], "beside": [], "remains": remains},
    )


def _finish(arguments: argparse.Namespace, session: Session, target: "Recorded") -> int:
    """Clean the files where an earlier redaction was cut off before that; else it is known, and refused."""
    session.log.seal()
    if target.id not in session.log.unfinished():
        refuse_what_stays(target)
    remains = _cleaned(session, target)
    return answer(
        arguments,
        Recording(),
        f"{target.handle} was redacted before; the files are clean of it now{_remaining(remains)}",
        {"event": target.id, "redacted": [], "copies": [], "beside": [], "remains": remains},
    )


def _cleaned(session: Session, target: "Recorded") -> list[str]:
    try:
        with waiting("clean the files"):
            return redaction_plan.clean(session)
    except StoreError as trouble:
        why = trouble.message.replace("; nothing of this was recorded", "")
        raise type(trouble)(
            f"{target.handle} is redacted, but its text may still lie in unused parts of the files: {why}",
            hint=f"{trouble.hint}; then finish it: tracker redact {target.handle}",
        ) from trouble


def _say(session: Session, plan: redaction_plan.Plan, beside: list[str], remains: list[str]) -> None:
    target = plan.target
    gone = (
        "what it said is gone from it, but the same text stands elsewhere"
        if plan.copies
        else "its text is gone from the log and from the store's files"
    )
    say(f"{target.handle} redacted by {session.author}: {gone}")
    for each, why in plan.along.values():
        say(f"  with it {each.handle} ({why})")
    for each_said in beside:
        say(f"  and {each_said}")
    if plan.copies:
        count = len(plan.copies)
        say(f"  The text still stands in {count} other {'event' if count == 1 else 'events'}:")
        for each in plan.copies[:10]:
            kind, at = each.event.TOPIC.replace("-", " "), utc(each.event.occurred_at)
            say(f"    tracker redact {each.handle} --why …   ({kind}, {at})")
        if count > 10:
            say(f"    and {count - 10} more")
        if count > 1:
            say(f"    all of them at once: tracker redact {plan.copies[0].handle} --also --why …")
    for each_said in remains:
        say(f"  Out of reach from here: {each_said}")
    say("  Reports, bundles and exports that were written before still hold it: write them again")
    say("  A password or a key that was read by somebody stays known: change it")


def _remaining(remains: list[str]) -> str:
    return "".join(f"\n  Out of reach from here: {each}" for each in remains)


def _would(arguments: argparse.Namespace, decided: "list[EventRedacted]", plan: redaction_plan.Plan) -> int:
    """Say what would go and what would stay, and change nothing."""
    target = plan.target
    left = decode(decided[0].target_topic, decided[0].left)
    names = [info.name for info in msgspec.structs.fields(type(left))]
    goes = [name for name in names if getattr(left, name) != getattr(target.event, name)]
    stays = [name for name in names if name not in goes and getattr(left, name) not in (None, "", (), {})]
    if arguments.json:
        write_json(
            {
                "event": target.id,
                "goes": goes,
                "stays": stays,
                "payload_bytes": len(plan.payload),
                "along": list(plan.along),
                "copies": [each.id for each in plan.copies],
            }
        )
        return 0
    print(f"{target.handle}: nothing was changed. Would go for good: {', '.join(goes) or 'no field'}")
    if plan.payload:
        print(f"  and {len(plan.payload)} bytes of payload beside it")
    for each, why in plan.along.values():
        print(f"  and the text in {each.handle} ({why})")
    for each in plan.copies:
        print(
            f"  the same text would still stand in {each.handle} ({each.event.TOPIC}); with --also it goes, too"
        )
    print(f"  Would stay: {', '.join(stays)}")
    return 0
