"""Show what happened, in order; each row begins with the event's handle.

Marks: ~ recorded more than a minute late, * amended, < a decision that came in a bundle from another log.
"""

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from projections.incident_windows import Part
from projections.timeline import entries, timeline
from reports.wording.timeline import detail, title
from tracker.application.clock_dates import told_afterwards
from tracker.application.dossier import dossier
from tracker.application.session import Session
from tracker.cli.common import add_display_zone, add_incident, add_reading, write_json
from tracker.errors import UsageError
from tracker.events.base import Window
from tracker.events.corrections import effective
from tracker.events.silence import SILENCES, SourceReturned, SourceSilent
from tracker.incident import Incident
from tracker.text.shell import word
from tracker.text.shortening import short
from tracker.text.terminal import printable, table
from tracker.times import spoken, utc

_PUSHED = ("alert-fired", "alert-resolved", "error-seen", "issue-changed")
"""Kinds that sources push the instant they happen: that one was found by asking is worth a word."""

EXAMPLE = (
    "example:  tracker timeline INC-42        tracker timeline --service checkout --from 13:00Z --to 15:00Z"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser, optional=True)
    parser.add_argument("--service", metavar="S", nargs="+", action="extend", help="only these services")
    parser.add_argument("--from", dest="start", metavar="T", help="required without INC")
    parser.add_argument("--to", dest="end", metavar="T", help="required without INC")
    parser.add_argument(
        "--order",
        choices=("occurred", "recorded"),
        default="occurred",
        help="sort by when it happened (default) or by when it was recorded",
    )
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    for service in arguments.service or ():
        session.asked_service(service)
    name: str | None
    if arguments.incident:
        name, rows = _of_incident(arguments, session, up_to)
    else:
        name, rows = _of_services(arguments, session, up_to)
    if arguments.json:
        known = session.log.recorded_at(up_to) if up_to else _last(rows)
        write_json({"incident": name, "known_at": known, "entries": [described(row) for row in rows]})
        return 0
    if arguments.order == "occurred":
        rows = [row for row in rows if not row.is_verdict]
    print(rendered(rows, session.shown_zone, arguments.order) if rows else _empty(arguments), end="")
    return 0


def _of_incident(arguments: argparse.Namespace, session: Session, up_to: int | None) -> tuple[str, list[Any]]:
    incident = session.incident(arguments.incident, up_to)
    start, end = span_asked(arguments, session, incident)
    known = dossier(session, incident, up_to, parts=Part.STORY)
    rows = timeline(known, start=start, end=end, order=arguments.order)
    if arguments.service:
        rows = [row for row in rows if row.service in (None, *arguments.service)]
    return incident.id, rows


def span_asked(
    arguments: argparse.Namespace, session: Session, incident: "Incident"
) -> tuple[datetime | None, datetime | None]:
    """Return --from and --to; a clock time of an incident that is over lies around it, not today."""
    begins, ends = incident.begins_at, incident.ends_at
    if ends is None and told_afterwards(incident):
        ends = begins
    before = after = None
    if ends is not None and ends - begins < timedelta(hours=12):
        before = begins - timedelta(hours=12), begins + timedelta(hours=12)
        after = begins, begins + timedelta(days=1)
    start = end = None
    if arguments.start:
        start = session.instant(arguments.start, incident, option="--from", around=before).at
    if arguments.end:
        end = session.instant(arguments.end, incident, option="--to", allow_future=True, around=after).at
    return start, end


