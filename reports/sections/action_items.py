"""Action items with owner, due date and state as of the log position of the report."""

from projections.actions import OVERDUE, ActionItem, Prevention, of_incident
from reports.context import Context
from reports.markdown import code, command, text
from reports.wording.actions import status, status_then
from reports.wording.text import counted


def lines(context: Context) -> list[str]:
    """Write a checklist; the states are as of the report's position in the log, not as of now."""
    items = of_incident(context.actions, context.incident)
    if not items:
        return _none(context)
    written = []
    for item in items:
        written += _item(context, item)
    if any(item.done_at is None for item in items):
        at = context.moment(context.as_of)
        written += ["", f"States are as of {at}."]
    return written


def _none(context: Context) -> list[str]:
    incident = context.incident
    if incident.merged_into is not None:
        return [f"Action items: see {incident.merged_into}, into which this was merged"]
    if context.notes("prevention"):
        return ["None of the proposals under Prevention has an owner and a due date yet."]
    add = command("action", "add", incident.id, "…", "--owner", "NAME", "--due", "DATE")
    return [f"Action items: none recorded; {add}"]


def _item(context: Context, item: ActionItem) -> list[str]:
    where = "" if item.incident == context.incident.id else f", of {item.incident}"
    box = "x" if item.done_at is not None else " "
    written = [
        f"- [{box}] {text(item.text)} ({text(item.owner)}, by {item.due_on}{where}) — "
        f"{_state(context, item)} ({code(item.handle)})"
    ]
    return written + [f"  - {_prevented(item, prevention)}" for prevention in item.prevented]


def _state(context: Context, item: ActionItem) -> str:
    if item.done_at is not None:
        late = max(0, (item.done_at - item.due_until).days + 1) if item.done_at >= item.due_until else 0
        how = f", {counted(late, 'day')} late" if late else ""
        proof = text(item.proof or "")
        return f"done on {item.done_at.astimezone(context.zone):%Y-%m-%d} by {text(item.done_by or '?')}{how}: {proof}"
    standing = item.standing(context.as_of)
    return f"**{status(standing)}**" if standing.state == OVERDUE else status(standing)


def _prevented(item: ActionItem, prevention: Prevention) -> str:
    """Say what an item would have prevented, and how it stood when that began."""
    return (
        f"Would have prevented {prevention.incident}, says {text(prevention.by)}: {text(prevention.why)} "
        f"({status_then(item, prevention)})"
    )
