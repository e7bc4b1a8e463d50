"""What happened, in sentences and in durations, each with its formula."""

from reports.context import Context
from reports.markdown import table, text
from tracker.incident import Status
from tracker.times import spoken, utc

_NAMES = {
    "time_to_detect": "Time to detect",
    "time_to_declare": "Time to declare",
    "time_to_fix_deployed": "Time to fix deployed",
    "time_to_recover": "Time to recover",
    "downtime": "Downtime",
    "time_to_resolve": "Time to resolve",
}
_RESOLVED = {"fixed": "resolved", "false-alarm": "closed as a false alarm", "went-away": "closed: it went away by itself"}


def lines(context: Context) -> list[str]:
    """Write the section."""
    return [_story(context), "", *_durations(context)]


def _story(context: Context) -> str:
    incident = context.incident
    services = ", ".join(text(service) for service in incident.services)
    parts = [f"**{text(incident.title)}** ({incident.severity}, {services})."]
    parts.append(_course(context))
    cause = context.notes("root-cause")
    if cause:
        parts.append(f"Cause: {_sentence(text(cause[-1].fact.text))}")  # type: ignore[attr-defined]
    fixed = context.attributed("fixed")
    if fixed:
        entry = fixed[-1]
        parts.append(f"Fixed by: {_lower(text(entry.title))} at {context.clock(entry.occurred_at)}.")
    elif incident.status is Status.RESOLVED and incident.resolution == "fixed":
        parts.append("What fixed it is not recorded.")
    return " ".join(parts)


def _course(context: Context) -> str:
    incident = context.incident
    said = []
    started = incident.milestones.get("started")
    if started is not None:
        at = context.moment(started.at, started.precision_seconds)
        between = f" to {context.clock(started.until, started.precision_seconds)}" if started.until else ""
        said.append(f"It started at {at}{between}")
    assert incident.declared_at is not None
    by = {"alert": "by an alert", "customer": "by a customer", "person": "by a person"}.get(incident.detected_by or "")
    detected = incident.milestones.get("detected")
    if detected is not None:
        said.append(f"was detected at {context.clock(detected.at, detected.precision_seconds)}" + (f" {by}" if by else ""))
    elif by:
        said.append(f"was detected {by}")
    declared = context.clock(incident.declared_at) if said else context.moment(incident.declared_at)
    said.append(f"was declared at {declared} by {text(incident.declared_by)}")
    if incident.status is Status.OPEN:
        return _joined(said) + f". It is still open, as the log knows at {context.moment(context.as_of)}."
    assert incident.resolved_at is not None
    lasted = spoken((incident.resolved_at - incident.begins_at).total_seconds())
    if incident.status is Status.MERGED:
        return _joined(said) + f". It was merged into {incident.merged_into}."
    ended = _RESOLVED.get(incident.resolution or "", "resolved")
    said.append(f"was {ended} at {context.clock(incident.resolved_at)}")
    return _joined(said) + f", {lasted} after its first known instant."


def _joined(said: list[str]) -> str:
    first = said[0] if said[0].startswith("It ") else f"It {said[0]}"
    rest = said[1:]
    return first + "".join(f", {part}" for part in rest[:-1]) + (f" and {rest[-1]}" if rest else "")


def _sentence(line: str) -> str:
    return line if line.endswith((".", "!", "?")) else line + "."


def _lower(line: str) -> str:
    return line[:1].lower() + line[1:]


def _durations(context: Context) -> list[str]:
    rows = []
    for name, duration in context.durations.items():
        if duration.state == "recorded" and duration.seconds is not None:
            value = spoken(duration.seconds)
        elif duration.state == "uncertain":
            low = spoken(duration.at_least) if duration.at_least is not None else None
            high = spoken(duration.at_most) if duration.at_most is not None else None
            value = f"{low} to {high}" if low and high else f"at most {high}" if high else f"at least {low}"
        elif duration.state == "invalid" and duration.from_ and duration.to:
            value = f"invalid: {utc(duration.to)} lies before {utc(duration.from_)}"
        else:
            value = duration.state.replace("_", " ")
        rows.append((_NAMES.get(name, name), value, text(duration.formula)))
    return table(("Duration", "Value", "Formula"), rows)
