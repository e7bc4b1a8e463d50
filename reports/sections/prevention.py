"""What would keep it from happening again, and what was promised before and would have."""

from projections.actions import of_incident, would_have_prevented
from reports.context import Context
from reports.markdown import code, command, text
from reports.sections.missing import notes_or_missing
from reports.wording.actions import status_then
from tracker.events.incidents import NoteAdded
from tracker.text.shortening import short


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
    add = command(
        "action", "add", context.incident.id, short(left[0], 60), "--owner", "NAME", "--due", "DATE"
    )
    return ["", f"Proposals, until somebody owns them: {add}"]


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
            f"- {item.incident}: {text(item.text)} ({text(item.owner)}; {status_then(item, said)}; {code(item.handle)}), "
            f"says {text(said.by)}: {text(said.why)}"
        )
    return written
