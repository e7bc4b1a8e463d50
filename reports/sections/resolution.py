"""How it ended: when the impact was over, when somebody said so, and what was done about it."""

from reports.context import Context
from reports.markdown import text
from reports.sections import fix
from tracker.events.incidents import IncidentResolved
from tracker.incident import Status

_ENDED = {
    "fixed": "It was resolved",
    "false-alarm": "It was closed as a false alarm",
    "went-away": "It went away by itself and was closed",
}


def lines(context: Context) -> list[str]:
    """Write the section."""
    incident = context.incident
    said = []
    for name, words in (("mitigated", "The impact was mitigated"), ("ended", "The impact ended")):
        milestone = incident.milestones.get(name)
        if milestone is not None:
            said.append(f"{words} at {context.moment(milestone.at, milestone.precision_seconds)}.")
    if incident.status is Status.RESOLVED and incident.resolved_at is not None:
        ended = _ENDED.get(incident.resolution or "", "It was resolved")
        exactly = context.precision_of(incident.resolved_at, IncidentResolved)
        at = context.moment(incident.resolved_at, exactly)
        said.append(f"{ended} at {at} by {text(incident.resolved_by or '?')}.")
    elif incident.status is Status.OPEN:
        said.append(f"It is still open, as far as the log knows at {context.moment(context.as_of)}.")
    return [" ".join(said), "", *fix.lines(context)] if said else fix.lines(context)
