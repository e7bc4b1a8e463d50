"""What people named as the cause, and what by time alone could have been it."""

from projections.changes import candidate
from reports.context import Context
from reports.markdown import code, command, listed_below, text
from reports.sections.mentions import mention, says
from reports.sections.missing import notes_or_missing
from reports.wording.changes import suspicion, version_name


def lines(context: Context) -> list[str]:
    """Write the section: the notes, then the changes that people named, or the candidates."""
    return [*notes(context), *caused(context), *candidates(context)]


def notes(context: Context) -> list[str]:
    return notes_or_missing(context, "root-cause", "Root cause")


def caused(context: Context) -> list[str]:
    return [f"- {mention(context, entry)} caused it, {says(entry)}" for entry in context.attributed("caused")]


def candidates(context: Context) -> list[str]:
    """Write what by time alone could have caused it, as long as nobody has named the cause."""
    if context.attributed("caused"):
        return []
    linked = {target for target, link in context.incident.links.items() if link.linked and link.role}
    suspects = [
        (row, suspect)
        for row in context.changes
        if row.service in context.incident.services
        and not linked & set(row.evidence)
        and (suspect := candidate(row, context.incident.id, context.incident.begins_at)) is not None
    ]
    if not suspects:
        return []
    rows = [
        f"{text(row.service or '?')} {text(version_name(row.version))} ({code(row.handle)}): {text(suspicion(suspect))}"
        for row, suspect in suspects
    ]
    handle = suspects[-1][0].handle
    confirm = command("link", context.incident.id, handle, "--as", "caused", "--why", "…")
    return [
        *listed_below("Candidates by time alone, not confirmed yet:", rows),
        "",
        f"Confirm one: {confirm}",
    ]
