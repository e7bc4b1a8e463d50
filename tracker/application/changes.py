"""The deploys, rollbacks and merges of a span, of all services, and which incidents they may have caused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import EARLIER_VERSIONS, Candidate, ChangeRow, candidate, changes
from projections.dossier import CHANGES
from projections.verdicts import verdicts
from tracker.application.dossier import dossier
from tracker.application.session import Session
from tracker.application.verdicts import PARTS
from tracker.events.base import Window
from tracker.events.changes import Change
from tracker.events.corrections import EventAmended
from tracker.incident import Incident, Link

_BEFORE = timedelta(days=1)
_AFTER = timedelta(hours=2)


@dataclass(frozen=True)
class ListedChange:
    """One change, the incidents that it may have caused, and what people said of its part in incidents."""

    row: ChangeRow
    candidates: list[Candidate]
    roles: list[tuple[str, Link]]


def list_changes(
    session: Session,
    incident: Incident | None,
    start: datetime,
    end: datetime,
    up_to: int | None,
    *,
    within: timedelta,
    service: str | None = None,
) -> list[ListedChange]:
    """List the changes of a span, newest first, with one incident, or with all that began near it."""
    rows = [row for row in _changes(session, start, end, up_to) if service in (None, row.service)]
    near = [incident] if incident else [one for one in session.incidents(up_to) if _is_near(one, start, end)]
    # What was merged goes on under another number, and is named there.
    incidents = [one for one in near if one.merged_into is None]
    moved = _moved(session, incident, up_to, within) if incident is not None else {}
    return [
        ListedChange(
            row,
            [
                suspect
                for one in incidents
                if (
                    suspect := candidate(
                        row, one.id, one.begins_at, within=within, moved=moved.get(row.event, [])
                    )
                )
            ],
            [
                (one.id, link)
                for one in incidents
                for event in row.evidence
                if (link := one.links.get(event)) is not None and link.linked and link.role
            ],
        )
        for row in reversed(rows)
    ]


def _changes(session: Session, start: datetime, end: datetime, up_to: int | None) -> list[ChangeRow]:
    """Return the changes of a span; what ran before is read of the services that had one."""
    recorded = session.log.select([Window("changes", start, end)], up_to)
    services = {each.event.service or "" for each in recorded if isinstance(each.event, Change)}
    since = start - EARLIER_VERSIONS
    earlier = session.log.select(
        [
            Window(f"service:{name}", since, start, (*CHANGES, EventAmended.TOPIC))
            for name in sorted(services)
        ],
        up_to,
    )
    events = {each.id: each for each in [*earlier, *recorded]}
    return [row for row in changes(events.values()) if start <= row.at < end]


def _moved(
    session: Session, incident: Incident, up_to: int | None, within: timedelta
) -> dict[str, list[str]]:
    """Return, for each change near the onset, the metrics that got worse within ten minutes of it."""
    known = dossier(session, incident, up_to, parts=PARTS, before_onset=within)
    found: dict[str, list[str]] = {}
    for row in verdicts(known, before_onset=within).rows:
        is_first = (row.window, row.baseline) == ("10m", "before_change")
        if is_first and row.verdict in ("regressed", "shifted"):
            found.setdefault(row.change, []).append(row.metric)
    return found


def _is_near(incident: Incident, start: datetime, end: datetime) -> bool:
    return bool(start - _BEFORE <= incident.begins_at < end + _AFTER)
