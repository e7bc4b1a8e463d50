"""What set it off: the change that people named, or what by time alone could have been it."""

from reports.context import Context
from reports.sections import root_cause
from reports.sections.missing import not_recorded


def lines(context: Context) -> list[str]:
    written = root_cause.trigger(context, "") or root_cause.candidates(context)[1:]
    if written:
        return written
    if context.incident.resolution == "false-alarm":
        return ["Trigger: none; it was a false alarm"]
    words = ("link", context.incident.id, "SERVICE@VERSION", "--as", "caused", "--why", "…")
    return [not_recorded("Trigger", *words)]
