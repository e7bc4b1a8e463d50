"""What happened: the key moments, and, in an appendix, every row with who said it and the handle of its event."""

from datetime import datetime

from projections.timeline_rows import Entry
from reports.context import Context
from reports.markdown import code, command, listed_below, table, text
from reports.sections.mentions import named, says
from reports.wording import silence as silence_words
from reports.wording.headlines.incidents import note_label
from reports.wording.timeline import detail, redaction, title
from tracker.events.alerts import AlertFired
from tracker.events.base import IMPORTED, Event, handle_of
from tracker.events.incidents import FileAttached, MilestoneSet, NoteAdded
from tracker.events.samples import MetricSampled
from tracker.text.shortening import short
from tracker.times import spoken

_LONGEST = 140


def key_moments(context: Context) -> list[str]:
    """Write the rows that carry the story, to the minute; each new date stands at its first."""
    moments = context.key_moments
    if not moments:
        return [f"Nothing is recorded yet; {command('collect', context.incident.id)}"]
    rows: list[tuple[str, str, str, str]] = []
    first = day = moments[0].at.astimezone(context.zone)
    for moment in moments:
        local = moment.at.astimezone(context.zone)
        clock = f"{local:%H:%M}" if local.date() == day.date() else f"{local:%Y-%m-%d %H:%M}"
        day = local
        entry = moment.entry
        if entry is None:
            rows.append((clock, "All metrics were back to normal", "measured", "–"))
        else:
            by = text(entry.by or entry.source)
            rows.append((clock, _in_short(context, entry), by, code(entry.handle)))
    total = sum(not entry.is_verdict for entry in context.entries)
    rest = f"; Appendix A has all {total} rows." if total > len(moments) else "."
    return [
        f"{first:%A} {first:%Y-%m-%d}: the key moments{rest}",
        "",
        *table(("Time", "What happened", "Reported by", "Event"), rows),
    ]


def _in_short(context: Context, entry: Entry) -> str:
    fact = entry.fact
    shown = short(title(entry), _LONGEST)
    if isinstance(fact, AlertFired):
        shown += ": detected" if _is_detection(context, entry) else ""
    if isinstance(fact, MilestoneSet) and fact.milestone == "detected" and context.incident.detected_by:
        shown += (
            f" by {'an' if context.incident.detected_by == 'alert' else 'a'} {context.incident.detected_by}"
        )
    until = getattr(fact, "until", None)
    row = text(context.named(shown, entry.service))
    if until is not None:
        row += f" (at the latest {context.clock(until, entry.precision_seconds)})"
    return row + (f" — **{entry.attribution.role}**" if entry.attribution and entry.attribution.role else "")


def _is_detection(context: Context, entry: Entry) -> bool:
    detected = context.incident.milestones.get("detected")
    return detected is not None and abs((entry.occurred_at - detected.at).total_seconds()) <= 60


def whole(context: Context) -> list[str]:
    """Write every row; each new date has one of its own."""
    if not context.entries:
        return [f"Nothing is recorded yet; {command('collect', context.incident.id)}"]
    rows: list[tuple[str, str, str, str]] = []
    day = None
    entries = [entry for entry in context.entries if not entry.is_verdict]
    after = context.incident.told_after
    since = min((entry.recorded_at for entry in entries if after and entry.recorded_at > after), default=None)
    for entry in entries:
        local = entry.occurred_at.astimezone(context.zone)
        if local.date() != day:
            day = local.date()
            rows.append((f"**{day:%Y-%m-%d}**", f"**{day:%A}**", "", ""))
        clock = context.clock(entry.occurred_at, entry.precision_seconds)
        rows.append(
            (
                clock,
                _happened(context, entry, _lateness(entry, since)),
                text(entry.by or entry.source),
                code(entry.handle),
            )
        )
    written = table(("Time", "What happened", "Reported by", "Event"), rows)
    lateness = [_lateness(entry, since) for entry in entries]
    if since is not None:
        written = [_reconstructed(context, lateness, since), "", *written]
    if any(mark.startswith("late") for mark in lateness):
        written += ["", "*late*: recorded this long after it happened."]
    if any(entry.amended for entry in entries):
        written += ["", "*amended*: corrected later; `tracker history EVENT` shows the old value."]
    silences = [
        f"{text(silence_words.describe(one))} ({code(handle_of(one.event))})" for one in context.silences
    ]
    written += listed_below(
        "Silent sources; what they would have reported in that time may be missing above:", silences
    )
    written += listed_below(
        "Attached files are in the log; `tracker show EVENT --raw -o FILE` writes one:",
        [
            f"{code(entry.handle)} {text(fact.name)}, {fact.size_bytes} bytes, sha256 {code(fact.sha256.hex())}"
            for entry in context.entries
            if isinstance(fact := entry.fact, FileAttached) and fact.sha256
        ],
    )
    return written + listed_below(
        "Redacted; the text of these events was permanently removed from the log:",
        [
            f"{code(one.handle)} {one.event.TOPIC.replace('-', ' ')}{_of_metric(one.event)}, {text(redaction(one.redacted))}"
            for one in context.redacted
            if one.redacted is not None
        ],
    )


def _reconstructed(context: Context, lateness: list[str], since: datetime) -> str:
    """Say once that the story was recorded afterwards."""
    after = spoken((since - context.incident.begins_at).total_seconds())
    rows = "Each row was recorded from then on."
    if any(lateness):
        rows = "Rows without the mark *live* (recorded within a minute) or *late* were recorded from then on."
    return f"Reconstructed afterwards: recording began at {context.moment(since)}, {after} after the incident began. {rows}"


def _lateness(entry: Entry, since: datetime | None) -> str:
    """Mark what was recorded late; in a story that was recorded afterwards, what was not."""
    if entry.via == IMPORTED:
        return ""
    if since is not None and (entry.late_seconds is None or entry.recorded_at >= since):
        return "live" if entry.late_seconds is None else ""
    return f"late {spoken(entry.late_seconds)}" if entry.late_seconds is not None else ""


def _of_metric(event: Event) -> str:
    return f" of {text(event.metric)}" if isinstance(event, MetricSampled) else ""


def _happened(context: Context, entry: Entry, lateness: str) -> str:
    besides = detail(entry)
    if isinstance(entry.fact, NoteAdded) and besides and entry.redacted is None:
        # A long note's title is its beginning, and its detail the whole: once is enough.
        row = text(context.named(note_label(entry.fact) + besides, entry.service))
    else:
        row = named(context, entry) + (f" ({text(besides)})" if besides else "")
    if entry.attribution is not None:
        row += f" — **{entry.attribution.role}**, {says(entry)}"
    marks = [lateness] if lateness else []
    if entry.amended:
        marks.append("amended")
    if entry.from_log not in (None, context.provenance.log):
        marks.append(f"imported from log {entry.from_log}")
    return row + (f" *[{', '.join(marks)}]*" if marks else "")
