"""Review an incident's written sections in your editor: impact, root cause, fix, prevention, lessons.

What you change, remove or add is recorded as if you had typed tracker amend, retract and note; the
review itself is recorded too. Changes by others in the meantime are merged. If both of you changed
the same note, both texts are shown, nothing is recorded, and your file is kept.
"""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reports import review_file
from reports.review_file import (
    BrokenReviewFileError,
    Item,
    RecordedNote,
    ReviewFile,
    by_handle,
    normalized,
    parse,
    recorded_notes,
)
from tracker.application import report_files
from tracker.application.session import Recording, Session
from tracker.application.spool import files
from tracker.cli.common import add_incident, add_json, answer, say
from tracker.decisions import publication
from tracker.decisions.common import refuse_merged
from tracker.decisions.publication import Conflict, Edited
from tracker.errors import RefusedError, SettingsError, TrackerError
from tracker.events.base import Decision, handle_of
from tracker.events.corrections import EventAmended, EventRetracted
from tracker.events.incidents import NoteAdded
from tracker.incident import Incident
from tracker.text.shell import word

EXAMPLE = "example:  EDITOR='code --wait' tracker review INC-42"
_RETURN_AT_ONCE = {
    "code": "--wait",
    "code-insiders": "--wait",
    "codium": "--wait",
    "cursor": "--wait",
    "zed": "--wait",
    "subl": "--wait",
    "atom": "--wait",
    "gvim": "-f",
}
"""Editors that open a window and return: what would be read back is what nobody edited yet."""


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "--from", metavar="FILE", dest="kept", help="continue with a file kept from an earlier review"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    editor = _editor()
    incident = session.incident(arguments.incident)
    refuse_merged(incident, "tracker review {into}")
    by = session.author
    if arguments.kept:
        path = Path(arguments.kept)
        written = report_files.read(path)
        _sheet(path, written, incident.id, session)
    else:
        written = review_file.write(incident, session.log.position).encode()
        path = _new_file(session, incident.id, written)
    with _keeping(path, incident.id, written, fresh=not arguments.kept):
        _edit(editor, path)
        data = report_files.read(path)
        if not data.strip():
            path.write_bytes(written)
            raise _EmptiedError(
                "the file was empty: nothing was recorded, and its previous content was restored"
            )
        found = _sheet(path, data, incident.id, session)
        recording, counts = _record(session, incident.id, found, path, by)
    if _own_folder(session) in path.resolve().parents:
        path.unlink(missing_ok=True)
    changes = sum(counts.values())
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing changed"
    return answer(
        arguments,
        recording,
        f"{incident.id} was reviewed by {by}: {said}\nNext: tracker publish {incident.id}",
        {"incident": incident.id, "changes": changes},
    )


class _EmptiedError(RefusedError):
    """Nothing stood in the file any more."""


def _editor() -> list[str]:
    """Return the command of the editor, in words.

    Raises:
        SettingsError: If none is set, or it would return before anything is edited.
    """
    said = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not said or not said.strip():
        raise SettingsError(
            "no editor: neither VISUAL nor EDITOR is set",
            hint="export EDITOR=nano, or: export EDITOR='code --wait'",
        )
    try:
        words = shlex.split(said)
    except ValueError as wrong:
        raise SettingsError(
            f"the editor command {said!r} cannot be parsed: {wrong}", hint="export EDITOR=nano"
        ) from wrong
    name = Path(words[0]).name
    waits = _RETURN_AT_ONCE.get(name)
    if waits is not None and not {waits, "-w", "--wait", "--nofork"} & set(words[1:]):
        raise SettingsError(
            f"the editor {said!r} returns before the file is edited",
            hint=f"export EDITOR={word(f'{said} {waits}')}",
        )
    return [os.path.expanduser(words[0]), *words[1:]]  # noqa: PTH111  (a Path would drop the ./ of ./edit)


def _edit(editor: list[str], path: Path) -> None:
    """Run the editor until it is closed; Ctrl-C is the editor's while it runs.

    Raises:
        SettingsError: If it cannot be started.
        RefusedError: If it fails.
    """
    # A handler, not SIG_IGN: the editor would inherit that.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*editor, str(path)], check=False).returncode
    except OSError as wrong:
        raise SettingsError(
            f"the editor {editor[0]} cannot be started: {wrong.strerror}", hint="export EDITOR=nano"
        ) from wrong
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise RefusedError(f"the editor exited with {code}: nothing was recorded")


def _own_folder(session: Session) -> Path:
    held = files.path_of(session.settings.store)
    return held.parent.parent / "reviews" / held.stem


