"""What happened, in sentences and in durations, each with its formula."""

from collections.abc import Sequence
from datetime import datetime

from projections.durations import NAMES, shown
from projections.timeline import Entry
from reports.context import Context
from reports.markdown import table, text
from reports.wording.durations import formula, value
from reports.wording.timeline import title
from tracker.events.changes import DeployFinished
from tracker.events.incidents import IncidentDeclared, IncidentReopened, IncidentResolved, NoteAdded
from tracker.events.messages import MessageSent
from tracker.incident import Status
from tracker.times import spoken

_RESOLVED = {
    "fixed": "resolved",
    "false-alarm": "closed as a false alarm",
    "went-away": "closed: it went away by itself",
}


def lines(context: Context) -> list[str]:
    return [*story(context), "", *duration_table(context)]


def story(context: Context) -> list[str]:
    """Tell all of it in one paragraph: what, how it went, why, and what fixed it."""
    explained = _explained(context, since=context.incident.begins_at)
    return [" ".join([_title(context), *_happened(context), *explained])]


def overview(context: Context) -> list[str]:
    return [" ".join([_title(context), *_explained(context, since=None)])]


def happened(context: Context) -> list[str]:
    return [" ".join(_happened(context))]


def _title(context: Context) -> str:
    services = ", ".join(text(service) for service in context.incident.services)
    return f"**{text(context.incident.title)}** ({context.incident.severity}, {services})."


def _happened(context: Context) -> list[str]:
    incident = context.incident
    parts = [_course(context)]
    alerted = _alerted(context)
    if alerted is not None:
        parts.append(alerted)
    if incident.merged_from:
        were = "was" if len(incident.merged_from) == 1 else "were"
        parts.append(f"{' and '.join(incident.merged_from)} {were} merged into it.")
    return parts


def _explained(context: Context, *, since: datetime | None) -> list[str]:
    """Say why, and what fixed it; instants have their date where none was named since."""
    incident = context.incident
    parts = []
    cause = context.notes("root-cause")
    if cause:
        fact = cause[-1].fact
        assert isinstance(fact, NoteAdded)
        parts.append(f"Cause: {_sentence(text(fact.text))}")
    fixed = context.attributed("fixed")
    if fixed:
        parts.append(f"What fixed it: {' and '.join(_fix(context, entry, since) for entry in fixed)}.")
        if _overlap(context, fixed):
            parts.append("They overlap, so it is unknown which of them fixed it.")
    elif incident.status is Status.RESOLVED and incident.resolution == "fixed":
        parts.append("What fixed it is not recorded.")
    return parts


def _alerted(context: Context) -> str | None:
    """Say when the team was told, by what the rule of it goes by; of a note only where a message followed it."""
    answer = next((rule for rule in context.rules if rule.rule == "team_alerted"), None)
    if answer is None or "at" not in answer.facts:
        return None
    facts = answer.facts
    at = _when(context, facts["at"], facts["precision_seconds"], context.incident.begins_at)
    typed = f", typed at {context.moment(facts['typed'])}" if facts["typed"] else ""
    if answer.reason in ("alerted_by_note", "note_typed_later"):
        sent = [entry for entry in context.entries if isinstance(entry.fact, MessageSent)]
        own = [entry for entry in sent if getattr(entry.fact, "incident", None) == context.incident.id]
        if not own:
            return None
        message = _when(context, own[0].occurred_at, own[0].precision_seconds, context.incident.begins_at)
        return f"The first note is of {at}{typed}, the first message to the team of {message}."
    return f"The team was alerted at {at}{typed}."


def _fix(context: Context, entry: Entry, since: datetime | None) -> str:
    at = _when(context, entry.occurred_at, entry.precision_seconds, since)
    if isinstance(entry.fact, DeployFinished):
        return f"{text(context.named(entry.fact.version, entry.service))}, deployed at {at}"
    return f"{text(context.named(_lower(title(entry)), entry.service))} at {at}"


