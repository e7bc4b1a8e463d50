"""When it was, who wrote this down, and who took part."""

from collections.abc import Iterable

from projections.actions import of_incident
from reports.context import Context
from reports.markdown import table, text
from reports.sections.course import RESOLVED
from reports.sections.report_status import status
from reports.wording.text import capitalized, counted
from tracker.events.actions import ActionDone
from tracker.events.base import BY_ITSELF, Decision
from tracker.events.incidents import NoteAdded
from tracker.events.messages import MessageSent
from tracker.incident import Status


def heading(context: Context) -> list[str]:
    """Write the date, the authors and the status, a line each: of the incident, its action items and the report."""
    incident = context.incident
    begins = incident.begins_at.astimezone(context.zone)
    items = of_incident(context.actions, incident)
    done = sum(item.done_at is not None for item in items)
    state = {Status.OPEN: "open", Status.MERGED: f"merged into {incident.merged_into}"}
    parts = [
        state.get(incident.status) or RESOLVED.get(incident.resolution or "", "resolved"),
        *([f"{done} of {counted(len(items), 'action item')} done"] if items else []),
    ]
    return [
        f"**Date:** {begins:%Y-%m-%d}\\",
        f"**Authors:** {', '.join(text(name) for name in authors(context))}\\",
        f"**Status:** {capitalized(', '.join(parts))}\\",
        f"**Report:** {capitalized(status(context))}",
    ]


def authors(context: Context) -> list[str]:
    """Name those who wrote the notes, in the order of their first note, and who declared it."""
    wrote = [entry.by for entry in context.entries if isinstance(entry.fact, NoteAdded) and entry.by]
    return (
        list(dict.fromkeys([*wrote, context.incident.declared_by]))
        if wrote
        else [context.incident.declared_by]
    )


def responders(context: Context) -> list[str]:
    incident = context.incident
    decided = [entry for entry in context.entries if isinstance(entry.fact, Decision) and entry.by]
    names = dict.fromkeys(name for name in (incident.lead, *(entry.by for entry in decided)) if name)
    rows = []
    for name in names:
        if name == BY_ITSELF:
            continue
        mine = [entry.fact for entry in decided if entry.by == name]
        parts = ["led it"] if name == incident.lead else []
        parts += ["declared it"] if name == incident.declared_by else []
        parts += ["resolved it"] if name == incident.resolved_by else []
        parts += _counted(mine)
        rows.append((text(name), ", ".join(parts) or f"recorded {counted(len(mine), 'decision')}"))
    return table(("Who", "What they did"), rows)


def _counted(facts: Iterable[object]) -> list[str]:
    known = list(facts)
    parts = []
    for kind, one, many in (
        (NoteAdded, "wrote 1 note", "wrote {} notes"),
        (MessageSent, "sent 1 message", "sent {} messages"),
        (ActionDone, "finished 1 action item", "finished {} action items"),
    ):
        count = sum(isinstance(fact, kind) for fact in known)
        if count:
            parts.append(one if count == 1 else many.format(count))
    return parts
