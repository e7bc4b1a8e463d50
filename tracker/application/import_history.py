"""Importing the history of another tool: its records are read, and what they say is recorded once.

An imported incident is of the past: it is resolved, and every event of it says that it was imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from tracker.application.session import Recording, Session
from tracker.decisions.common import decided
from tracker.errors import BadInputError
from tracker.events import incidents as events
from tracker.events.base import IMPORTED, Arrival, Decision, Incoming
from tracker.incident import Incident, Status, number_of
from tracker.ingest.history import exports, markdown
from tracker.ingest.history.past import PastIncident, PastLine
from tracker.text.shell import word
from tracker.times import Typed

AUTHORS = {
    "markdown": "post-mortem",
    "csv": "the imported table",
    "pagerduty": "PagerDuty",
    "opsgenie": "Opsgenie",
    "incident-io": "incident.io",
    "github": "the GitHub issue",
}
"""Who says what is imported: nobody knows which person did."""
_SEVERITIES = {
    "critical": ("critical", "blocker", "sev0", "sev1", "p0", "p1", "s1", "1"),
    "major": ("major", "high", "sev2", "p2", "s2", "2"),
    "minor": ("minor", "medium", "moderate", "low", "sev3", "sev4", "sev5", "p3", "p4", "p5", "s3", "s4", "3", "4", "5"),
}  # fmt: skip
_MILESTONES = ("started", "detected", "mitigated")
_LARGEST = 20_000_000


@dataclass
class History:
    """What the records of a folder say: incidents, oldest first, and the files that are none, with the reason."""

    incidents: list[PastIncident] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def read_history(path: Path, kind: str, *, zone: tzinfo, now: datetime) -> History:
    """Read a folder of records, or one file; each record is one incident.

    Raises:
        BadInputError: If there is nothing to read.
    """
    history = History()
    for file in _files(path):
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        try:
            if file.stat().st_size > _LARGEST:
                raise BadInputError(f"larger than {_LARGEST // 1_000_000} MB: no record of one incident")
            found = _read(kind, file.read_bytes(), file=name, zone=zone, now=now)
        except (OSError, BadInputError) as wrong:
            why = wrong.message if isinstance(wrong, BadInputError) else str(wrong.strerror)
            history.skipped.append((name, why))
            continue
        if any(past.is_template for past in found):
            history.skipped.append((name, "a template: its only dates are placeholders"))
        else:
            history.incidents += found
    history.incidents.sort(key=lambda past: (min((line.at for line in past.lines), default=now), past.file))
    return history


def _read(kind: str, data: bytes, *, file: str, zone: tzinfo, now: datetime) -> list[PastIncident]:
    if kind == "markdown":
        return [markdown.read(data, file=file, zone=zone, now=now)]
    if kind == "csv":
        return exports.read_csv(data, file=file, zone=zone, now=now)
    return exports.read_export(kind, data, file=file, zone=zone, now=now)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInputError(f"{path}: no such folder", hint="tracker import FOLDER --from markdown")
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise BadInputError(f"{path}: an empty folder", hint=f"ls -la {word(path)}")
    return found


@dataclass(frozen=True)
class Imported:
    """What an import did: the number of each incident by its key, and what was recorded."""

    numbers: dict[str, str]
    recording: Recording


def import_history(
    session: Session, history: History, kind: str, folder: str, services: Sequence[str]
) -> Imported:
    """Record what is read; what the log has of an earlier import of the same records is known already.

    An incident without a single time is left out: nothing says when it was.
    """
    recording, numbers = Recording(), dict[str, str]()
    summaries = session.incident_summaries()
    known = {one.record: one.id for one in summaries if one.record}
    taken = max((number_of(one.id) for one in summaries), default=0)
    for past in history.incidents:
        if not past.lines:
            continue
        record = f"{kind}:{past.id or f'{folder}/{past.file}'}"
        if record in known:
            _record(session, recording, known[record], past, record, services)
        while record not in known:
            taken += 1
            name = f"{session.settings.tracker.prefix}-{taken}"
            before = len(recording.recorded)
            _record(session, recording, name, past, record, services)
            # Where another writer took the number, nothing was recorded, and the next one is tried.
            if len(recording.recorded) > before:
                known[record] = name
        numbers[key_of(past)] = known[record]
    return Imported(numbers, recording)


def key_of(past: PastIncident) -> str:
    """Return what tells the incidents of one import apart."""
    return past.id or past.file


def _record(
    session: Session,
    recording: Recording,
    name: str,
    past: PastIncident,
    record: str,
    services: Sequence[str],
) -> None:
    now = session.now
    by = AUTHORS[record.partition(":")[0]]
    arrival = Arrival(via=IMPORTED, reported_by=session.author)

    def decide(held: Incident) -> list[Incoming]:
        if held.steps and held.record != record:
            return []  # another incident's number, or one whose import was undone
        told = _decisions(name, past, record, by, services)
        if past.resolved is None and held.status is not Status.RESOLVED:
            told.append(_closed(name, past, by, now))
        notes = [step.event for step in held.steps if isinstance(step.event, events.NoteAdded)]
        already = {(note.kind, note.text) for note in notes}
        undated = [*past.notes, *(("prevention", text) for _, text in past.actions)]
        told += [
            decided(events.NoteAdded, name, by, Typed(now, 0.001), kind=kind, text=text)
            for kind, text in undated
            if (kind, text) not in already
        ]
        return [Incoming(event=one, arrival=arrival) for one in told[1 if held.exists else 0 :]]

    session.decide(name, decide, recording)


def _decisions(
    name: str, past: PastIncident, record: str, by: str, services: Sequence[str]
) -> list[Decision]:
    """Return what the record dates, the declaration first."""
    declared = past.milestone("declared") or min(past.lines, key=lambda line: line.at)
    told: list[Decision] = [
        decided(
            events.IncidentDeclared,
            name,
            by,
            _typed(declared),
            title=past.title,
            services=past.services or tuple(services),
            severity=severity_of(past.severity),
            lead=past.lead,
            record=record,
        )
    ]
    used: set[int] = {id(declared)} if declared.label == "declared" else set()
    for milestone in _MILESTONES:
        if line := past.milestone(milestone):
            used.add(id(line))
            told.append(
                decided(
                    events.MilestoneSet,
                    name,
                    by,
                    _typed(line, spread=False),
                    milestone=milestone,
                    until=line.until,
                )
            )
    told += [
        decided(events.NoteAdded, name, by, _typed(line), text=line.text or "(no words)")
        for line in past.lines
        if id(line) not in used and line is not past.resolved
    ]
    if resolved := past.resolved:
        told.append(decided(events.IncidentResolved, name, by, _typed(resolved), resolution=events.UNKNOWN))
    return told


def _closed(name: str, past: PastIncident, by: str, now: datetime) -> events.IncidentResolved:
    """Say that it is over, at a time that its record does not name: after its last line."""
    last = max(past.lines, key=lambda line: line.until or line.at)
    at = last.until or last.at
    open_for = float(round((now - at).total_seconds()))
    return decided(
        events.IncidentResolved,
        name,
        by,
        Typed(at, open_for, last.offset_minutes),
        resolution=events.UNKNOWN,
    )


def _typed(line: PastLine, *, spread: bool = True) -> Typed:
    """Return the clock of an event: of a span its start, as exact as the span is long."""
    long = (line.until - line.at + timedelta(minutes=1)).total_seconds() if line.until and spread else 60.0
    return Typed(line.at, long, line.offset_minutes)


def severity_of(said: str | None) -> str:
    """Return our word for another tool's severity; unknown if it is none that is known."""
    plain = "".join(one for one in (said or "").lower() if one.isalnum()).removeprefix("severity")
    return next((ours for ours, theirs in _SEVERITIES.items() if plain in theirs), events.UNKNOWN)
