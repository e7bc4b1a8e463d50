"""Action items in words: how one stands, and what it would have prevented."""

from projections.actions import OVERDUE, ActionItem, ActionStatus, Prevention
from reports.wording.text import counted


def status(standing: ActionStatus) -> str:
    """Write open, done, or overdue by how many days."""
    if standing.state != OVERDUE:
        return standing.state
    return f"overdue by {counted(standing.overdue_days, 'day')}"


def ledger_line(item: ActionItem, prevention: Prevention) -> str:
    """Say that an item would have prevented an incident, and how it stood when that began."""
    then = prevention.then
    late = f", {counted(then.overdue_days, 'day')} overdue" if then and then.overdue_days else ""
    was = "open item" if then is None or then.is_open else "item, done by then,"
    return (
        f"{item.incident}'s {was} {item.handle} ({item.owner}, due {prevention.due_then}{late}) "
        f"would have prevented {prevention.incident}"
    )


def status_then(item: ActionItem, prevention: Prevention) -> str:
    """Say how an item stood when an incident began, and what became of it since."""
    then = prevention.then
    if then is None:
        return f"due {prevention.due_then}"
    late = f", {counted(then.overdue_days, 'day')} overdue" if then.overdue_days else ""
    state = f"{'open' if then.is_open else 'done'} when that began, due {prevention.due_then}{late}"
    if item.done_at is not None and then.is_open:
        return f"{state}; done since, on {item.done_at:%Y-%m-%d}"
    return state
