"""How long each part took, and how that is measured."""

from reports.context import Context
from reports.sections.summary import duration_table


def lines(context: Context) -> list[str]:
    """Write the table below the rules that it stands on."""
    return [
        "Measured from the log by the rules in docs/durations.md. "
        "A value is rounded to the minute; the third column is not, and is a span where an end is known no better.",
        "",
        *duration_table(context),
    ]
