"""What was promised, by whom, until when."""

from reports.context import Context


def lines(context: Context) -> list[str]:
    """Write the section; this version of the tracker does not keep action items yet."""
    if context.notes("prevention"):
        return [
            "No action items with owner and date are recorded: the points under Prevention are proposals so far."
        ]
    return ["Action items: none recorded."]
