"""The first screen: how bad, how long, why, what ended it, whether it is over, what comes next, and who."""

from collections.abc import Sequence

from projections.actions import ActionItem, of_incident
from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import command, text
from reports.sections import root_cause
from reports.sections.course import RESOLVED, how_long
from reports.sections.fix import came_back_at, fixes
from reports.sections.metrics import beyond_limit_in_words
from reports.sections.pictures import main_metric, picture
from reports.wording.changes import of_service, suspicion, version_name
from reports.wording.impact import impact_in_words
from reports.wording.metrics import after_change_in_words
from reports.wording.text import and_listed, capitalized, counted, sentence
from reports.wording.timeline import title
from tracker.events.base import BY_ITSELF
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.events.incidents import UNKNOWN, NoteAdded
from tracker.events.messages import MessageSent
from tracker.incident import Status
from tracker.text.shortening import short

_SHOWN_ACTIONS = 3
_LONGEST_QUOTE = 140


def lines(context: Context) -> list[str]:
    """Answer in one screen what a reader asks first, with a picture of the metric that matters most."""
    answers = [
        ("How bad", how_bad(context)),
        ("How long", how_long(context)),
        ("Why", _why(context)),
        ("What ended it", _ended(context)),
        ("Is it over", _over(context)),
        ("What now", _next(context)),
        ("Who", _who(context)),
    ]
    written = [_title(context), "", *(f"- **{label}:** {answer}" for label, answer in answers if answer)]
    metric = main_metric(context)
    drawn = picture(context, metric)[:1] if metric is not None else []
    return [*written, "", *drawn] if drawn else written


def _title(context: Context) -> str:
    incident = context.incident
    services = ", ".join(text(service) for service in incident.services) or "service not recorded"
    severity = "severity not recorded" if incident.severity == UNKNOWN else incident.severity
    begun = context.minute(incident.begins_at)
    state = {
        Status.OPEN: f"open since {begun}",
        Status.MERGED: f"merged into {incident.merged_into}",
    }.get(incident.status) or RESOLVED.get(incident.resolution or "", "resolved")
    return f"**{text(incident.title)}** ({severity}, {services}): {state}."


def how_bad(context: Context) -> str:
    """Say whom it hit and how badly, as it was recorded last; else what was measured."""
    impact = impact_in_words(context.incident, context.zone)
    if impact:
        return sentence(text(impact))
    if context.incident.merged_into is not None:
        return f"See {context.incident.merged_into}."
    if context.incident.resolution == "false-alarm":
        return "It was a false alarm."
    record = command("impact", context.incident.id, "…")
    measured = beyond_limit_in_words(context)
    return f"{measured} Whom it hit is not recorded; {record}" if measured else f"Not recorded; {record}"


def _why(context: Context) -> str:
    cause = root_cause.the_cause(context)
    if cause is not None:
        return sentence(text(cause))
    incident = context.incident
    if incident.merged_into is not None or incident.resolution == "false-alarm":
        return ""
    if context.attributed("caused"):
        return (
            f"{capitalized(_listed(context, context.attributed('caused')))} caused it; how is not recorded."
        )
    unknown = "Not known yet." if incident.status is Status.OPEN else "Not recorded."
    return " ".join([unknown, *_guesses(context)])


def _guesses(context: Context) -> list[str]:
    """Quote the last hypothesis, and name the change that by time alone may have caused it."""
    guesses = [_quoted(context, "hypothesis", entry) for entry in context.notes("hypothesis")[-1:]]
    suspects = root_cause.suspects(context)
    if suspects:
        row, suspect = suspects[-1]
        name = of_service(row.version, row.service or "?")
        guesses.append(f"By time alone it may be {text(f'{name}: {suspicion(suspect)}')}.")
    return guesses


def _quoted(context: Context, what: str, entry: Entry) -> str:
    """Quote a note in short, with who wrote it when."""
    assert isinstance(entry.fact, NoteAdded)
    at = context.minute(entry.occurred_at, context.incident.begins_at)
    said = sentence(text(short(" ".join(entry.fact.text.split()), _LONGEST_QUOTE)))
    return f"Last {what} ({text(entry.by or '?')}, {at}): {said}"


def _ended(context: Context) -> str:
    """Name the fix that held; of an open incident nothing ended it, and a fix before a relapse ended nothing."""
    incident = context.incident
    came_back = came_back_at(context)
    failed, held = fixes(context)
    parts = []
    if held and incident.status is Status.OPEN:
        parts.append(
            f"Not confirmed yet; {_listed(context, held)} {'is' if len(held) == 1 else 'are'} linked as the fix."
        )
    elif held:
        parts.append(f"{capitalized(_listed(context, held))}.")
    elif incident.status is Status.RESOLVED:
        parts.append(_without_link(context))
    if held and _overlap(context, held):
        parts.append("They overlap, so it is unknown which of them fixed it.")
    if failed and came_back is not None:
        back = context.minute(came_back, incident.begins_at)
        parts.append(f"{capitalized(_listed(context, failed))} did not hold: it was reopened at {back}.")
    return " ".join(filter(None, parts))


