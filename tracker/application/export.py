"""`tracker export`: the log into a folder of tables, from where the last export stopped.

The order is what makes it exactly once whenever it is stopped: first what a redaction took away, then the answers,
then the samples, and the events last, for their position is the folder's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tracker.application.lake_rows import event_rows, sample_rows
from tracker.application.lake_tables import DERIVED, Changed, derived_tables, frames_of, procedure_table
from tracker.application.lake_trends import occurrences
from tracker.application.progress import SILENT, Progress
from tracker.application.session import Session
from tracker.errors import RefusedError
from tracker.events.base import Recorded
from tracker.events.corrections import EventRedacted
from tracker.events.samples import MetricSampled
from tracker.lake import text_files
from tracker.lake.arrow import arrow_table, samples_table
from tracker.lake.delta import DeltaFolder, require_libraries
from tracker.lake.folder import Mark, locked, prepare, start_again, write_mark
from tracker.lake.table import EVENTS, SAMPLES, Table
from tracker.log import Log

FORMATS = ("delta", "csv", "jsonl")
TABLES = ("events", "samples", "procedure", "occurrences", *DERIVED)
EVENTS_AT_ONCE = 50_000
SAMPLES_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Export:
    """What an export wrote: rows by table, from a position to a position of the log."""

    folder: Path
    format: str
    log: str
    since: int
    position: int
    rows: dict[str, int] = field(default_factory=dict)
    redacted: int = 0


def export(session: Session, folder: Path, form: str = "delta", progress: Progress = SILENT) -> Export:
    """Bring a folder up to the log's end.

    Raises:
        RefusedError: If the folder is another log's, another format's, a newer tracker's, or is ahead of the log.
        StoreError: If the lake is damaged.
        BadInputError: If the disk is full.
    """
    log = session.log
    name = log.id
    if name is None:
        raise RefusedError("the log is empty: there is nothing to export", hint="Try it out: tracker demo")
    if form == "delta":
        require_libraries()
    with locked(folder):
        prepare(folder, name, form)
        write = _delta if form == "delta" else _texts
        return write(session, folder, form, name, progress)


def _texts(session: Session, folder: Path, form: str, name: str, progress: Progress) -> Export:
    """Write every table anew, each in one step."""
    log = session.log
    position = log.position
    write_mark(folder, Mark(name, form, tables=TABLES))
    frames = frames_of(log, session.settings.store)
    rows: dict[str, int] = {}

    def events() -> Iterator[Table]:
        for page in _pages(log, 0, position, ()):
            yield event_rows(page)

    def samples() -> Iterator[Table]:
        for page in _pages(log, 0, position, (MetricSampled.TOPIC,)):
            yield sample_rows(log, page).table()

    with progress.clock("export"):
        answers = (*derived_tables(frames), occurrences(log, frames.known))
        for table in (*answers, procedure_table(frames, frames.known, None, None)):
            rows[table.name] = text_files.write(folder, form, table.name, table.kinds, [table])
        rows["samples"] = text_files.write(folder, form, "samples", SAMPLES, samples())
        rows["events"] = text_files.write(folder, form, "events", EVENTS, events())
    return Export(folder, form, name, 0, position, rows)


def _delta(session: Session, folder: Path, form: str, name: str, progress: Progress) -> Export:
    log = session.log
    lake = DeltaFolder(folder, name)
    write_mark(folder, Mark(name, form, tables=TABLES))
    lake.bring_up_to_date()
    end = log.position
    since, sampled = lake.position("events"), lake.position("samples")
    _refuse_other_history(lake, log, folder, max(since, sampled), end)
    complete = all(lake.has(table) for table in TABLES)
    if since == end and sampled == end and complete:
        return Export(folder, form, name, since, end)
    with progress.clock("export"):
        changed, redacted = _look(log, since, end)
        _redact(lake, log, redacted, sampled)
        frames = frames_of(log, session.settings.store)
        for table in (*derived_tables(frames), occurrences(log, frames.known)):
            lake.replace(table)
        held = lake.rows if since and lake.has("procedure") else None
        lake.replace(procedure_table(frames, frames.known, held, changed))
        lake.remove_unused(for_good=bool(redacted))
    touched: set[tuple[str | None, date]] = set()
    with progress.bar("export") as update:
        for page in _pages(log, sampled, end, (MetricSampled.TOPIC,)):
            samples = sample_rows(log, page)
            touched |= samples.partitions()
            lake.append("samples", SAMPLES, samples_table(samples), page[-1].position)
            update(page[-1].position, 2 * end)
        if lake.position("samples") < end:
            lake.append("samples", SAMPLES, samples_table(sample_rows(log, [])), end)
        for page in _pages(log, since, end, ()):
            lake.append("events", EVENTS, arrow_table(event_rows(page)), page[-1].position)
            update(end + page[-1].position, 2 * end)
    now = log.recorded_at(end)
    assert now is not None
    with progress.clock("compact"):
        lake.compact_days(now.date(), touched)
        lake.compact_events(EVENTS)
        lake.remove_unused()
    return Export(folder, form, name, since, end, dict(lake.written), len(redacted))


def _look(log: Log, since: int, end: int) -> tuple[Changed, list[str]]:
    """Return what was recorded since, and the events that were redacted since."""
    changed = Changed(log.recorded_at(since) or log.now())
    redacted = []
    for page in _pages(log, since, end, ()):
        for one in page:
            changed.add(one)
            if isinstance(one.event, EventRedacted):
                redacted.append(one.event.target)
    return changed, redacted


def _redact(lake: DeltaFolder, log: Log, targets: Sequence[str], sampled: int) -> None:
    """Put what is left of redacted events into the place of what was exported of them.

    It is done before the table moves past the redaction: an export that is stopped here does it again.
    """
    events = log.by_ids(targets)
    if not events:
        return
    positions = [one.position for one in events]
    if (held := lake.position("events")) and any(position <= held for position in positions):
        exported = [one for one in events if one.position <= held]
        rows = arrow_table(event_rows(exported))
        lake.replace_positions("events", EVENTS, [one.position for one in exported], rows)
    chunks = [one for one in events if isinstance(one.event, MetricSampled) and one.position <= sampled]
    if chunks:
        # What an earlier chunk hid of a later one counts now.
        later = [one for one in _same_series(log, chunks) if one.position <= sampled]
        places = [one.position for one in (*chunks, *later)]
        lake.replace_positions("samples", SAMPLES, places, samples_table(sample_rows(log, later)))


def _same_series(log: Log, chunks: Sequence[Recorded]) -> list[Recorded]:
    first = min(one.position for one in chunks)
    subjects = {one.event.subject() for one in chunks}
    topics = (MetricSampled.TOPIC,)
    return [
        one
        for page in _pages(log, first, log.position, topics)
        for one in page
        if one.redacted is None and one.event.subject() in subjects
    ]


def _refuse_other_history(lake: DeltaFolder, log: Log, folder: Path, position: int, end: int) -> None:
    if position > end:
        raise RefusedError(
            f"the lake in {folder} is at position {position}, the log ends at {end}: it was restored from an older copy",
            hint=start_again(folder),
        )
    held = lake.last_digest()
    if held is None:
        return
    at, digest = held
    stored = log.stored([at])
    if not stored or stored[0].digest.hex() != digest:
        raise RefusedError(
            f"the lake in {folder} has another event at position {at} than the log: one of them was restored",
            hint=start_again(folder),
        )


def _pages(log: Log, after: int, up_to: int, topics: Sequence[str]) -> Iterator[list[Recorded]]:
    """Read on in pages of many events, or of fewer that hold many samples."""
    page: list[Recorded] = []
    samples = 0
    while found := log.read(after, 2000, up_to, topics):
        for one in found:
            page.append(one)
            if topics and isinstance(one.event, MetricSampled):
                samples += one.event.count
            if len(page) >= EVENTS_AT_ONCE or samples >= SAMPLES_AT_ONCE:
                yield page
                page, samples = [], 0
        after = found[-1].position
    if page:
        yield page
