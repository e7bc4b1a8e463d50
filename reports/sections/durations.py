"""How long each part took, and how that is measured."""

from projections.durations import NAMES, shown
from reports.context import Context
from reports.markdown import table, text
from reports.wording.durations import exactly, formula, value


def lines(context: Context) -> list[str]:
    """Write the table below the rules that it stands on."""
    return [
        "Measured from the log by the rules in docs/durations.md. "
        "A value is rounded to the minute; the third column is not, and is a span where an end is known no better.",
        "",
        *_table(context),
    ]


def _table(context: Context) -> list[str]:
    """Write how long each part took in one style, how exactly that is known, and its formula."""
    rows = [
        (NAMES.get(name, name), value(duration), exactly(duration), text(formula(duration)))
        for name, duration in shown(context.durations).items()
    ]
    return table(("Duration", "Value", "Exactly (h:mm:ss)", "From what to what"), rows)
