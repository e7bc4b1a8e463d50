"""How a section names an event of the timeline, and who said which part it had."""

from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import code, text
from reports.wording.timeline import title


def named(context: Context, entry: Entry) -> str:
    """Write an event's title, with its service where a reader could take it for another's."""
    return text(context.named(title(entry), entry.service))


def mention(context: Context, entry: Entry) -> str:
    """Write an event's title, when it happened, and its handle."""
    at = context.moment(entry.occurred_at, entry.precision_seconds)
    return f"{named(context, entry)} at {at} ({code(entry.handle)})"


def says(entry: Entry) -> str:
    """Write who gave an event its part in the incident, and why."""
    assert entry.attribution is not None
    why = f": {text(entry.attribution.why)}" if entry.attribution.why else ""
    return f"says {text(entry.attribution.by)}{why}"
