"""Trigger, cause and contributing factors, apart; and what by time alone could have been the trigger."""

from projections.changes import Candidate, ChangeRow, candidate
from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import code, command, listed_below, text
from reports.sections.mentions import mention, says
from reports.sections.missing import noted, notes_or_missing
from reports.wording.changes import of_service, suspicion
from reports.wording.note_beginnings import cause_part, without_cause_part
from tracker.events.incidents import NoteAdded


def lines(context: Context) -> list[str]:
    """Write what set it off, what was wrong, and what made it worse; and what was ruled out."""
    return [*trigger(context), *cause(context), *factors(context), *ruled_out(context), *candidates(context)]


def the_cause(context: Context) -> str | None:
    """Return the cause as it was noted last; None where none is."""
    own = [
        note
        for note in _notes(context, "cause")
        if getattr(note.fact, "incident", None) == context.incident.id
    ]
    last = (own or _notes(context, "cause"))[-1:]
    return without_cause_part(_text(last[0])) if last else None


def trigger(context: Context, label: str = "**Trigger:** ") -> list[str]:
    """Name the changes that people linked as the cause, and the notes that begin with "trigger:"."""
    written = [f"- {label}{mention(context, entry)}, {says(entry)}" for entry in context.attributed("caused")]
    return written + _noted(context, "trigger", label)


def cause(context: Context) -> list[str]:
    if not _notes(context, "cause"):
        return (
            notes_or_missing(context, "root-cause", "Root cause") if not context.notes("root-cause") else []
        )
    return _noted(context, "cause", "**Cause:** ")


def factors(context: Context) -> list[str]:
    return _noted(context, "factor", "**Contributing:** ")


def ruled_out(context: Context) -> list[str]:
    return [
        f"- **Ruled out:** {mention(context, entry)}, {says(entry)}"
        for entry in context.attributed("dismissed")
    ]


def _notes(context: Context, part: str) -> list[Entry]:
    return [entry for entry in context.notes("root-cause") if cause_part(_text(entry)) == part]


def _noted(context: Context, part: str, label: str) -> list[str]:
    written = noted(_notes(context, part), without_cause_part)
    return [f"- {label}{line[2:]}" if line.startswith("- ") else line for line in written]


def _text(entry: Entry) -> str:
    assert isinstance(entry.fact, NoteAdded)
    return entry.fact.text


def candidates(context: Context) -> list[str]:
    """Write what by time alone could have caused it, as long as nobody has named the cause."""
    known = suspects(context)
    if not known:
        return []
    rows = [
        f"{text(of_service(row.version, row.service or '?'))} ({code(row.handle)}): {text(suspicion(suspect))}"
        for row, suspect in known
    ]
    handle = known[-1][0].handle
    confirm = command("link", context.incident.id, handle, "--as", "caused", "--why", "…")
    return [
        *listed_below("Candidates by time alone, not confirmed yet:", rows),
        "",
        f"Confirm one: {confirm}",
    ]


def suspects(context: Context) -> list[tuple[ChangeRow, Candidate]]:
    """Return the changes that by time alone could have caused it, the latest last; none where the cause was named."""
    if context.attributed("caused"):
        return []
    incident = context.incident
    linked = {target for target, link in incident.links.items() if link.linked and link.role}
    return [
        (row, suspect)
        for row in context.changes
        if row.service in incident.services
        and not linked & set(row.evidence)
        and (suspect := candidate(row, incident.id, incident.begins_at, noticed=incident.started_at is None))
        is not None
    ]
