"""How it was noticed, by whom or what, and how long that took."""

from projections.durations import Duration
from reports.context import Context
from reports.markdown import listed_below, text
from reports.sections.mentions import mention
from reports.sections.missing import not_recorded
from reports.wording.durations import formula, value
from tracker.events.alerts import AlertFired

_BY = {
    "alert": "It was detected by an alert",
    "customer": "It was reported by a customer",
    "person": "It was noticed by one of us",
}


def lines(context: Context) -> list[str]:
    """Write how it was noticed, how long that took, and the alerts."""
    incident = context.incident
    by = _BY.get(incident.detected_by or "")
    detected = incident.milestones.get("detected")
    sentences = []
    if detected is not None:
        at = context.moment(detected.at, detected.precision_seconds)
        sentences.append(f"{by or 'It was detected'} at {at}.")
    elif by:
        sentences.append(f"{by}.")
    took = time_to_detect(context)
    if took is not None:
        sentences.append(f"Time to detect: {value(took)} ({text(formula(took))}).")
    alerts = [mention(context, entry) for entry in context.entries if isinstance(entry.fact, AlertFired)]
    written = [" ".join(sentences)] if sentences else []
    if not by and detected is None:
        missing = not_recorded("Detection", "milestone", incident.id, "detected", "--at", "T")
        written += ["", missing] if written else [missing]
    written += listed_below("Alerts that fired:", alerts) or ["", "No alert is recorded."]
    return written[1:] if written[0] == "" else written


def time_to_detect(context: Context) -> Duration | None:
    """Return how long it took to notice; None where that is unknown, or no start is known but what was noticed."""
    took = context.durations.get("time_to_detect")
    if took is None or took.state not in ("recorded", "uncertain") or took.from_ == took.to:
        return None
    return took if took.start is None or took.start.what != "first_alert" else None
