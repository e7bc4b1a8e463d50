"""The first screen: how bad, how long, why, what ended it, whether it is over, what comes next, and who."""

from collections.abc import Sequence
from datetime import datetime

from projections.actions import ActionItem, of_incident
from projections.durations import NAMES
from projections.durations import shown as shown_durations
from projections.timeline import Entry
from reports.context import Context
from reports.markdown import command, table, text
from reports.sections.metrics import main_metric, picture
from reports.sections.root_cause import the_cause
from reports.wording.durations import exactly, formula, in_minutes_style, value
from reports.wording.impact import impact_in_words
from reports.wording.metrics import after_change_in_words
from reports.wording.text import counted, sentence
from reports.wording.timeline import title
from tracker.events.base import BY_ITSELF
from tracker.events.changes import DeployFinished
from tracker.events.incidents import IncidentReopened, NoteAdded
from tracker.events.messages import MessageSent
from tracker.incident import Status
from tracker.times import in_minutes

_RESOLVED = {
    "fixed": "resolved",
    "false-alarm": "closed as a false alarm",
    "went-away": "closed: it went away by itself",
}
_SHOWN_ACTIONS = 3


def lines(context: Context) -> list[str]:
    """Answer in one screen what a reader asks first, with a picture of the metric that matters most."""
    answers = [
        ("How bad", how_bad(context)),
        ("How long", " ".join(part for part in (_course(context), _alerted(context)) if part)),
        ("Why", _why(context)),
        ("What ended it", _ended(context)),
        ("Is it over", _over(context)),
        ("What now", _next(context)),
        ("Who", _who(context)),
    ]
    written = [_title(context), "", *(f"- **{label}:** {answer}" for label, answer in answers if answer)]
    metric = main_metric(context)
    return [*written, "", *picture(context, metric)[:1]] if metric is not None else written


def happened(context: Context) -> list[str]:
    """Tell how it went in one paragraph."""
    return [" ".join(part for part in (_course(context), _alerted(context), _merged(context)) if part)]


def _title(context: Context) -> str:
    incident = context.incident
    services = ", ".join(text(service) for service in incident.services)
    begun = context.minute(incident.begins_at)
    state = {
        Status.OPEN: f"open since {begun}",
        Status.MERGED: f"merged into {incident.merged_into}",
    }.get(incident.status) or _RESOLVED.get(incident.resolution or "", "resolved")
    return f"**{text(incident.title)}** ({incident.severity}, {services}): {state}."


