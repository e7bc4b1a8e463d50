"""What one event says to a reader, in a line: the only place where events are worded.

A new kind of event still reads acceptably before anybody words it here.
"""

from datetime import datetime
from functools import singledispatch

from projections.silence import Silence, span_in_words
from tracker.events import alerts, changes, corrections, incidents, messages, samples, silence, verdicts
from tracker.events.base import Event
from tracker.times import spoken, utc


@singledispatch
def headline(event: Event) -> str:
    """Say in one phrase what an event means to a reader."""
    return event.TOPIC.replace("-", " ").capitalize()


@singledispatch
def detail(event: Event) -> str | None:
    """Say what a reader may want to know besides; None if there is nothing."""
    return None


def short(text: str, length: int = 100) -> str:
    """Cut a text to one line of at most this many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


# ── alerts and errors ────────────────────────────────────────────────────────


@headline.register
def _(event: alerts.AlertFired) -> str:
    return f"Alert {event.name} fired"


@detail.register
def _(event: alerts.AlertFired) -> str | None:
    said = event.annotations.get("summary") or event.annotations.get("description")
    parts = [part for part in (event.severity, said and short(said, 160)) if part]
    return " · ".join(parts) or None


@headline.register
def _(event: alerts.AlertResolved) -> str:
    return f"Alert {event.name} stopped firing"


@detail.register
def _(event: alerts.AlertResolved) -> str | None:
    return f"after {spoken((event.occurred_at - event.started_at).total_seconds())}"


@headline.register
def _(event: alerts.ErrorSeen) -> str:
    return f"Error: {short(event.title, 120)}" if event.level != "info" else short(event.title, 120)


@detail.register
def _(event: alerts.ErrorSeen) -> str | None:
    level = event.level if event.level != "error" else None
    parts = [level, event.culprit and f"in {event.culprit}", event.release]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: alerts.IssueChanged) -> str:
    name = event.short_id or event.issue_id
    return f"Issue {name} {event.action}: {short(event.title, 100)}"


@detail.register
def _(event: alerts.IssueChanged) -> str | None:
    counts = []
    if event.event_count is not None:
        counts.append(f"{event.event_count} events")
    if event.user_count:
        counts.append(f"{event.user_count} users")
    return " · ".join(part for part in (event.level, *counts, event.release) if part) or None


@headline.register
def _(event: alerts.CheckInRecorded) -> str:
    said = {"ok": "succeeded", "error": "failed", "in_progress": "started", "missed": "was missed"}
    return f"Job {event.monitor} {said.get(event.status, event.status)}"


@headline.register
def _(event: alerts.OutsideIncidentReported) -> str:
    return f"{short(event.source, 60)} {event.status} an incident: {short(event.title, 100)}"


# ── changes ──────────────────────────────────────────────────────────────────


@detail.register
def _(event: changes.Change) -> str | None:
    parts = [
        event.environment if event.environment != "production" else None,
        event.sha and event.sha[:10],
        f"took {spoken(event.duration_seconds)}" if event.duration_seconds is not None else None,
        f"exit code {event.exit_code}" if event.exit_code else None,
        "the clone had uncommitted changes" if event.dirty else None,
    ]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: changes.DeployStarted) -> str:
    return f"Deploy of {event.version} started"


@headline.register
def _(event: changes.DeployFinished) -> str:
    return f"Deployed {event.version}"


@headline.register
def _(event: changes.DeployFailed) -> str:
    return f"Deploy of {event.version} failed"


@headline.register
def _(event: changes.RollbackStarted) -> str:
    return f"Rollback to {event.version} started"


@headline.register
def _(event: changes.RollbackFinished) -> str:
    return f"Rolled back to {event.version}"


@headline.register
def _(event: changes.RollbackFailed) -> str:
    return f"Rollback to {event.version} failed"


@headline.register
def _(event: changes.ReleaseCreated) -> str:
    return f"Release {event.version} was created"


@headline.register
def _(event: changes.VersionReleased) -> str:
    return f"Release {event.version} was finalized"


@detail.register
def _(event: changes.Release) -> str | None:
    return event.sha[:10] if event.sha else None


@headline.register
def _(event: changes.TestsFinished) -> str:
    return f"Tests {'passed' if event.exit_code == 0 else 'failed'} on {event.sha[:7] if event.sha else 'no commit'}"


@detail.register
def _(event: changes.TestsFinished) -> str | None:
    parts = [short(event.command, 60), f"took {spoken(event.duration_seconds)}"]
    if event.exit_code:
        parts.append(f"exit code {event.exit_code}")
    if event.dirty:
        parts.append("the clone had uncommitted changes")
    return " · ".join(parts)


@headline.register
def _(event: changes.CommitMade) -> str:
    return f"{event.sha[:7]} {short(event.subject_line, 100)}"


@detail.register
def _(event: changes.CommitMade) -> str | None:
    parts = ["merge" if event.is_merge else None, event.author]
    if event.files_changed:
        plural = "s" if event.files_changed != 1 else ""
        parts.append(
            f"{event.files_changed} file{plural}, +{event.lines_added or 0} −{event.lines_deleted or 0}"
        )
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: changes.VersionTagged) -> str:
    return f"Tag {event.name} on {event.sha[:7]}"


@headline.register
def _(event: changes.BranchSeen) -> str:
    return f"Branch {event.name} at {event.sha[:7]}"


@detail.register
def _(event: changes.BranchSeen) -> str | None:
    if event.fork_branch and event.fork_point:
        return f"from {event.fork_branch} at {event.fork_point[:7]}"
    return None


# ── decisions ────────────────────────────────────────────────────────────────


@headline.register
def _(event: incidents.IncidentDeclared) -> str:
    return f"Declared {event.severity}: {event.title}"


@detail.register
def _(event: incidents.IncidentDeclared) -> str | None:
    parts = [
        f"detected by {'an alert' if event.detected_by == 'alert' else 'a ' + event.detected_by}"
        if event.detected_by
        else None,
        event.impact,
        f"lead {event.lead}" if event.lead else None,
    ]
    return " · ".join(part for part in parts if part) or None


@headline.register
def _(event: incidents.MilestoneSet) -> str:
    words = {
        "started": "Incident started",
        "detected": "Incident detected",
        "confirmed": "Incident confirmed",
        "mitigated": "Impact mitigated",
        "ended": "Impact ended",
    }
    return words.get(event.milestone, f"Milestone {event.milestone}")


@detail.register
def _(event: incidents.MilestoneSet) -> str | None:
    if event.until is None:
        return None
    return f"some time within {spoken((event.until - event.occurred_at).total_seconds())}"


@headline.register
def _(event: incidents.SeverityChanged) -> str:
    return f"Severity now {event.severity}"


@detail.register
def _(event: incidents.SeverityChanged) -> str | None:
    return event.why


@headline.register
def _(event: incidents.LeadChanged) -> str:
    return f"{event.lead} leads"


@headline.register
def _(event: incidents.StageChanged) -> str:
    return f"Stage: {event.stage}"


@headline.register
def _(event: incidents.ServiceAdded) -> str:
    return f"Service {event.service} is part of it"


@headline.register
def _(event: incidents.ServiceRemoved) -> str:
    return f"Service {event.service} is not part of it"


_KINDS = {
    "hypothesis": "Hypothesis",
    "root-cause": "Root cause",
    "fix": "Fix",
    "prevention": "Prevention",
    "lesson": "Lesson",
    "impact": "Impact",
}


@headline.register
def _(event: incidents.NoteAdded) -> str:
    prefix = _KINDS.get(event.kind)
    line = short(event.text, 200)
    return f"{prefix}: {line}" if prefix else line


@detail.register
def _(event: incidents.NoteAdded) -> str | None:
    return " ".join(event.text.split()) if len(" ".join(event.text.split())) > 200 else None


@headline.register
def _(event: incidents.FileAttached) -> str:
    return f"File attached: {event.name}"


@headline.register
def _(event: incidents.IncidentResolved) -> str:
    words = {
        "fixed": "Resolved",
        "false-alarm": "Resolved as a false alarm",
        "went-away": "Resolved: it went away",
    }
    return words.get(event.resolution, f"Resolved as {event.resolution}")


@headline.register
def _(event: incidents.IncidentReopened) -> str:
    return "Reopened"


@detail.register
def _(event: incidents.IncidentReopened) -> str | None:
    return event.why


@headline.register
def _(event: incidents.IncidentMerged) -> str:
    return f"{event.incident} merged into {event.into}"


@detail.register
def _(event: incidents.IncidentMerged) -> str | None:
    return event.why


# ── messages ─────────────────────────────────────────────────────────────────

_MESSAGES = {
    "initial": "Team alerted",
    "update": "Team updated",
    "resolved": "Team told that it is over",
    "rollback": "Team told of the rollback",
}


@headline.register
def _(event: messages.MessageSent) -> str:
    told = _MESSAGES.get(event.kind, f"Message sent ({event.kind})")
    return told if event.prepared else f"{told}, by hand"


@headline.register
def _(event: messages.MessagePrepared) -> str:
    return f"Message to be posted: {event.kind}"


@detail.register
def _(event: messages.MessageSent | messages.MessagePrepared) -> str | None:
    promise = f"promised for {utc(event.eta)}" if event.eta else None
    return " · ".join(part for part in (promise, short(event.text, 160)) if part) or None


@headline.register
def _(event: messages.MessagePosting) -> str:
    return f"Posting the {event.kind} message"


@headline.register
def _(event: messages.MessageFailed) -> str:
    if event.unsure:
        return f"The {event.kind} message may have been posted, or not"
    return f"The {event.kind} message was not posted" + (" yet" if event.retry_at else "")


@detail.register
def _(event: messages.MessageFailed) -> str | None:
    again = f"tried again at {utc(event.retry_at)}" if event.retry_at else None
    return " · ".join(part for part in (event.reason, again) if part) or None


@headline.register
def _(event: messages.EtaMissed) -> str:
    return "The promised time passed"


@detail.register
def _(event: messages.EtaMissed) -> str | None:
    return f"promised {spoken((event.occurred_at - event.promised_at).total_seconds())} before; no fix, and no newer promise, by then"


# ── corrections, as `--order recorded` and `history` show them ───────────────


@headline.register
def _(event: corrections.EventAmended) -> str:
    # How exactly a new time was typed comes with it and says nothing by itself.
    shown = {k: v for k, v in event.changes.items() if k not in ("precision_seconds", "utc_offset_minutes")}
    what = ", ".join(f"{name} = {_value(value)}" for name, value in sorted((shown or event.changes).items()))
    return f"Amended {event.target[-7:]}: {what}"


def _value(value: object) -> str:
    return utc(value) if isinstance(value, datetime) else short(str(value), 60)


@headline.register
def _(event: corrections.EventRetracted) -> str:
    return f"Retracted {event.target[-7:]}"


@headline.register
def _(event: corrections.EventLinked) -> str:
    return f"Linked {event.target[-7:]}" + (f" as {event.role}" if event.role else "")


@headline.register
def _(event: corrections.EventUnlinked) -> str:
    return f"Unlinked {event.target[-7:]}"


@detail.register
def _(event: corrections.Correction) -> str | None:
    return event.why or None


# ── samples ──────────────────────────────────────────────────────────────────


@headline.register
def _(event: samples.MetricSampled) -> str:
    return f"{event.count} samples of {event.metric} until {utc(event.last_at)}"


@headline.register
def _(event: samples.SourceCollected) -> str:
    return f"{event.what} collected until {utc(event.until)}: {event.found} found"


# ── silences ─────────────────────────────────────────────────────────────────


@headline.register
def _(event: silence.SourceSilent) -> str:
    return f"{_heard(event)} silent"


@detail.register
def _(event: silence.SourceSilent) -> str | None:
    since = None if event.heard_before else "not heard since the tracker began to listen"
    return " · ".join(part for part in (since, short(event.reason, 160)) if part) or None


@headline.register
def _(event: silence.SourceReturned) -> str:
    return f"{_heard(event)} heard again"


@detail.register
def _(event: silence.SourceReturned) -> str | None:
    return f"after {spoken((event.occurred_at - event.silent_since).total_seconds())}"


def _heard(event: silence.SourceSilent | silence.SourceReturned) -> str:
    return f"{event.what} from {short(event.source, 60)}" if event.what else short(event.source, 60)


def silent_span(found: Silence) -> str:
    """Say of a silence which source it was, from when to when, and why."""
    watched = found.watched
    of = f" of {watched.service}" if watched.service else ""
    name = f"{watched.what}{of} from {watched.source}" if watched.what else f"{watched.source}{of}"
    why = f": {short(found.reason, 160)}" if found.reason else ""
    return f"{short(name, 120)} silent {span_in_words(found)}{why}"


# ── verdicts ─────────────────────────────────────────────────────────────────

_WINDOWS = {"10m": "10 minutes", "1h": "1 hour", "1d": "1 day"}


@headline.register
def _(event: verdicts.VerdictsGiven) -> str:
    healthy = [each for each in event.verdicts if each.baseline == "healthy"]
    groups: dict[str, list[str]] = {}
    for each in healthy or event.verdicts:
        groups.setdefault(each.verdict.replace("_", " "), []).append(each.metric)
    told = "; ".join(f"{', '.join(metrics)} {said}" for said, metrics in groups.items())
    return f"{_WINDOWS.get(event.window, event.window)} after {event.version}: {told}"


@detail.register
def _(event: verdicts.VerdictsGiven) -> str | None:
    return "provisional" if event.window == "10m" else None


@headline.register
def _(event: verdicts.CheckMade) -> str:
    return f"Checked {spoken(event.due_seconds)} after the change"


@detail.register
def _(event: verdicts.CheckMade) -> str | None:
    parts = [
        f"{said}: {', '.join(metrics)}"
        for said, metrics in (
            ("normal", event.normal),
            ("not normal", event.not_normal),
            ("no data", event.unknown),
        )
        if metrics
    ]
    return " · ".join(parts) or None
