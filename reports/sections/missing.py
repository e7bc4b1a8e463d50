"""How a report says that something is not known: with the command that would make it known."""

from reports.context import Context
from reports.markdown import code, paragraphs, text
from tracker.events.incidents import NoteAdded


def not_recorded(what: str, command: str) -> str:
    """Say that it is not recorded and what to type."""
    return f"{what}: not recorded; {code(command)}"


def notes_or_missing(context: Context, kind: str, what: str) -> list[str]:
    """Write the notes of one kind with their authors, or say that there are none."""
    entries = context.notes(kind)
    if not entries:
        return [not_recorded(what, f'tracker note {context.incident.id} --kind {kind} "…"')]
    written: list[str] = []
    for entry in entries:
        assert isinstance(entry.fact, NoteAdded)
        first, *rest = paragraphs(entry.fact.text)
        written.append(f"- {first}" + (f" *({text(entry.by or '?')})*" if not rest else ""))
        for number, line in enumerate(rest):
            ending = f" *({text(entry.by or '?')})*" if number == len(rest) - 1 else ""
            written.append(f"  {line}{ending}")
    return written
