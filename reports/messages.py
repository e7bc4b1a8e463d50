"""The messages to the team during an incident, after the guide's templates.

Everything comes from the log. What is not recorded is called unknown or left out; nothing is guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from projections.actions import ActionItem
from projections.changes import ChangeRow
from projections.detection import Relapse
from projections.durations import Duration
from projections.procedure.advice import Advice
from projections.the_fix import Fix
from projections.timeline_rows import Entry
from projections.versions import same_version
from reports.wording.changes import version_name
from reports.wording.durations import value
from reports.wording.impact import impact_in_words
from reports.wording.note_beginnings import cause_part, without_cause_part
from reports.wording.procedure import todo, what_is_due
from reports.wording.verdict_phrases import PHRASES, recorded_confounders, recorded_span
from tracker.events.incidents import NoteAdded, SeverityChanged
from tracker.events.messages import REMINDER, MessageSent
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Incident, Status
from tracker.text.shortening import short

_LINE = 300
NORMAL = ("recovered", "unaffected")
"""Verdicts of a metric that is as it was before the incident."""


@dataclass(frozen=True)
class Draft:
    """All that a message is written from.

    `fix` is the fix as the procedure has it, or the rollout of one that goes on; after a relapse one since then.
    `tell` names who must be notified of this severity; `log_head` is the log's position and its head there.
    `eta` is the time that it promises; `metrics` are (service, metric) as the settings name them; `at` is when it is
    written, `relapse` how the incident came back, if it did.
    """

    incident: Incident
    entries: Sequence[Entry]
    changes: Sequence[ChangeRow]
    fix: Fix | None
    durations: Mapping[str, Duration]
    metrics: Sequence[tuple[str, str]]
    at: datetime
    eta: datetime | None = None
    contact: str | None = None
    zone: tzinfo = UTC
    relapse: Relapse | None = None
    tell: Sequence[str] = ()
    report_link: str | None = None
    log_head: tuple[int, str] | None = None

    def moment(self, at: datetime) -> str:
        """Write an instant to the minute, with its date where that is not the message's, and its zone."""
        local = at.astimezone(self.zone)
        same = local.date() == self.at.astimezone(self.zone).date()
        return f"{local:%H:%M} {local.tzname()}" if same else self.dated(at)

    @property
    def since(self) -> datetime:
        """From when changes and verdicts are about what burns now."""
        return self.relapse.detected.earliest if self.relapse else self.incident.begins_at

    def dated(self, at: datetime) -> str:
        """Write an instant to the minute, with its date and zone."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def write(kind: str, draft: Draft) -> str:
    return "\n".join([*_TEMPLATES[kind](draft), *_to_look_up(kind, draft)])


def remind(item: Advice, draft: Draft) -> str:
    """Write what is due, since when, and the command that does it."""
    send = " --send" if item.next_step.code == "message" else ""
    due = [f"Due at: {draft.moment(item.due_at)}"] if item.due_at is not None else []
    return _reminder(draft, what_is_due(item), due, f"{todo(item.next_step)}{send}")


def remind_of_action(item: ActionItem, draft: Draft) -> str:
    """Write which action item is overdue, whose it is, and the command that says that it was done."""
    due = [f"Owner: {short(item.owner, _LINE)}", f"Due on: {item.due_on}, overdue"]
    return _reminder(
        draft,
        f"action item: {short(item.text, _LINE)}",
        due,
        f"tracker action done {item.handle} --proof URL",
    )


def _reminder(draft: Draft, what: str, due: Sequence[str], command: str) -> str:
    incident = draft.incident
    state = incident.severity.upper() if incident.status is Status.OPEN else f"{incident.severity}, resolved"
    lines = [
        f"⏰ DUE - {what} ({incident.id})",
        f"Issue: {short(incident.title, _LINE)} ({state})",
        *due,
        f"Type: {command}",
        f"Contact: {_contact(draft)}",
    ]
    return "\n".join([*lines, *_to_look_up(REMINDER, draft)])


def _to_look_up(kind: str, draft: Draft) -> list[str]:
    """Say who must be notified, where the report is, and up to where the log was read: its head proves that later."""
    lines = []
    if draft.tell and (kind == "initial" or (kind == "update" and _is_escalated(draft))):
        lines.append(f"Tell: {', '.join(short(name, 100) for name in draft.tell)}")
    if draft.report_link and kind == "resolved":
        lines.append(f"📝 Incident report: {draft.report_link}")
    if draft.log_head is not None:
        position, head = draft.log_head
        lines.append(f"Log: position {position}, head {head[:12]}")
    return lines


def _is_escalated(draft: Draft) -> bool:
    """Whether the severity was changed since the last message: others have to be told now."""
    told = [
        entry.position
        for entry in draft.entries
        if isinstance(entry.fact, MessageSent | SeverityChanged)
        and entry.fact.incident == draft.incident.id
        and not (isinstance(entry.fact, MessageSent) and entry.fact.kind == REMINDER)
    ]
    last = max(told, default=None)
    return any(isinstance(entry.fact, SeverityChanged) and entry.position == last for entry in draft.entries)


def _initial(draft: Draft) -> list[str]:
    incident = draft.incident
    detected = incident.milestones.get("detected")
    first = "First d" if draft.relapse else "D"
    if detected is not None:
        seen = f"{first}etected: {draft.dated(detected.at)}"
    else:
        assert incident.declared_at is not None
        seen = f"{first}eclared: {draft.dated(incident.declared_at)}"
    return [
        f"🚨 {incident.severity.upper()} ISSUE - {short(incident.title, _LINE)}",
        *_back(draft),
        seen,
        f"Affected: {', '.join(incident.services)}",
        f"Impact: {_impact(draft)}",
        f"Severity: {incident.severity.upper()}",
        f"Status: {_status(draft)}",
        f"ETA: {draft.moment(draft.eta) if draft.eta else 'not known yet'}",
        f"Contact: {_contact(draft)}",
        f"Incident: {incident.id}",
    ]


def _update(draft: Draft) -> list[str]:
    incident = draft.incident
    cause = _last_note(draft, "root-cause")
    lines = [f"{incident.severity.upper()} {incident.id} - {short(incident.title, _LINE)}", *_back(draft)]
    lines.append(f"✅ Root cause identified: {cause}" if cause else "🔎 Root cause: not known yet")
    fix = draft.fix.row if draft.fix else None
    if fix is not None and fix.finished_at is not None:
        done = "Rolled back to " if fix.kind == "rollback" else ""
        deployed = "" if fix.kind == "rollback" else " deployed"
        lines.append(f"🚀 {done}{_named(draft, fix)}{deployed} at {draft.moment(fix.finished_at)}")
    elif fix is not None and fix.started_at is not None:
        lines.append(f"🚀 {_named(draft, fix)} deployment in progress since {draft.moment(fix.started_at)}")
    elif incident.stage == "fixing":
        lines.append("🔧 Fix in progress")
    if draft.eta is not None:
        waits = fix is None or fix.finished_at is None
        what = "Expected deployment" if waits and incident.status is Status.OPEN else "ETA"
        lines.append(f"🚀 {what}: {draft.moment(draft.eta)}")
    elif fix is None:
        lines.append("🚀 Expected deployment: not known yet")
    metrics = _metrics(draft, fix)
    if metrics is not None:
        lines.append(f"🔄 Monitoring: {metrics}")
    return [
        *lines,
        f"Impact: {_impact(draft)}",
        f"Status: {_status(draft)}",
        f"Contact: {_contact(draft)}",
    ]


def _resolved(draft: Draft) -> list[str]:
    incident = draft.incident
    fix = draft.fix.row if draft.fix and draft.fix.link else None
    if incident.resolution == "false-alarm":
        head = f"✅ CLOSED AS A FALSE ALARM - {short(incident.title, _LINE)}"
        return [head, f"Incident: {incident.id}", f"Contact: {_contact(draft)}"]
    if fix is not None and fix.finished_at is not None:
        done = "rolled back to " if fix.kind == "rollback" else ""
        deployed = "" if fix.kind == "rollback" else " deployed"
        head = f"✅ RESOLVED - {done}{_named(draft, fix)}{deployed} at {draft.moment(fix.finished_at)}"
    elif incident.resolution == "went-away":
        head = "✅ RESOLVED - it went away by itself"
    else:
        head = "✅ RESOLVED - what fixed it is not recorded"
    return [
        head,
        f"Issue: {short(incident.title, _LINE)} ({incident.id})",
        f"⏱ Downtime: {_downtime(draft)}",
        f"📊 Impact: {_impact(draft)}",
        f"🔄 Monitoring: {_metrics(draft, fix) or 'no verdict yet'}",
        f"Contact: {_contact(draft)}",
    ]


def _rollback(draft: Draft) -> list[str]:
    incident = draft.incident
    mine = [row for row in draft.changes if row.kind == "rollback" and row.service in incident.services]
    row = mine[-1] if mine else None
    if row is None:
        head = "⏪ Rollback: from and to which version is not recorded yet."
    else:
        of = f" of {row.service}" if len(incident.services) > 1 else ""
        left = row.previous_version
        to = f"to {version_name(row.version)}{of}"
        ways = f"{to} (from {left})" if left else to
        if row.status == "failed":
            head = f"⚠ The rollback {ways} failed at {draft.moment(row.at)}."
        elif row.finished_at is not None:
            head = f"⏪ Rolled back {ways} at {draft.moment(row.finished_at)}."
        elif row.status == "interrupted":
            head = f"⚠ The rollback {ways} of {draft.moment(row.at)} was interrupted; its end is unknown."
        else:
            head = f"⏪ Rollback {ways} in progress since {draft.moment(row.at)}."
    if row is not None and incident.stage == "fixing" and _was_a_try(draft, row):
        head += " Working on v2 of the fix."
    return [
        head,
        f"Issue: {short(incident.title, _LINE)} ({incident.id}, {incident.severity})",
        *_back(draft),
        f"Status: {_status(draft)}",
        *([f"ETA: {draft.moment(draft.eta)}"] if draft.eta else []),
        f"Contact: {_contact(draft)}",
    ]


_TEMPLATES = {"initial": _initial, "update": _update, "resolved": _resolved, "rollback": _rollback}


def _back(draft: Draft) -> list[str]:
    """Say that an open incident came back: it reads like the first time otherwise."""
    back = draft.relapse
    if back is None or draft.incident.status is not Status.OPEN:
        return []
    lines = [f"🔁 It came back: reopened {draft.moment(back.reopened.instant)} ({short(back.why, _LINE)})"]
    if back.detected != back.reopened:
        lines.append(f"Detected again: {draft.moment(back.detected.instant)}")
    return lines


def _impact(draft: Draft) -> str:
    impact = impact_in_words(draft.incident, draft.zone, lambda text: short(text, _LINE))
    if impact:
        return impact
    return "not known yet" if draft.incident.status is Status.OPEN else "not recorded"


def _status(draft: Draft) -> str:
    incident = draft.incident
    if incident.status is Status.OPEN:
        return (incident.stage or "open").upper()
    return "RESOLVED"


def _contact(draft: Draft) -> str:
    named = draft.contact or draft.incident.lead
    if named:
        return short(named, 100)
    return "no lead yet" if draft.incident.status is Status.OPEN else "not recorded"


def _last_note(draft: Draft, kind: str) -> str | None:
    notes = [entry.fact for entry in draft.entries if isinstance(entry.fact, NoteAdded)]
    mine = [note for note in notes if note.kind == kind and note.incident == draft.incident.id]
    if kind == "root-cause":
        mine = [note for note in mine if cause_part(note.text) == "cause"]
    return short(without_cause_part(mine[-1].text), _LINE) if mine else None


def _named(draft: Draft, row: ChangeRow) -> str:
    version = version_name(row.version)
    return f"{version} of {row.service}" if len(draft.incident.services) > 1 else version


def _was_a_try(draft: Draft, rollback: ChangeRow) -> bool:
    """Whether what was rolled back had been deployed during the incident, as a fix that did not work."""
    return any(
        row.kind == "deploy"
        and row.service == rollback.service
        and rollback.previous is not None
        and same_version(row, rollback.previous)
        and draft.incident.begins_at <= row.at <= rollback.at
        for row in draft.changes
    )


def _downtime(draft: Draft) -> str:
    duration = draft.durations.get("downtime")
    return "unknown" if duration is None else value(duration)


def _metrics(draft: Draft, fix: ChangeRow | None) -> str | None:
    """Sum up the recorded verdicts with the healthy time as baseline; None if there are none.

    Of each metric the longest window after the last change counts. "All metrics normal" needs
    such a verdict for every metric that the settings name.
    """
    last: dict[tuple[str, str], tuple[tuple[datetime, float], VerdictsGiven, str]] = {}
    for step in draft.incident.steps:
        event = step.event
        if (
            not isinstance(event, VerdictsGiven)
            or step.retraction is not None
            or event.incident != draft.incident.id
        ):
            continue
        if fix is not None and event.service == fix.service and event.change not in fix.evidence:
            continue
        if draft.relapse is not None and event.window_from < draft.since:
            continue
        rank = (event.window_from, (event.occurred_at - event.window_from).total_seconds())
        for verdict in event.verdicts:
            key = (event.service, verdict.metric)
            if verdict.baseline == "healthy" and (key not in last or rank >= last[key][0]):
                last[key] = (rank, event, verdict.verdict)
    if not last:
        return None
    not_judged = [
        (service, metric)
        for service, metric in draft.metrics
        if not any(service == known and metric == label.partition("{")[0] for known, label in last)
    ]
    if not not_judged and all(word in NORMAL for _, _, word in last.values()):
        least = min(last.values(), key=lambda verdict: verdict[0][1])[1]
        return f"All metrics normal ({_window(least)})"
    several = len({service for service, _ in [*last, *not_judged]}) > 1
    groups: dict[str, list[str]] = {}
    for (service, metric), (_, given, word) in last.items():
        name = f"{service} {metric}" if several else metric
        groups.setdefault(f"{PHRASES.get(word, word)} ({_window(given)})", []).append(name)
    if not_judged:
        names = [f"{service} {metric}" if several else metric for service, metric in not_judged]
        groups["not judged yet"] = names
    return "; ".join(f"{', '.join(names)} {phrase}" for phrase, names in groups.items())


def _window(event: VerdictsGiven) -> str:
    confounders = recorded_confounders(event)
    return recorded_span(event) + (f", {confounders}" if confounders else "")