def how_bad(context: Context) -> str:
    """Say whom it hit and how badly, as it was recorded last."""
    impact = impact_in_words(context.incident, context.zone)
    if impact:
        return sentence(text(impact))
    if context.incident.merged_into is not None:
        return f"See {context.incident.merged_into}."
    if context.incident.resolution == "false-alarm":
        return "It was a false alarm."
    return f"Not recorded; {command('impact', context.incident.id, '…')}"


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
    lasted = f"On {day}: "
    if down is not None and down.at_most is not None and down.state in ("recorded", "uncertain"):
        lasted = f"Down for {value(down)} on {day}: "
    over = incident.resolved_at if incident.status is Status.RESOLVED else None
    after = ""
    if over is not None and over > incident.begins_at:
        since = "it started" if incident.started_at == incident.begins_at else "it was first noticed"
        after = f", {in_minutes((over - incident.begins_at).total_seconds())} after {since}"
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
    down = context.durations.get("downtime")
    if down is not None and down.end is not None and down.end.what == "last_metric":
        moments.append((down.end.earliest, "back to normal", None))
    elif context.recovered_at is not None:
        moments.append((context.recovered_at, "mitigated", None))
    moments += [
        (entry.occurred_at, f"reopened ({text(entry.fact.why)})", None)
        for entry in context.entries
        if isinstance(entry.fact, IncidentReopened) and entry.fact.incident == incident.id
    ]
    if incident.resolved_at is not None:
        merged = f"merged into {incident.merged_into}, which goes on," if incident.merged_into else None
        moments.append(
            (incident.resolved_at, merged or _RESOLVED.get(incident.resolution or "", "resolved"), None)
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


def _why(context: Context) -> str:
    cause = the_cause(context)
    if cause is not None:
        return sentence(text(cause))
    incident = context.incident
    if incident.merged_into is not None or incident.resolution == "false-alarm":
        return ""
    if context.attributed("caused"):
        named = " and ".join(_change(context, entry) for entry in context.attributed("caused"))
        return f"{named} caused it; how is not recorded."
    return "Not known yet." if incident.status is Status.OPEN else "Not recorded."


def _ended(context: Context) -> str:
    incident = context.incident
    fixed = context.attributed("fixed")
    if fixed:
        ended = f"{' and '.join(_change(context, entry) for entry in fixed)}."
        overlap = (
            " They overlap, so it is unknown which of them fixed it." if _overlap(context, fixed) else ""
        )
        return ended + overlap
    if incident.status is Status.RESOLVED and incident.resolution == "fixed":
        return "Not recorded."
    return ""


def _change(context: Context, entry: Entry) -> str:
    at = context.minute(entry.occurred_at, context.incident.begins_at)
    if isinstance(entry.fact, DeployFinished):
        return f"{text(context.named(entry.fact.version, entry.service))}, deployed at {at}"
    named = title(entry)
    return f"{text(context.named(named[:1].lower() + named[1:], entry.service))} at {at}"


def _overlap(context: Context, fixed: Sequence[Entry]) -> bool:
    """Whether two of the changes that people call the fix reach into each other's first ten minutes."""
    versions = {getattr(entry.fact, "version", "") for entry in fixed}
    return any(
        row.window == "10m" and row.version in versions and versions & set(row.confounded_by)
        for row in context.verdicts
    )


def _over(context: Context) -> str:
    incident = context.incident
    if incident.status is Status.OPEN:
        again = "again " if incident.reopened_at is not None else ""
        stage = f", {incident.stage}" if incident.stage else ""
        return f"No: open {again}as of {context.minute(context.as_of)}{stage}."
    if incident.status is Status.MERGED:
        return f"It goes on in {incident.merged_into}."
    judged = [
        row
        for entry in context.attributed("fixed")
        for row in context.verdicts
        if row.change in entry.evidence
    ]
    proof = after_change_in_words(judged, context.name_of) if judged else ""
    resolved = (
        f"{_RESOLVED.get(incident.resolution or '', 'resolved')} by {text(incident.resolved_by or '?')}"
    )
    return f"{resolved[:1].upper()}{resolved[1:]}. {proof}".strip()


def _next(context: Context) -> str:
    """Name what will keep it from coming back, who owns it and until when."""
    incident = context.incident
    items = of_incident(context.actions, incident)
    if items:
        left = sum(item.done_at is None for item in items)
        done = f"{len(items) - left} of {counted(len(items), 'action item')} done: "
        shown = sorted(items, key=lambda item: (item.done_at is not None, item.due_on))
        more = f"; and {len(items) - _SHOWN_ACTIONS} more" if len(items) > _SHOWN_ACTIONS else ""
        return f"{done}{'; '.join(_owned(context, item) for item in shown[:_SHOWN_ACTIONS])}{more}."
    if incident.merged_into is not None or incident.resolution == "false-alarm":
        return ""
    notes = context.notes("prevention")
    if notes:
        return f"{counted(len(notes), 'proposal')} under Prevention, without an owner and a day."
    return "No action item is recorded." if incident.status is not Status.OPEN else ""


def _owned(context: Context, item: ActionItem) -> str:
    state = f"done {context.day(item.done_at)}" if item.done_at is not None else f"by {item.due_on}"
    return f"{text(item.text).rstrip('.')} ({text(item.owner)}, {state})"


def _who(context: Context) -> str:
    incident = context.incident
    parts = [f"{text(incident.lead)} led" if incident.lead else "nobody is recorded as lead"]
    if incident.declared_by not in (incident.lead, BY_ITSELF):
        parts.append(f"{text(incident.declared_by)} declared it")
    wrote = dict.fromkeys(
        entry.by for entry in context.entries if isinstance(entry.fact, NoteAdded | MessageSent) and entry.by
    )
    others = [name for name in wrote if name not in (incident.lead, incident.declared_by, BY_ITSELF)]
    if others:
        parts.append(f"with {', '.join(text(name) for name in others)}")
    joined = ", ".join(parts)
    return joined[:1].upper() + joined[1:] + "."


def duration_table(context: Context) -> list[str]:
    """Write how long each part took in one style, how exactly that is known, and its formula."""
    rows = [
        (NAMES.get(name, name), in_minutes_style(duration), exactly(duration), text(formula(duration)))
        for name, duration in shown_durations(context.durations).items()
    ]
    return table(("Duration", "Value", "Exactly (h:mm:ss)", "From what to what"), rows)
