"""How it ended: when the impact was over, when it was resolved, and what was done about it."""

from reports.context import Context
from reports.markdown import text
from reports.sections import fix
from reports.sections.course import RESOLVED
from tracker.events.incidents import IncidentResolved
from tracker.incident import Status


def lines(context: Context) -> list[str]:
    incident = context.incident
    sentences = []
    for name, words in (("mitigated", "The impact was mitigated"), ("ended", "The impact ended")):
        milestone = incident.milestones.get(name)
        if milestone is not None:
            sentences.append(f"{words} at {context.moment(milestone.at, milestone.precision_seconds)}.")
    back = context.recovery
    if back is not None and back.what == "last_metric":
        sentences.append(f"All metrics were back to normal at {context.moment(back.earliest)}.")
    if incident.status is Status.RESOLVED and incident.resolved_at is not None:
        ended = f"It was {RESOLVED.get(incident.resolution or '', 'resolved')}"
        exactly = context.precision_of(incident.resolved_at, IncidentResolved)
        at = context.moment(incident.resolved_at, exactly)
        sentences.append(f"{ended} at {at} by {text(incident.resolved_by or '?')}.")
    elif incident.status is Status.OPEN:
        sentences.append(f"It is still open as of {context.moment(context.as_of)}.")
    return [" ".join(sentences), "", *fix.lines(context)] if sentences else fix.lines(context)
