"""What people learned."""

from reports.context import Context
from reports.sections.missing import notes_or_missing


def lines(context: Context) -> list[str]:
    return notes_or_missing(context, "lesson", "Lessons learned")