def _of_services(
    arguments: argparse.Namespace, session: Session, up_to: int | None
) -> tuple[None, list[Any]]:
    if not arguments.start or not arguments.end:
        raise UsageError(
            "timeline: name an incident, or give --from and --to",
            hint="tracker timeline INC-42   or   tracker timeline --service checkout --from 13:00Z --to 15:00Z",
        )
    start = session.instant(arguments.start, option="--from").at
    end = session.instant(arguments.end, option="--to", allow_future=True).at
    if end <= start:
        raise UsageError(f"--to ({utc(end)}) is not after --from ({utc(start)})", hint="Swap the two")
    names = arguments.service or [scope.partition(":")[2] for scope in session.log.scope_names("service:")]
    # What a source with a fast clock reported is found by its own instant, and shown when it was recorded.
    last = end + timedelta(days=1)
    places = [*(Window(f"service:{name}", start, last) for name in names), Window(SILENCES, None, end)]
    facts = [
        each
        for each in session.log.select(places, up_to)
        if not isinstance(each.event, SourceSilent | SourceReturned) or each.event.service in (None, *names)
    ]
    return None, entries(effective(facts).values(), start=start, end=end, order=arguments.order)


def _last(rows: list[Any]) -> Any:
    return max((row.recorded_at for row in rows), default=None)


def _empty(arguments: argparse.Namespace) -> str:
    what = arguments.incident or "that span"
    if arguments.service:
        what = f"{' and '.join(arguments.service)} in {what}"
    return f"Nothing is recorded for {what}.\nFetch the sources: tracker collect {word(arguments.incident or 'INC')}\n"


def described(row: Any) -> dict[str, Any]:
    """Return one row as JSON keys."""
    return {
        "event": row.event,
        "kind": row.kind,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "service": row.service,
        "source": row.source,
        "by": row.by,
        "title": title(row),
        "detail": detail(row),
        "evidence": row.evidence,
        "amended": row.amended,
        "late_seconds": row.late_seconds,
        "clock_off_seconds": row.clock_off_seconds,
        "recorded_by": row.via or None,
        "from_log": row.from_log,
        "redacted": row.redacted and {"by": row.redacted.by, "at": row.redacted.at, "why": row.redacted.why},
        "attribution": None
        if row.attribution is None
        else {"as": row.attribution.role, "by": row.attribution.by, "why": row.attribution.why},
    }


def rendered(
    rows: list[Any],
    shown_zone: Any,
    order: str = "occurred",
    beginnings: Mapping[str, str] | None = None,
) -> str:
    """Lay the rows out for a person, with a line where the date changes; `beginnings` go before what rows say."""
    headings: dict[int, str] = {}
    day = None
    cells: list[tuple[str, ...]] = []
    for row in rows:
        by_record = order == "recorded"
        local = (row.recorded_at if by_record else row.occurred_at).astimezone(shown_zone)
        if local.date() != day:
            day = local.date()
            headings[len(cells)] = f"── {day:%Y-%m-%d} {local.tzname()} " + "─" * 20
        whole = row.precision_seconds >= 60 and not by_record
        clock = local.strftime("%H:%M") if whole else local.strftime("%H:%M:%S")
        marks = ("~" if row.late_seconds is not None else "") + ("*" if row.amended else "")
        marks += "<" if row.from_log else ""
        cells.append(
            (
                row.handle,
                clock,
                marks,
                printable(row.by or row.source),
                (beginnings or {}).get(row.event, "") + _said(row),
            )
        )
    lines: list[str] = []
    for number, line in enumerate(table(cells).splitlines()):
        lines += [headings[number], line] if number in headings else [line]
    return "\n".join(lines) + "\n"


def _said(row: Any) -> str:
    parts = [printable(title(row))]
    if row.service:
        parts[0] = f"[{row.service}] {parts[0]}"
    besides = detail(row)
    if besides and row.kind == "note-added" and row.redacted is None and not row.retracted:
        parts.append(f"full text: tracker show {row.handle}")
    elif besides:
        parts.append(printable(short(besides, 200)))
    if row.late_seconds is not None:
        by_poll = "by poll " if row.via == "poll" else ""
        parts.append(f"recorded {by_poll}{spoken(row.late_seconds)} late")
    elif row.via == "poll" and row.kind in _PUSHED:
        parts.append("recorded by poll")
    if row.attribution is not None:
        why = f": {printable(row.attribution.why)}" if row.attribution.why else ""
        parts.append(f"{row.attribution.role.upper()}, says {row.attribution.by}{why}")
    return " · ".join(parts)
