"""How it was noticed, by whom or what, and how long that took."""

from projections.durations import Duration
from reports.context import Context
from reports.markdown import text
from reports.sections.mentions import mention
from reports.sections.missing import not_recorded
from reports.wording.durations import formula, value
from tracker.events.alerts import AlertFired

_BY = {
    "alert": "An alert told us of it.",
    "customer": "A customer told us of it.",
    "person": "One of us saw it.",
}


def lines(context: Context) -> list[str]:
    """Write the section."""
    incident = context.incident
    said = []
    by = _BY.get(incident.detected_by or "")
    if by:
        said.append(by)
    detected = incident.milestones.get("detected")
    if detected is not None:
        said.append(f"It was detected at {context.moment(detected.at, detected.precision_seconds)}.")
    took = time_to_detect(context)
    if took is not None:
        said.append(f"Time to detect: {value(took)} ({text(formula(took))}).")
    alerts = [
        f"- {mention(context, entry)}" for entry in context.entries if isinstance(entry.fact, AlertFired)
    ]
    written = [" ".join(said)] if said else []
    if not by and detected is None:
        written.append(not_recorded("When it was noticed", "milestone", incident.id, "detected", "--at", "T"))
    if alerts:
        return [*_apart(written), "Alerts that fired:", "", *alerts]
    return [*_apart(written), "No alert fired, as far as the log knows."]


def time_to_detect(context: Context) -> Duration | None:
    """Return how long it took to notice; None where nobody knows, or start and detection are one instant that somebody guessed."""
    took = context.durations.get("time_to_detect")
    known = took is not None and took.state in ("recorded", "uncertain") and took.from_ != took.to
    return took if known else None


def _apart(written: list[str]) -> list[str]:
    return [each for line in written for each in (line, "")]
