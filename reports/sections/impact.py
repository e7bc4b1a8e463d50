"""Who was affected, and how."""

from reports.context import Context
from reports.markdown import text
from reports.sections.missing import noted, notes_or_missing
from reports.wording.impact import counts_in_words
from tracker.events.incidents import IncidentDeclared, NoteAdded


def lines(context: Context) -> list[str]:
    """Write the impact of the declaration, then every later note on it."""
    declared = [
        entry.fact.impact
        for entry in context.entries
        if isinstance(entry.fact, IncidentDeclared)
        and entry.fact.impact
        and entry.fact.incident == context.incident.id
    ]
    written = [
        f"- {text(impact)} *({text(context.incident.declared_by)}, at declaration)*" for impact in declared
    ]
    for entry in context.notes("impact"):
        assert isinstance(entry.fact, NoteAdded)
        written += noted([entry])
        counts = counts_in_words(entry.fact, context.zone)
        written += [f"  - {text(counts)}"] if counts else []
    return written or notes_or_missing(context, "impact", "Impact")
