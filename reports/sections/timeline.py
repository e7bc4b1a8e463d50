"""What happened, row by row, with who said it and the handle of its event."""

from datetime import datetime

from projections.timeline import Entry
from reports.context import Context
from reports.markdown import code, command, listed_below, table, text
from reports.sections.mentions import named, says
from reports.wording import silence as silence_words
from reports.wording.timeline import detail, redaction, title
from tracker.events.base import Event, handle_of
from tracker.events.incidents import FileAttached, NoteAdded
from tracker.events.samples import MetricSampled
from tracker.times import spoken


def lines(context: Context) -> list[str]:
    """Write the section; the zone is in the heading, and each new date has a row."""
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
    if since is not None and (entry.late_seconds is None or entry.recorded_at >= since):
        return "live" if entry.late_seconds is None else ""
    return f"late {spoken(entry.late_seconds)}" if entry.late_seconds is not None else ""


def _of_metric(event: Event) -> str:
    return f" of {text(event.metric)}" if isinstance(event, MetricSampled) else ""


def _happened(context: Context, entry: Entry, lateness: str) -> str:
    besides = detail(entry)
    if isinstance(entry.fact, NoteAdded) and besides and entry.redacted is None:
        # A long note's title is its beginning, and its detail the whole: once is enough.
        kind = title(entry).partition(": ")[0] + ": " if entry.fact.kind != "note" else ""
        row = text(context.named(kind + besides, entry.service))
    else:
        row = named(context, entry) + (f" ({text(besides)})" if besides else "")
    if entry.attribution is not None:
        row += f" — **{entry.attribution.role}**, {says(entry)}"
    marks = [*([lateness] if lateness else []), *(["amended"] if entry.amended else [])]
    return row + (f" *[{', '.join(marks)}]*" if marks else "")
