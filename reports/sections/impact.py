"""Who was affected, and how."""

from reports.context import Context
from reports.markdown import text
from reports.sections.missing import notes_or_missing
from tracker.events.incidents import IncidentDeclared


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
    if context.notes("impact"):
        return written + notes_or_missing(context, "impact", "Impact")
    return written or notes_or_missing(context, "impact", "Impact")
