"""What people said caused it, and what by time alone could have."""

from projections.changes import candidate
from reports.context import Context
from reports.markdown import code, command, text
from reports.sections.mentions import mention, says
from reports.sections.missing import notes_or_missing
from reports.wording.changes import suspicion


def lines(context: Context) -> list[str]:
    """Write the section: the notes, then the changes that people named, or the candidates."""
    return [*said(context), *caused(context), *candidates(context)]


def said(context: Context) -> list[str]:
    """Write what people noted, or that nobody did."""
    return notes_or_missing(context, "root-cause", "Root cause")


def caused(context: Context) -> list[str]:
    """Write the changes to which people gave the cause."""
    return [f"- {mention(context, entry)} caused it, {says(entry)}" for entry in context.attributed("caused")]


def candidates(context: Context) -> list[str]:
    """Write what by time alone could have caused it; named as such, and only while nobody has said more."""
    if context.attributed("caused"):
        return []
    judged = {target for target, link in context.incident.links.items() if link.linked and link.role}
    suspects = [
        (row, suspect)
        for row in context.changes
        if row.service in context.incident.services
        and not judged & set(row.evidence)
        and (suspect := candidate(row, context.incident.id, context.incident.begins_at)) is not None
    ]
    if not suspects:
        return []
    written = ["", "Candidates by time alone, which nobody has judged yet:", ""]
    for row, suspect in suspects:
        written.append(
            f"- {text(row.service or '?')} {text(row.version)} ({code(row.handle)}): {text(suspicion(suspect))}"
        )
    handle = suspects[-1][0].handle
    return [
        *written,
        "",
        f"Judge one: {command('link', context.incident.id, handle, '--as', 'caused', '--why', '…')}",
    ]
