"""Exports of other tools as their APIs answer: PagerDuty, Opsgenie, incident.io, GitHub issues; and tables in CSV.

What a tool calls a field is data here; only what its name says is taken, and every other instant is a line of the
incident's story under the tool's own name for it.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from tracker.errors import BadInputError
from tracker.ingest.documents import documents
from tracker.ingest.history import markdown
from tracker.ingest.history.past import PastIncident, PastLine, Unread
from tracker.ingest.history.stamps import StampError, read_stamp
from tracker.ingest.history.words import label_of, plain
from tracker.ingest.history.zones import in_zone

_HINT = "Export it again as JSON, as the tool's API answers"


@dataclass(frozen=True)
class _Shape:
    """Where a tool keeps what: paths of keys with dots, of which the first that has a value counts.

    `lists` hold the incidents; `milestones` the instants with a meaning; `stories` lists of (instant, words, who).
    """

    lists: tuple[str, ...]
    id: tuple[str, ...]
    title: tuple[str, ...]
    severity: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    milestones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stories: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    actions: tuple[str, ...] = ()


_PAGERDUTY = _Shape(
    lists=("incidents", "incident"),
    id=("html_url", "id", "incident_number"),
    title=("title", "summary", "description"),
    severity=("priority.summary", "priority.name"),
    services=("service.summary", "service.name"),
    milestones={"declared": ("created_at",), "resolved": ("resolved_at",)},
    stories={
        "acknowledgements": ("at", "=Acknowledged", "acknowledger.summary"),
        "assignments": ("at", "=Assigned", "assignee.summary"),
        "log_entries": ("created_at", "summary", "agent.summary"),
        "notes": ("created_at", "content", "user.summary"),
        "status_updates": ("created_at", "message", "sender.summary"),
    },
)
_OPSGENIE = _Shape(
    lists=("data", "incidents"),
    id=("id", "tinyId"),
    title=("message",),
    severity=("priority",),
    services=("impactedServices", "service"),
    lead=("owner",),
    milestones={
        "started": ("impactStartDate", "impactDetails.startDate"),
        "detected": ("impactDetectDate", "impactDetails.detectDate"),
        "declared": ("createdAt",),
        "mitigated": ("impactEndDate", "impactDetails.endDate"),
        "resolved": ("resolvedAt",),
    },
    stories={
        "timelineEntries": ("eventTime", "title.content", "actor.name"),
        "notes": ("createdAt", "note", "owner"),
        "logs": ("createdAt", "log", "owner"),
    },
    notes={"note": ("description",)},
)
_INCIDENT_IO = _Shape(
    lists=("incidents", "incident"),
    id=("permalink", "id", "reference"),
    title=("name",),
    severity=("severity.name",),
    milestones={"declared": ("created_at",)},
    stories={
        "incident_timestamp_values": ("value.value", "incident_timestamp.name", ""),
        "incident_updates": ("created_at", "message", "updater.user.name"),
        "updates": ("created_at", "message", "updater.user.name"),
        "timeline_items": ("occurred_at", "title", "creator.name"),
    },
    notes={"note": ("summary",)},
    actions=("follow_ups", "actions"),
)
_GITHUB = _Shape(
    lists=("items", "issues"),
    id=("html_url", "number"),
    title=("title",),
    milestones={"declared": ("created_at",)},
    stories={"comments": ("created_at", "body", "user.login")},
)
_SHAPES = {"pagerduty": _PAGERDUTY, "opsgenie": _OPSGENIE, "incident-io": _INCIDENT_IO, "github": _GITHUB}
_COLUMNS = {
    "id": ("id", "key", "number", "incident", "incident id", "incident number", "reference"),
    "title": ("title", "name", "summary", "description", "incident title", "message"),
    "severity": ("severity", "sev", "priority"),
    "services": ("service", "services", "service name", "component"),
    "lead": ("lead", "incident lead", "commander", "incident commander", "owner"),
    "root-cause": ("cause", "root cause"),
    "impact": ("impact", "customer impact"),
    "started": ("started", "start", "started at", "start time", "began", "impact start"),
    "detected": ("detected", "detected at", "detection time"),
    "declared": ("declared", "declared at", "created", "created at", "created on", "opened", "opened at", "reported at"),
    "mitigated": ("mitigated", "mitigated at", "repaired", "fixed at", "impact end"),
    "resolved": ("resolved", "resolved at", "resolved on", "ended", "end", "end time", "closed", "closed at"),
}  # fmt: skip
"""What the columns of a table may be called, in small letters."""
_MILESTONE_COLUMNS = ("started", "detected", "declared", "mitigated", "resolved")


def read_export(kind: str, data: bytes, *, file: str, zone: tzinfo, now: datetime) -> list[PastIncident]:
    """Read an export in JSON: an answer of the tool's API, a list, or a document a line.

    Raises:
        BadInputError: If it is no JSON, or holds no incidents.
    """
    shape = _SHAPES[kind]
    found = []
    number = 0
    for document in documents(data, where=file, hint=_HINT):
        for record in _records(document.value, shape):
            number += 1
            if kind == "github" and isinstance(record, dict) and "pull_request" in record:
                continue
            past = _incident(record, shape, number, file, zone, now)
            found.append(_with_issue(past, record, zone, now) if kind == "github" else past)
    if not found:
        raise BadInputError(f"{file}: holds no incident of {kind}", hint=_HINT)
    return found


def _records(value: Any, shape: _Shape) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
        return
    lists = [value[name] for name in shape.lists if isinstance(value, dict) and name in value]
    for held in lists or [value]:
        yield from held if isinstance(held, list) else [held]


def _incident(
    record: Any, shape: _Shape, number: int, file: str, zone: tzinfo, now: datetime
) -> PastIncident:
    past = PastIncident(file, id=f"{file}#{number}")
    if not isinstance(record, dict):
        past.unread.append(Unread(number, str(record)[:200], "it is no incident"))
        return past
    past.id = str(_first(record, shape.id) or past.id)
    past.title = plain(str(_first(record, shape.title) or past.id))
    past.severity = _text(_first(record, shape.severity))
    past.lead = _text(_first(record, shape.lead)) or _lead_of(record)
    services = _first(record, shape.services)
    past.services = tuple(
        map(str, services if isinstance(services, list) else [services] if services else [])
    )
    for label, paths in shape.milestones.items():
        if value := _first(record, paths):
            _add(past, number, str(value), paths[0], label, zone, now)
    for name, (at, words, who) in shape.stories.items():
        for step in record[name] if isinstance(record.get(name), list) else []:
            _add_step(past, number, step, at, words, who, zone, now)
    for kind, paths in shape.notes.items():
        if text := _text(_first(record, paths)):
            past.notes.append((kind, text))
    for name in shape.actions:
        for item in record[name] if isinstance(record.get(name), list) else []:
            if isinstance(item, dict) and (text := _text(_first(item, ("title", "description")))):
                past.actions.append((number, text))
    past.lines.sort(key=lambda line: line.at)
    return past


def _add_step(
    past: PastIncident, number: int, step: Any, at: str, words: str, who: str, zone: tzinfo, now: datetime
) -> None:
    """Add a line of the story: words of the step, or after a `=` words of ours."""
    if not isinstance(step, dict):
        return
    value = _first(step, (at,))
    said = words[1:] if words.startswith("=") else _text(_first(step, (words,))) or ""
    if value is None or not said:
        return
    person = _text(_first(step, (who,))) if who else None
    label = label_of(said) if words.endswith(".name") else None
    _add(past, number, str(value), f"{person}: {said}" if person else said, label, zone, now)


def _add(
    past: PastIncident, number: int, value: str, text: str, label: str | None, zone: tzinfo, now: datetime
) -> None:
    """Add a line at an instant as it was written, or list it as unread."""
    try:
        read = read_stamp(value)
        if read is None or read[1].strip() or not read[0].has_clock:
            raise StampError("it is no time")
        typed = in_zone(read[0].start, read[0].zone or zone)
        if not typed.at.year >= 1970 or typed.at > now:
            raise StampError("it is before 1970 or in the future")
    except StampError as problem:
        past.unread.append(Unread(number, f"{text}: {value}"[:200], str(problem)))
        return
    past.lines.append(PastLine(typed.at, text, number, None, label, typed.utc_offset_minutes))


def _with_issue(past: PastIncident, record: Any, zone: tzinfo, now: datetime) -> PastIncident:
    """Read the words of an issue as a post-mortem; that it was closed is no end of the incident."""
    if not isinstance(record, dict):
        return past
    for label in record["labels"] if isinstance(record.get("labels"), list) else []:
        name = str(label.get("name", "") if isinstance(label, dict) else label)
        head, _, rest = name.replace("/", ":").partition(":")
        if head.strip().lower() in ("service", "component") and rest.strip():
            past.services = (*past.services, rest.strip())
        elif head.strip().lower() in ("severity", "sev", "priority") and rest.strip():
            past.severity = rest.strip()
        elif name.lower().replace("-", "") in (
            "sev0",
            "sev1",
            "sev2",
            "sev3",
            "sev4",
            "p0",
            "p1",
            "p2",
            "p3",
            "p4",
        ):
            past.severity = name
    body = record.get("body")
    if isinstance(body, str) and body.strip():
        told = markdown.read(body.encode(), file=past.file, zone=zone, now=now)
        known = {line.label for line in past.lines if line.label}
        past.lines += [
            replace(line, label=None if line.label in known else line.label) for line in told.lines
        ]
        past.actions += told.actions
        past.notes += told.notes
        past.unread += told.unread
    if closed := record.get("closed_at"):
        _add(past, 0, str(closed), "The issue was closed", None, zone, now)
    past.lines.sort(key=lambda line: line.at)
    return past


def read_csv(data: bytes, *, file: str, zone: tzinfo, now: datetime) -> list[PastIncident]:
    """Read a table with a header and one incident a row.

    Raises:
        BadInputError: If it is no text, or no column is a title or a time.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInputError(f"{file}: not UTF-8 text at byte {wrong.start}", hint=f"file {file!r}") from wrong
    try:
        dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = list(csv.reader(io.StringIO(text, newline=""), dialect))
    header = [name.strip().lower().replace("_", " ") for name in rows[0]] if rows else []
    columns = {
        kind: next((header.index(name) for name in names if name in header), None)
        for kind, names in _COLUMNS.items()
    }
    if columns["title"] is None or all(columns[name] is None for name in _MILESTONE_COLUMNS):
        raise BadInputError(
            f"{file}: its first row names no title and no time",
            hint="Call the columns title, started, detected, resolved, severity, service",
        )
    return [_row(row, number, columns, file, zone, now) for number, row in enumerate(rows[1:], 2) if any(row)]