def _without_link(context: Context) -> str:
    """Name the last change before the end where nobody linked a fix; unknown is said as such."""
    incident = context.incident
    if incident.resolution == "false-alarm":
        return ""
    last = _unconfirmed_fix(context)
    if incident.resolution == "went-away" and last is None:
        return "It went away by itself."
    if last is None:
        return "Not recorded."
    confirm = command("link", incident.id, last.handle, "--as", "fixed", "--why", "…")
    what = capitalized(_change(context, last))
    return f"{what} was the last change before it was over; nobody linked it as the fix: {confirm}"


def _unconfirmed_fix(context: Context) -> Entry | None:
    """Return the change that nobody linked as the fix and that durations and the procedure take for it."""
    if context.fix is None or context.fix.link is not None or context.fix.so_far:
        return None
    evidence = context.fix.row.evidence
    went_out = (
        entry for entry in context.entries if isinstance(entry.fact, DeployFinished | RollbackFinished)
    )
    return next((entry for entry in went_out if entry.event in evidence), None)


def _listed(context: Context, entries: Sequence[Entry]) -> str:
    return and_listed(_change(context, entry) for entry in entries)


def _change(context: Context, entry: Entry) -> str:
    at = context.minute(entry.occurred_at, context.incident.begins_at)
    service = entry.service if entry.service and context.is_of_other(entry.service) else ""
    if isinstance(entry.fact, DeployFinished):
        return f"the deploy of {text(of_service(entry.fact.version, service))} at {at}"
    if isinstance(entry.fact, RollbackFinished):
        of = f"of {text(service)} " if service else ""
        return f"the rollback {of}to {text(version_name(entry.fact.version))} at {at}"
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
    if incident.resolution == UNKNOWN:
        return f"Yes, as far as {text(incident.resolved_by or '?')} says; how it ended is not recorded."
    resolved = f"{RESOLVED.get(incident.resolution or '', 'resolved')} by {text(incident.resolved_by or '?')}"
    return f"{capitalized(resolved)}. {_proof(context)}".strip()


def _proof(context: Context) -> str:
    """Say what the metrics did after each change that ended it, or that none shows it."""
    last = _unconfirmed_fix(context)
    held = fixes(context)[1] or ([last] if last is not None else [])
    after = [[row for row in context.verdicts if row.change in entry.evidence] for entry in held]
    if not held:  # the verdicts on the time after the incident are of no version
        after = [[row for row in context.verdicts if not row.version]]
    if any(after):
        return " ".join(text(after_change_in_words(rows, context.name_of)) for rows in after if rows)
    incident = context.incident
    return (
        ""
        if context.verdicts or incident.resolution == "false-alarm"
        else "No metric was compared to show it."
    )


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
    return _under_way(context) if incident.status is Status.OPEN else "No action item is recorded."


def _under_way(context: Context) -> str:
    """Say of an open incident what was noted last, which time was promised, and when the team is to hear again."""
    noted = [entry for entry in context.notes("note") if entry.by not in (None, BY_ITSELF)]
    parts = [_quoted(context, "note", entry) for entry in noted[-1:]]
    begun = context.incident.begins_at
    messages = [entry.fact for entry in context.entries if isinstance(entry.fact, MessageSent)]
    if messages and (eta := messages[-1].eta) is not None:
        parts.append(f"A fix is promised for {context.minute(eta, begun)}.")
    due = next((rule.due_at for rule in context.rules if rule.rule == "updates_on_time"), None)
    if due is not None:
        verb = "is" if due > context.as_of else "was"
        parts.append(f"The next message to the team {verb} due at {context.minute(due, begun)}.")
    return " ".join(parts) or "Nothing is recorded."


def _owned(context: Context, item: ActionItem) -> str:
    state = f"done {context.day(item.done_at)}" if item.done_at is not None else f"by {item.due_on}"
    return f"{text(item.text).rstrip('.')} ({text(item.owner)}, {state})"


def _who(context: Context) -> str:
    incident = context.incident
    if incident.record is not None and incident.lead is None:
        return f"Not recorded; imported from {text(incident.record)}."
    led = f"Led by {text(incident.lead)}" if incident.lead else "No lead is recorded"
    parts = []
    if incident.declared_by not in (incident.lead, BY_ITSELF):
        parts.append(f"declared by {text(incident.declared_by)}")
    wrote = dict.fromkeys(
        entry.by for entry in context.entries if isinstance(entry.fact, NoteAdded | MessageSent) and entry.by
    )
    others = [name for name in wrote if name not in (incident.lead, incident.declared_by, BY_ITSELF)]
    if others:
        parts.append(f"with {', '.join(text(name) for name in others)}")
    besides = ", ".join(parts)
    return f"{led}{(', ' if incident.lead else '; ') if besides else ''}{besides}."