def _new_file(session: Session, name: str, data: bytes) -> Path:
    """Write the file to edit where a crash or a reboot leaves it."""
    folder = _own_folder(session)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tracker-review-"))
    kept = sorted(folder.glob(f"{name}-*.md"))
    if kept:
        say(
            f"An earlier review was kept in {kept[-1]}   (continue: tracker review {word(name)} --from {word(kept[-1])}; discard: rm {word(kept[-1])})"
        )
    descriptor, path = tempfile.mkstemp(dir=folder, prefix=f"{name}-", suffix=".md")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    return Path(path)


@contextlib.contextmanager
def _keeping(path: Path, name: str, written: bytes, *, fresh: bool) -> Iterator[None]:
    """Whatever goes wrong: what was typed is kept, and where is said."""
    again = f"tracker review {word(name)} --from {word(path)}"
    try:
        yield
    except TrackerError as trouble:
        untouched = path.is_file() and path.read_bytes() == written
        if fresh and untouched and not isinstance(trouble, _EmptiedError):
            path.unlink()
            trouble.hint = trouble.hint or f"tracker review {word(name)}"
        else:
            kept = f"Your text is kept in {path}\n  Continue with it: {again}"
            trouble.hint = f"{trouble.hint}\n  {kept}" if trouble.hint else kept
        raise
    except BaseException:
        say(f"Your text is kept in {path}\n  Continue with it: {again}")
        raise


def _sheet(path: Path, data: bytes, name: str, session: Session) -> "ReviewFile":
    """Read a file back.

    Raises:
        RefusedError: If it is broken, or of another incident or log.
    """
    try:
        found = parse(data)
    except BrokenReviewFileError as broken:
        raise RefusedError(f"{path}:{broken.line}: {broken.what}; nothing was recorded") from broken
    if found.incident != name:
        raise RefusedError(f"{path} is a review of {found.incident}, not of {name}")
    if found.position > session.log.position:
        raise RefusedError(
            f"{path} is of log position {found.position}, and this log ends at {session.log.position}: the file belongs to another log"
        )
    return found


def _record(
    session: Session, name: str, found: "ReviewFile", path: Path, by: str
) -> "tuple[Recording, dict[str, int]]":
    base = recorded_notes(session.incident(name, found.position))
    try:
        kept = by_handle(found, base)
    except BrokenReviewFileError as broken:
        raise RefusedError(f"{path}:{broken.line}: {broken.what}; nothing was recorded") from broken
    edited = _edited(base, kept)
    added = [(item.kind, item.text) for item in found.items if item.handle is None]
    at = session.now
    counts: dict[str, int] = {}

    def decide(now: "Incident") -> "list[Decision]":
        decided, conflicts = publication.edit(now, edited, added, by=by, at=at, why=found.why)
        if conflicts:
            raise _conflicting(conflicts)
        kinds = {"changed": EventAmended, "removed": EventRetracted, "added": NoteAdded}
        counts.update({what: sum(isinstance(each, kind) for each in decided) for what, kind in kinds.items()})
        reviewed = publication.review(now, by=by, at=at, position=found.position, changes=len(decided))
        return [*decided, reviewed]

    return session.decide(name, decide), counts


def _edited(base: "dict[str, RecordedNote]", kept: "dict[str, Item]") -> "list[Edited]":
    edited = []
    for handle, held in base.items():
        item = kept.get(handle)
        if item is None:
            edited.append(Edited(held.id, held.text, held.kind, None, held.kind))
            continue
        if not item.text:
            edited.append(Edited(held.id, held.text, held.kind, None, held.kind, item.mine))
            continue
        text = held.text if item.text == normalized(held.text) else item.text
        if (text, item.kind) != (held.text, held.kind):
            edited.append(Edited(held.id, held.text, held.kind, text, item.kind, item.mine))
    return edited


def _conflicting(conflicts: "list[Conflict]") -> RefusedError:
    shown = []
    for each in conflicts:
        gone = "(retracted)"
        shown += [
            *report_files.diff(
                each.was,
                each.now if each.now is not None else gone,
                f"{handle_of(each.event)}: as you opened it",
                f"{handle_of(each.event)}: in the meantime",
            ),
            *report_files.diff(
                each.was,
                each.typed if each.typed is not None else gone,
                f"{handle_of(each.event)}: as you opened it",
                f"{handle_of(each.event)}: yours",
            ),
        ]
    first = handle_of(conflicts[0].event)
    removed = next((handle_of(each.event) for each in conflicts if each.typed is None), None)
    how = f"To keep yours, put a ! after its handle, [{first}!]; to keep the other, restore its text."
    if removed:
        how += f" To keep one removed, write a line - [{removed}!]"
    notes = "a note" if len(conflicts) == 1 else f"{len(conflicts)} notes"
    return RefusedError(
        f"someone else changed {notes} that you changed: {', '.join(handle_of(each.event) for each in conflicts)}; nothing was recorded",
        hint="\n  ".join([*shown, how]),
    )
