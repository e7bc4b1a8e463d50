"""How an incident went, in a sentence or two: for how long, and when each step was, to the minute."""

from datetime import datetime, timedelta

from projections.outages import outages
from projections.points import Point, declared_point, milestone
from reports.context import Context
from reports.markdown import text
from reports.wording.durations import open_for, value
from tracker.events.incidents import IncidentReopened
from tracker.events.messages import MessageSent
from tracker.incident import Status

RESOLVED = {
    "fixed": "resolved",
    "false-alarm": "closed as a false alarm",
    "went-away": "closed without a fix",
}

_BY = {"alert": " by an alert", "customer": " by a customer", "person": " by a person"}
_MINUTE = timedelta(minutes=1)
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
        span = f"at {when}" if until is None else f"between {when} and {context.time_on(until, day)}"
        what, bracket, remark = what.partition(" (")
        course.append(f"{what} {span}{zone}{bracket}{remark}")
    resolved = outages(incident)[-1].resolved
    if resolved is not None and resolved.is_unknown:
        course.append("resolved at a time that is not recorded")
    since = _since(context)
    lasted = f"On {day}: "
    if down is not None and down.at_most is not None and down.state in ("recorded", "uncertain"):
        count = len(outages(incident))
        parts = f" in {count} outages" if count > 1 else ""
        lasted = f"It lasted {value(down)}{parts} on {day}: "
    elif incident.status is Status.OPEN and context.as_of > incident.begins_at:
        lasted = f"So far {open_for(incident, context.as_of)} since {since}, on {day}: "
    elif down is not None and down.state in ("uncertain", "invalid"):
        lasted = f"The duration is {'unknown' if down.at_least is None else value(down)}. On {day}: "
    over = incident.resolved_at if incident.status is Status.RESOLVED else None
    is_known = over is not None and over > incident.begins_at and not (resolved and resolved.is_unknown)
    after = f", {open_for(incident)} after {since}" if is_known else ""
    return f"{lasted}{', '.join(course)}{after}."


def _since(context: Context) -> str:
    """Name the instant from which an incident counts as open."""
    incident = context.incident
    for name, words in (("started", "it started"), ("detected", "it was detected")):
        if name in incident.milestones and incident.milestones[name].at == incident.begins_at:
            return words
    return "it was declared"


def _moments(context: Context) -> list[tuple[datetime, str, datetime | None]]:
    """Return when each step was, what it was, and the latest that it can have been where that is not known."""
    incident = context.incident
    by = _BY.get(incident.detected_by or "", "")
    moments: list[tuple[datetime, str, datetime | None]] = []
    started, declared = milestone(incident, "started"), declared_point(incident)
    took = context.durations.get("time_to_declare")
    detected = milestone(incident, "detected") or (took.start if took is not None else None)
    down = context.durations.get("downtime")
    if started is not None:
        moments.append(_moment(started, "started"))
    elif down is not None and down.start is not None and down.start.what == "first_metric":
        moments.append(_moment(down.start, "first metric out of normal"))
    if detected is not None and (detected.what != "first_alert" or incident.detected_by in (None, "alert")):
        moments.append(
            _moment(detected, f"detected{by}" if by or detected.what == "detected" else "first alert")
        )
    elif by:
        by = f" (detected{by}; when is not recorded)"
    assert declared is not None
    moments.append(_moment(declared, "declared" + (by if by.startswith(" (") else "")))
    earlier = [outage.resolved for outage in outages(incident)[:-1]]
    moments += [_moment(resolved, "resolved") for resolved in earlier if resolved is not None]
    back = context.recovery
    if back is not None and incident.resolution != "false-alarm":
        moments.append(_moment(back, _RECOVERED[back.what]))
    moments += [
        (entry.occurred_at, f"reopened ({text(entry.fact.why)})", None)
        for entry in context.entries
        if isinstance(entry.fact, IncidentReopened) and entry.fact.incident == incident.id
    ]
    resolved = outages(incident)[-1].resolved
    if resolved is not None and not resolved.is_unknown:
        merged = f"merged into {incident.merged_into}, which goes on," if incident.merged_into else None
        moments.append(_moment(resolved, merged or RESOLVED.get(incident.resolution or "", "resolved")))
    return moments


def _moment(point: Point, what: str) -> tuple[datetime, str, datetime | None]:
    """Write it as a span where it is known no better than to a minute."""
    is_span = point.named is None or point.latest - point.earliest > _MINUTE
    return point.earliest, what, point.latest if is_span else None


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
