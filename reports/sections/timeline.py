"""What happened, row by row, with who said it and the handle of its event."""

from projections.silence import silent_span
from projections.timeline import Entry
from reports.context import Context
from reports.markdown import code, command, table, text
from reports.sections.mentions import named, says
from reports.wording.timeline import detail, redaction, title
from tracker.events.base import Event, handle_of
from tracker.events.incidents import FileAttached, NoteAdded
from tracker.events.samples import MetricSampled
from tracker.times import spoken


def lines(context: Context) -> list[str]:
    """Write the section; the zone stands in the heading, a row stands for each new date."""
    if not context.entries:
        return [f"Nothing is recorded yet; {command('collect', context.incident.id)}"]
    rows: list[tuple[str, str, str, str]] = []
    day = None
    for entry in context.entries:
        local = entry.occurred_at.astimezone(context.zone)
        if local.date() != day:
            day = local.date()
            rows.append((f"**{day:%Y-%m-%d}**", f"**{day:%A}**", "", ""))
        clock = context.clock(entry.occurred_at, entry.precision_seconds)
        rows.append((clock, _what(context, entry), text(entry.by or entry.source), code(entry.handle)))
    written = table(("Time", "What happened", "Said by", "Event"), rows)
    if any(entry.late_seconds is not None for entry in context.entries):
        written += ["", "*late*: recorded that long after it happened."]
    if any(entry.amended for entry in context.entries):
        written += ["", "*amended*: set right later; `tracker history EVENT` shows the old value."]
    return written + _not_seen(context) + _attached(context) + _redacted(context)


def _not_seen(context: Context) -> list[str]:
    """Name the sources that were silent: what they would have told may be missing above."""
    if not context.silences:
        return []
    return [
        "",
        "Not seen: what these would have told meanwhile may be missing above.",
        "",
        *(f"- {text(silent_span(each))} ({code(handle_of(each.event))})" for each in context.silences),
    ]


def _attached(context: Context) -> list[str]:
    """Name the files that are kept with the incident, by the hash that says whether a copy is the same."""
    files = [(each, each.fact) for each in context.entries if isinstance(each.fact, FileAttached)]
    if not any(fact.sha256 for _, fact in files):
        return []
    return [
        "",
        "Attached: the bytes are in the log; `tracker show EVENT --raw -o FILE` gives them back.",
        "",
        *(
            f"- {code(entry.handle)} {text(fact.name)}, {fact.size_bytes} bytes, sha256 {code(fact.sha256.hex())}"
            for entry, fact in files
            if fact.sha256
        ),
    ]


def _of(event: Event) -> str:
    return f" of {text(event.metric)}" if isinstance(event, MetricSampled) else ""


def _redacted(context: Context) -> list[str]:
    """Name what was removed for good from what this report stands on."""
    if not context.redacted:
        return []
    return [
        "",
        "Redacted: what these said was removed from the log for good.",
        "",
        *(
            f"- {code(each.handle)} {each.event.TOPIC.replace('-', ' ')}{_of(each.event)}, {text(redaction(each.redacted))}"
            for each in context.redacted
            if each.redacted is not None
        ),
    ]


def _what(context: Context, entry: Entry) -> str:
    besides = detail(entry)
    if isinstance(entry.fact, NoteAdded) and besides and entry.redacted is None:
        # A long note's title is its beginning, and its detail the whole: once is enough.
        kind = title(entry).partition(": ")[0] + ": " if entry.fact.kind != "note" else ""
        row = text(context.named(kind + besides, entry.service))
    else:
        row = named(context, entry) + (f" ({text(besides)})" if besides else "")
    if entry.attribution is not None:
        row += f" — **{entry.attribution.role}**, {says(entry)}"
    marks = []
    if entry.late_seconds is not None:
        marks.append(f"late {spoken(entry.late_seconds)}")
    if entry.amended:
        marks.append("amended")
    return row + (f" *[{', '.join(marks)}]*" if marks else "")