def _row(
    row: list[str], number: int, columns: Mapping[str, int | None], file: str, zone: tzinfo, now: datetime
) -> PastIncident:
    def cell(kind: str) -> str:
        column = columns[kind]
        return row[column].strip() if column is not None and column < len(row) else ""

    past = PastIncident(file, title=cell("title"), id=f"{file}#{cell('id') or cell('title')}")
    past.severity, past.lead = cell("severity") or None, cell("lead") or None
    past.services = tuple(part.strip() for part in cell("services").split(",") if part.strip())
    past.notes = [(kind, cell(kind)) for kind in ("root-cause", "impact") if cell(kind)]
    for label in _MILESTONE_COLUMNS:
        if value := cell(label):
            _add(past, number, value, label, label, zone, now)
    past.lines.sort(key=lambda line: line.at)
    return past


def _first(record: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    """Return what stands at the first of these paths that leads to a value."""
    for path in paths:
        value: Any = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value not in (None, "", []):
            return value
    return None


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _lead_of(record: Mapping[str, Any]) -> str | None:
    """Return who has the role of the lead, where roles are a list."""
    roles = record.get("incident_role_assignments")
    for role in roles if isinstance(roles, list) else []:
        if isinstance(role, dict) and _first(role, ("role.role_type",)) == "lead":
            return _text(_first(role, ("assignee.name",)))
    return None
