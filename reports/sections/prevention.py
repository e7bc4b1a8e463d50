"""What would keep it from happening again, and which earlier action items would have."""

from projections.actions import of_incident, would_have_prevented
from reports.context import Context
from reports.markdown import code, command, listed_below, text
from reports.sections.missing import notes_or_missing
from reports.wording.actions import status_then
from tracker.events.incidents import NoteAdded
from tracker.text.shortening import short


def lines(context: Context) -> list[str]:
    """Write the section: the proposals as people noted them, then the items of earlier incidents."""
    return [*notes_or_missing(context, "prevention", "Prevention"), *_proposal(context), *_earlier(context)]


def _proposal(context: Context) -> list[str]:
    """Say what to type to make the first note that is none yet an action item."""
    items = of_incident(context.actions, context.incident)
    promised = {_one_line(item.text) for item in items}
    notes = [entry.fact.text for entry in context.notes("prevention") if isinstance(entry.fact, NoteAdded)]
    # An item may say the proposal in short.
    left = [note for note in notes if not any(_one_line(note).startswith(text) for text in promised)]
    if not left:
        return []
    add = command(
        "action", "add", context.incident.id, short(left[0], 60), "--owner", "NAME", "--due", "DATE"
    )
    return ["", f"A proposal becomes an action item with an owner: {add}"]


def _one_line(raw: str) -> str:
    return " ".join(raw.split())


def _earlier(context: Context) -> list[str]:
    """Name the items of earlier incidents that would have prevented this one."""
    return listed_below(
        "Action items of earlier incidents that would have prevented this one:",
        [
            f"{item.incident}: {text(item.text)} ({text(item.owner)}; {status_then(item, prevention)}; {code(item.handle)}), "
            f"says {text(prevention.by)}: {text(prevention.why)}"
            for item, prevention in would_have_prevented(context.actions, context.incident.id)
        ],
    )
