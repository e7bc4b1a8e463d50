"""Remove an event's text permanently: a password in a note, a customer's name, a file attached by mistake.

The event itself stays: when, by whom, for which incident; and who redacted it, and why. The log
still verifies. Copies of the text are removed too, or listed. This cannot be undone.
"""

import argparse

from tracker.application.redaction import DryRun, Redacted, dry_run, redact_event
from tracker.application.session import Session
from tracker.cli.common import add_json, answer, write_json
from tracker.cli.progress import PROGRESS
from tracker.times import utc

EXAMPLE = "example:  tracker redact 7f1dmbv --why 'a password was typed into it'"


def arguments(parser: argparse.ArgumentParser) -> None:
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
    act = dry_run if arguments.dry_run else redact_event
    done = act(
        session,
        arguments.event,
        why=arguments.why,
        keep=arguments.keep,
        also=arguments.also,
        progress=PROGRESS,
    )
    return _print_dry_run(arguments, done) if isinstance(done, DryRun) else _print(arguments, session, done)


def _print(arguments: argparse.Namespace, session: Session, done: Redacted) -> int:
    keys = {
        "event": done.target.id,
        "redacted": list(done.redacted),
        "copies": [copy.id for copy in done.plan.copies] if done.plan else [],
        "beside": done.beside,
        "remains": done.remains,
    }
    handle = done.target.handle
    remaining = "".join(f"\n  Out of reach: {place}" for place in done.remains)
    if done.plan is not None:
        return answer(arguments, done.recording, _removed(session, done) + remaining + _AFTERWARDS, keys)
    if done.before_by:
        sentence = f"{handle} was already redacted by {done.before_by}; a copy of its text was removed now"
    else:
        sentence = f"{handle} was already redacted; the files were cleaned now"
    return answer(arguments, done.recording, sentence + remaining, keys)


_AFTERWARDS = """
  Reports, bundles and exports written before still contain it: write them again
  If it was a password or a key, change it: it may have been read"""


def _removed(session: Session, done: Redacted) -> str:
    plan = done.plan
    assert plan is not None
    gone = (
        "its text was removed, but other events contain the same text"
        if plan.copies
        else "its text was removed from the log and from the store's files"
    )
    lines = [f"{done.target.handle} redacted by {session.author}: {gone}"]
    lines += [f"  along with {one.handle} ({why})" for one, why in plan.along.values()]
    lines += [f"  and {removed}" for removed in done.beside]
    if plan.copies:
        count = len(plan.copies)
        lines.append(f"  {count} other {'event contains' if count == 1 else 'events contain'} the text:")
        for copy in plan.copies[:10]:
            kind, at = copy.event.TOPIC.replace("-", " "), utc(copy.event.occurred_at)
            lines.append(f"    tracker redact {copy.handle} --why …   ({kind}, {at})")
        if count > 10:
            lines.append(f"    and {count - 10} more")
        if count > 1:
            lines.append(f"    to redact all of them: tracker redact {plan.copies[0].handle} --also --why …")
    return "\n".join(lines)


def _print_dry_run(arguments: argparse.Namespace, found: DryRun) -> int:
    plan = found.plan
    if arguments.json:
        write_json(
            {
                "event": found.target.id,
                "goes": found.goes,
                "stays": found.stays,
                "payload_bytes": len(plan.payload),
                "along": list(plan.along),
                "copies": [copy.id for copy in plan.copies],
            }
        )
        return 0
    print(
        f"{found.target.handle}: nothing was changed. Would be removed: {', '.join(found.goes) or 'no field'}"
    )
    if plan.payload:
        print(f"  and its payload of {len(plan.payload)} bytes")
    for one, why in plan.along.values():
        print(f"  and the text in {one.handle} ({why})")
    for copy in plan.copies:
        print(f"  {copy.handle} ({copy.event.TOPIC}) would still contain the text; --also removes it there")
    print(f"  Would be kept: {', '.join(found.stays)}")
    return 0