def _overlap(context: Context, fixed: Sequence[Entry]) -> bool:
    """Whether two of the changes that people call the fix reach into each other's first ten minutes."""
    versions = {getattr(entry.fact, "version", "") for entry in fixed}
    return any(
        row.window == "10m" and row.version in versions and versions & set(row.confounded_by)
        for row in context.verdicts
    )


def _course(context: Context) -> str:
    incident = context.incident
    parts = []
    started = incident.milestones.get("started")
    first = min(at for at in (incident.declared_at, incident.begins_at) if at is not None)
    if started is not None:
        at = context.moment(started.at, started.precision_seconds)
        if started.until:
            until = _when(context, started.until, started.precision_seconds, started.at)
            parts.append(f"It started between {at} and {until}")
        else:
            parts.append(f"It started at {at}")
    assert incident.declared_at is not None
    by = {"alert": "by an alert", "customer": "by a customer", "person": "by a person"}.get(
        incident.detected_by or ""
    )
    detected = incident.milestones.get("detected")
    if detected is not None:
        at = _when(context, detected.at, detected.precision_seconds, first if parts else None)
        parts.append(f"was detected at {at}" + (f" {by}" if by else ""))
    elif by:
        parts.append(f"was detected {by}")
    dated = any(" at " in part or " between " in part for part in parts)
    exactly = context.precision_of(incident.declared_at, IncidentDeclared)
    declared = _when(context, incident.declared_at, exactly, first if dated else None)
    parts.append(f"was declared at {declared} by {text(incident.declared_by)}")
    if incident.status is Status.OPEN:
        reopened = _reopened(context)
        still = f"It was {reopened} and is still open" if reopened else "It is still open"
        return _joined(parts) + f". {still} as of {context.moment(context.as_of)}."
    assert incident.resolved_at is not None
    lasted = spoken((incident.resolved_at - incident.begins_at).total_seconds())
    if incident.status is Status.MERGED:
        at = _when(context, incident.resolved_at, 0.001, first)
        return _joined(parts) + f". At {at} it was merged into {incident.merged_into}, which goes on."
    ended = _RESOLVED.get(incident.resolution or "", "resolved")
    reopened = _reopened(context)
    again = " again" if reopened else ""
    exactly = context.precision_of(incident.resolved_at, IncidentResolved)
    parts.append(f"was {ended}{again} at {_when(context, incident.resolved_at, exactly, first)}")
    begun = "it started" if started and started.at == incident.begins_at else "it was first noticed"
    ending = (
        f", {lasted} after {begun}." if incident.begins_at < incident.declared_at else f", {lasted} later."
    )
    return _joined(parts) + ending + (f" Before that it had been {reopened}." if reopened else "")


def _reopened(context: Context) -> str:
    """Say when it was reopened, and why; nothing if it never was."""
    times = [
        f"reopened at {_when(context, entry.occurred_at, entry.precision_seconds, context.incident.begins_at)} ({text(entry.fact.why)})"
        for entry in context.entries
        if isinstance(entry.fact, IncidentReopened) and entry.fact.incident == context.incident.id
    ]
    return ", and ".join(times)


def _when(context: Context, at: datetime, precision_seconds: float, since: datetime | None) -> str:
    """Write the time of day, with the date where the reader would take it for another day's."""
    if since is not None and at.astimezone(context.zone).date() == since.astimezone(context.zone).date():
        return context.clock(at, precision_seconds)
    return context.moment(at, precision_seconds)


def _joined(parts: list[str]) -> str:
    first = parts[0] if parts[0].startswith("It ") else f"It {parts[0]}"
    rest = parts[1:]
    return first + "".join(f", {part}" for part in rest[:-1]) + (f" and {rest[-1]}" if rest else "")


def _sentence(line: str) -> str:
    return line if line.endswith((".", "!", "?")) else line + "."


def _lower(line: str) -> str:
    return line[:1].lower() + line[1:]


def duration_table(context: Context) -> list[str]:
    """Write how long each part took, with its formula."""
    rows = [
        (NAMES.get(name, name), value(duration), text(formula(duration)))
        for name, duration in shown(context.durations).items()
    ]
    return table(("Duration", "Value", "Formula"), rows)
