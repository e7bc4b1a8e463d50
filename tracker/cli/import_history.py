"""How `tracker import --from …` answers: what was read of another tool's records, and line by line what was not."""

import argparse
from pathlib import Path
from typing import Any

from tracker.application.import_history import History, Imported, import_history, key_of, read_history
from tracker.application.session import Session
from tracker.cli.common import say, write_json
from tracker.errors import UsageError
from tracker.ingest.history.past import PastIncident, PastLine
from tracker.text.shell import command
from tracker.text.terminal import printable
from tracker.times import utc, zone

_MOST_UNREAD = 40


def run_history(arguments: argparse.Namespace, session: Session) -> int:
    """Import a folder of records, or with --dry-run say what would be imported."""
    place = zone(arguments.time_zone) if arguments.time_zone else session.typed_zone
    if place is None:
        raise UsageError(
            "import: in which time zone are the records' times?",
            hint="Add --time-zone Europe/London, or UTC; a record that names its own zone keeps it",
        )
    path = Path(arguments.file)
    history = read_history(path, arguments.source, zone=place, now=session.now)
    if arguments.dry_run:
        done = None
    else:
        services = [session.service(name) for name in arguments.service]
        done = import_history(session, history, arguments.source, path.resolve().name, services)
    if arguments.json:
        write_json(_answer(history, done))
    else:
        _say(arguments, history, done)
    return 0


def _answer(history: History, done: Imported | None) -> dict[str, Any]:
    counts = {"dry_run": True} if done is None else {"dry_run": False, **done.recording.json()}
    return {
        **counts,
        "incidents": [_incident(past, done.numbers if done else {}) for past in history.incidents],
        "skipped": [{"file": file, "why": why} for file, why in history.skipped],
    }


def _incident(past: PastIncident, numbers: dict[str, str]) -> dict[str, Any]:
    return {
        "file": past.file,
        "incident": numbers.get(key_of(past)),
        "title": past.title,
        "severity": past.severity,
        "services": list(past.services),
        "started_at": _at(past.milestone("started")),
        "detected_at": _at(past.milestone("detected")),
        "declared_at": _at(past.milestone("declared")),
        "resolved_at": _at(past.resolved),
        "events": [
            {
                "at": utc(line.at),
                **({"until": utc(line.until)} if line.until else {}),
                "text": line.text,
                "line": line.line,
                "milestone": line.label,
            }
            for line in past.lines
        ],
        "actions": [{"text": text, "line": number} for number, text in past.actions],
        "unread": [{"line": one.line, "text": one.text, "why": one.why} for one in past.unread],
    }


def _at(line: PastLine | None) -> str | None:
    return utc(line.at) if line else None


def _say(arguments: argparse.Namespace, history: History, done: Imported | None) -> None:
    for past in history.incidents:
        number = done.numbers.get(key_of(past), "-") if done else ""
        first = min((line.at for line in past.lines), default=None)
        when = f"{first:%Y-%m-%d}" if first else "no time"
        print(
            f"{number:<8}{when}  {len(past.lines):>3} times  {len(past.actions):>2} actions  {printable(past.title)}"
        )
    for file, why in history.skipped:
        say(f"left out: {printable(file)}: {printable(why)}")
    for past in history.incidents:
        if not past.lines:
            say(f"left out: {printable(past.file)}: no line of it says when it was")
    unread = [(past.file, one) for past in history.incidents for one in past.unread]
    for file, one in unread[:_MOST_UNREAD]:
        say(f"not read: {printable(file)}:{one.line}: {one.why}: {printable(one.text[:80])}")
    if len(unread) > _MOST_UNREAD:
        say(f"not read: {len(unread) - _MOST_UNREAD} more lines; --json lists all")
    if done is None:
        zone = ("--time-zone", arguments.time_zone) if arguments.time_zone else ()
        again = command("tracker", "import", arguments.file, "--from", arguments.source, *zone)
        say(f"Nothing was recorded. Next: {again}")
    else:
        many = len(done.numbers)
        say(f"{many} {'incident' if many == 1 else 'incidents'}, {done.recording.said()}")
