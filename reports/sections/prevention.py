"""What would keep it from happening again."""

from reports.context import Context
from reports.sections.missing import notes_or_missing


def lines(context: Context) -> list[str]:
    """Write the section."""
    return notes_or_missing(context, "prevention", "Prevention")
