"""How an incident went, in a sentence or two: for how long, and when each step was, to the minute."""

from datetime import datetime

from reports.context import Context
from reports.markdown import text
from reports.wording.durations import open_for, value
from tracker.events.incidents import IncidentReopened
from tracker.events.messages import MessageSent
from tracker.incident import Status

RESOLVED = {
    "fixed": "resolved",
    "false-alarm": "closed as a false alarm",
    "went-away": "closed: it went away by itself",
}

_RECOVERED = {"last_metric": "back to normal", "mitigated": "mitigated", "ended": "impact over"}


def how_long(context: Context) -> str:
    """Say for how long it went, when each step was, and when the team was told."""
    return " ".join(part for part in (_course(context), _alerted(context)) if part)


def happened(context: Context) -> list[str]:
    """Tell how it went in one paragraph."""
    return [" ".join(part for part in (how_long(context), _merged(context)) if part)]


def _course(context: Context) -> str:
    """Say for how long, and from when to when to the minute; the whole timeline has the seconds."""
    incident = context.incident
    down = context.durations.get("downtime")
    moments = sorted(_moments(context), key=lambda moment: moment[0])
    day = context.day(moments[0][0])
    course: list[str] = []
    for at, what, until in moments:
        # The zone stands at the first time alone, the date where it is another one.
        zone = "" if course else f" {at.astimezone(context.zone).tzname()}"
        when = context.time_on(at, day)
        if until is not None:
            course.append(f"{what} between {when} and {context.time_on(until, day)}{zone}")
        else:
            course.append(f"{what} at {when}{zone}")
    since = "it started" if incident.started_at == incident.begins_at else "it was first noticed"
    lasted = f"On {day}: "
    if down is not None and down.at_most is not None and down.state in ("recorded", "uncertain"):
        lasted = f"It lasted {value(down)} on {day}: "
    elif incident.status is Status.OPEN and context.as_of > incident.begins_at:
        lasted = f"So far {open_for(incident, context.as_of)} since {since}, on {day}: "
    over = incident.resolved_at if incident.status is Status.RESOLVED else None
    after = ""
    if over is not None and over > incident.begins_at:
        after = f", {open_for(incident)} after {since}"
    return f"{lasted}{', '.join(course)}{after}."


def _moments(context: Context) -> list[tuple[datetime, str, datetime | None]]:
    """Return when each step was, what it was, and the latest that it can have been where that is not known."""
    incident = context.incident
    assert incident.declared_at is not None
    by = {"alert": " by an alert", "customer": " by a customer", "person": " by a person"}.get(
        incident.detected_by or "", ""
    )
    started, detected = incident.milestones.get("started"), incident.milestones.get("detected")
    moments: list[tuple[datetime, str, datetime | None]] = []
    if started is not None:
        moments.append((started.at, "started", started.until))
    if detected is not None:
        moments.append((detected.at, f"detected{by}", detected.until))
    moments.append(
        (incident.declared_at, "declared" if detected else f"declared{by and f', detected{by},'}", None)
    )
    back = context.recovery
    if back is not None and incident.resolution != "false-alarm":
        moments.append((back.earliest, _RECOVERED[back.what], back.latest if back.named is None else None))
    moments += [
        (entry.occurred_at, f"reopened ({text(entry.fact.why)})", None)
        for entry in context.entries
        if isinstance(entry.fact, IncidentReopened) and entry.fact.incident == incident.id
    ]
    if incident.resolved_at is not None:
        merged = f"merged into {incident.merged_into}, which goes on," if incident.merged_into else None
        moments.append(
            (incident.resolved_at, merged or RESOLVED.get(incident.resolution or "", "resolved"), None)
        )
    return moments


def _merged(context: Context) -> str | None:
    others = context.incident.merged_from
    were = "was" if len(others) == 1 else "were"
    return f"{' and '.join(others)} {were} merged into it." if others else None


def _alerted(context: Context) -> str | None:
    """Say when the team was told, by what the rule of it goes by; of a note only where a message followed it."""
    answer = next((rule for rule in context.rules if rule.rule == "team_alerted"), None)
    if answer is None or "at" not in answer.facts:
        return None
    facts, begun = answer.facts, context.incident.begins_at
    at = context.minute(facts["at"], begun)
    typed = f", typed at {context.minute(facts['typed'], begun)}" if facts["typed"] else ""
    if answer.reason in ("alerted_by_note", "note_typed_later"):
        sent = [entry for entry in context.entries if isinstance(entry.fact, MessageSent)]
        own = [entry for entry in sent if getattr(entry.fact, "incident", None) == context.incident.id]
        if not own:
            return None
        message = context.minute(own[0].occurred_at, begun)
        return f"The first note is of {at}{typed}, the first message to the team of {message}."
    return f"The team was alerted at {at}{typed}."
