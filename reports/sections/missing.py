"""How a report says that something is not recorded: with the command that would record it."""

from collections.abc import Callable, Sequence

from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import command, paragraphs, text
from tracker.events.incidents import NoteAdded


def not_recorded(what: str, *words: str) -> str:
    """Say that something is not recorded, and which command would record it."""
    return f"{what}: not recorded; {command(*words)}"


def notes_or_missing(context: Context, kind: str, what: str) -> list[str]:
    """Write the notes of one kind with their authors, or say that there are none."""
    entries = context.notes(kind)
    if not entries and context.incident.merged_into is not None:
        return [f"{what}: see {context.incident.merged_into}, into which this was merged"]
    if (
        not entries
        and context.incident.resolution == "false-alarm"
        and kind in ("impact", "root-cause", "fix")
    ):
        return [f"{what}: none recorded; it was a false alarm"]
    if not entries and kind == "impact":
        return [not_recorded(what, "impact", context.incident.id, "…")]
    if not entries:
        return [not_recorded(what, "note", context.incident.id, "--kind", kind, "…")]
    return noted(entries)


def noted(entries: Sequence[Entry], shown: Callable[[str], str] = str) -> list[str]:
    """Write notes with their authors; `shown` may leave out what the heading says already."""
    written: list[str] = []
    for entry in entries:
        assert isinstance(entry.fact, NoteAdded)
        # A backslash at the end of a line is a break: lines that people kept apart stay apart.
        *before, last = paragraphs(shown(entry.fact.text))
        note = [*(f"{line}\\" for line in before), f"{last} *({text(entry.by or '?')})*"]
        written += [("- " if number == 0 else "  ") + line for number, line in enumerate(note)]
    return written
