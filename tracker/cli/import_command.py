"""Import an incident of another log from a bundle, or the history of another tool.

The whole bundle is checked before anything is recorded, and it is recorded as a whole, with the
times at which the other log recorded each event. Importing it again adds nothing. If the number
is already in use here, the imported incident gets a new one. Events of services with the same name
are mixed: import an incident of somebody else's services into a store of its own, with --store
FILE.

--undo ID retracts what an import recorded: nothing is deleted, and each event keeps its handle. Import
it again to restore it.

With --from, FILE is a folder or file of another tool's records, each an incident of the past:
post-mortems in markdown, a table in CSV, or an export of a tool's API in JSON. Of markdown a line
counts if it begins with a time, or is a milestone and its time. What cannot be read is listed by
file and line; nothing is guessed, and a time that is not exact is kept as a span. Importing the
folder again adds only what is new in it.
"""

import argparse
import sys
from pathlib import Path

from tracker.application.import_history import AUTHORS
from tracker.application.session import Recording, Session
from tracker.application.undo_import import undo_import
from tracker.bundles.importing import Plan, import_bundle, plan_import
from tracker.bundles.reading import Bundle, read
from tracker.cli.common import add_json, answer, say, write_json
from tracker.cli.import_history import run_history
from tracker.cli.progress import progress
from tracker.errors import BadInputError, UsageError
from tracker.events.base import handle_of
from tracker.text.shell import word
from tracker.text.terminal import printable
from tracker.times import utc

EXAMPLE = """examples:
  tracker import INC-42.bundle --dry-run
  tracker import INC-42.bundle
  tracker import postmortems --from markdown --time-zone Europe/London --dry-run
  tracker import incidents.json --from pagerduty --dry-run"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="a file written by tracker bundle; - is stdin; or a folder"
    )
    parser.add_argument(
        "--undo",
        metavar="ID",
        help="strike out what an import brought: its handle, or an incident (its last import)",
    )
    parser.add_argument("--why", metavar="TEXT", help="with --undo: the reason")
    parser.add_argument(
        "--from",
        dest="source",
        choices=("bundle", *AUTHORS),
        default="bundle",
        help="what FILE is (default bundle)",
    )
    parser.add_argument(
        "--time-zone", metavar="ZONE", help="time zone of records that name none (default TRACKER_TZ)"
    )
    parser.add_argument(
        "--service",
        metavar="S",
        nargs="+",
        action="extend",
        default=[],
        help="the service of records that name none",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only check it and print what would be recorded"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if (arguments.file is None) == (arguments.undo is None):
        raise UsageError(
            "import: name a file, or with --undo an import",
            hint="tracker import FILE   or   tracker import --undo ID",
        )
    if arguments.undo is not None:
        return _undo(arguments, session)
    if arguments.source != "bundle":
        return run_history(arguments, session)
    if Path(arguments.file).is_dir():
        raise UsageError(
            f"import: {arguments.file} is a folder, and a bundle is one file",
            hint=f"For post-mortems: tracker import {word(arguments.file)} --from markdown --dry-run",
        )
    _ = session.settings  # without a log nothing is read
    who = None if arguments.dry_run else session.author
    bundle = opened(arguments.file)
    prefix = session.settings.tracker.prefix
    if who is None:
        plan = plan_import(session.log, bundle, prefix=prefix)
        recording = Recording(plan.new, plan.known)
    else:
        plan, appended = import_bundle(session.log, bundle, prefix=prefix, by=who)
        recording = Recording(appended.recorded, appended.known)
    if arguments.json:
        write_json({**_answer(bundle, plan, dry_run=arguments.dry_run), **recording.json()})
        return 0
    _say(arguments.file, bundle, plan, dry_run=arguments.dry_run)
    return 0


def _undo(arguments: argparse.Namespace, session: Session) -> int:
    undone = undo_import(session, arguments.undo, why=arguments.why or "")
    struck = "1 event that was" if undone.struck == 1 else f"{undone.struck} events that were"
    sentence = (
        f"{struck} imported as {undone.incident} struck out by {session.author}: no answer uses them any more"
    )
    if undone.left:
        sentence += f"\n  {undone.left} decisions that were made here on {undone.incident} stay; see: tracker timeline --order recorded"
    keys = {"incident": undone.incident, "struck": undone.struck}
    return answer(arguments, undone.recording, sentence, keys)


def opened(file: str) -> "Bundle":
    """Read a bundle from a file, or from stdin, and check it."""
    if file == "-":
        with progress("check") as update:
            return read(sys.stdin.buffer, "stdin", progress=update)
    path = Path(file)
    try:
        with path.open("rb") as stream, progress("check") as update:
            return read(stream, file, progress=update)
    except OSError as wrong:
        raise BadInputError(
            f"{path}: cannot be read: {wrong.strerror}", hint=f"ls -l {word(path)}"
        ) from wrong


def _events(count: int) -> str:
    return "1 event was" if count == 1 else f"{count} events were"


def _answer(bundle: "Bundle", plan: "Plan", *, dry_run: bool) -> dict[str, object]:
    manifest = bundle.manifest
    return {
        "incident": plan.incident,
        "was": manifest.incident,
        "numbers": plan.numbers,
        "dry_run": dry_run,
        "log": manifest.log,
        "position": manifest.position,
        "head": manifest.head,
        "sha256": bundle.sha256,
        "redacted": plan.redacted_there,
        "still_here": [
            {"event": event, "by": said.decided_by, "at": said.occurred_at, "why": said.why}
            for event, said in plan.in_full.items()
        ],
        "redacted_here": list(plan.redacted_here),
    }


def _say(file: str, bundle: "Bundle", plan: "Plan", *, dry_run: bool) -> None:
    manifest = bundle.manifest
    print(plan.incident)
    say(
        f"{file} is whole: {manifest.events} events of log {manifest.log}, as of its position {manifest.position}, "
        f"head {manifest.head}"
    )
    for there, here in plan.numbers.items():
        if there != here:
            verb = "would become" if dry_run else "became"
            why = (
                f": {there} is another incident here"
                if there.partition("-")[0] == here.partition("-")[0]
                else ""
            )
            say(f"{there} of log {manifest.log} {verb} {here}{why}")
    others = [here for here in plan.numbers.values() if here != plan.incident]
    if others:
        say(f"From {', '.join(others)} only what {plan.incident} depends on was imported")
    counted = f"{len(plan.new)} new, {len(plan.known)} already known"
    say(f"{'Would record: ' if dry_run else ''}{counted}")
    if plan.redacted_there:
        say(f"{_events(plan.redacted_there)} redacted in that log; the removed content is not in the bundle")
    if plan.redacted_here:
        say(
            f"{_events(len(plan.redacted_here))} redacted in this log: the bundle's content for it was left out"
        )
    for event, said in plan.in_full.items():
        say(
            f"{handle_of(event)} is still here in full, and was redacted in that log by {printable(said.decided_by)} on "
            f"{utc(said.occurred_at)}: {printable(said.why)}"
        )
        say(
            f"  An import removes nothing; to remove it here as well: tracker redact {handle_of(event)} --why …"
        )
    if plan.overlapping and plan.new:
        say(
            f"This log already has events of {', '.join(plan.overlapping)}, so answers use events of both logs; "
            "to keep them apart: tracker import FILE --store other.db"
        )
    if dry_run:
        say(f"Next: tracker import {word(file)}")
    else:
        say(f"Next: tracker report {plan.incident}   ·   tracker show {plan.incident}")
