"""What would keep it from happening again, and what was promised before and would have."""

from projections.actions import of_incident, would_have_prevented
from reports.context import Context
from reports.markdown import code, text
from reports.sections.action_items import stood
from reports.sections.missing import notes_or_missing
from tracker.events.incidents import NoteAdded


def lines(context: Context) -> list[str]:
    """Write the section: the proposals as people noted them, then the items of earlier incidents."""
    return [*notes_or_missing(context, "prevention", "Prevention"), *_proposal(context), *_ledger(context)]


def _proposal(context: Context) -> list[str]:
    """Say what to type to make the first note that is none yet an action item."""
    items = of_incident(context.actions, context.incident)
    promised = {_plain(item.text) for item in items}
    notes = [entry.fact.text for entry in context.notes("prevention") if isinstance(entry.fact, NoteAdded)]
    left = [note for note in notes if _plain(note) not in promised]
    if not left:
        return []
    first = _plain(left[0]).replace('"', "'")
    short = first if len(first) <= 60 else first[:59].rstrip() + "…"
    command = f'tracker action add {context.incident.id} "{short}" --owner NAME --due DATE'
    return ["", f"Proposals, until somebody owns them: {code(command)}"]


def _plain(raw: str) -> str:
    return " ".join(raw.split())


def _ledger(context: Context) -> list[str]:
    """Name the items of earlier incidents that would have prevented this one."""
    found = would_have_prevented(context.actions, context.incident.id)
    if not found:
        return []
    written = ["", "Promised after earlier incidents, and would have prevented this one:", ""]
    for item, said in found:
        written.append(
            f"- {item.incident}: {text(item.text)} ({text(item.owner)}; {stood(item, said)}; {code(item.handle)}), "
            f"says {text(said.by)}: {text(said.why)}"
        )
    return written
