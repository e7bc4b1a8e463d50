"""The deploys, rollbacks and merges of a span, of all services, and which incidents they may have caused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.changes import Candidate, ChangeRow, candidate, changes
from projections.dossier import Dossier
from projections.incident_windows import CHANGES_AND_REFS
from projections.places import production_of
from projections.verdicts import verdicts
from tracker.application.dossier import dossier
from tracker.application.session import Session
from tracker.application.verdicts import PARTS
from tracker.events.base import Window
from tracker.events.changes import Change
from tracker.events.corrections import EventAmended
from tracker.events.housekeeping import settings_scope
from tracker.incident import Incident, Link

_BEFORE = timedelta(days=1)
_AFTER = timedelta(hours=2)


@dataclass(frozen=True)
class ListedChange:
    """One change, the incidents that it may have caused, and what people said of its part in incidents.

    `of_another` is whether it belongs to another incident than the one that was asked about.
    """

    row: ChangeRow
    candidates: list[Candidate]
    roles: list[tuple[str, Link]]
    of_another: bool = False


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
    known = dossier(session, incident, up_to, parts=PARTS, before_onset=within) if incident else None
    rows = [row for row in _changes(session, start, end, up_to, known) if service in (None, row.service)]
    near = [incident] if incident else [one for one in session.incidents(up_to) if _is_near(one, start, end)]
    # What was merged goes on under another number, and is named there.
    incidents = [one for one in near if one.merged_into is None]
    moved = _moved(known, within) if known else {}
    of_others = {row.event for row in known.changes_of_others} if known else set()
    return [
        ListedChange(
            row,
            [
                suspect
                for one in incidents
                if (
                    suspect := candidate(
                        row,
                        one.id,
                        one.begins_at,
                        within=within,
                        noticed=one.started_at is None,
                        moved=moved.get(row.event),
                    )
                )
            ],
            [
                (one.id, link)
                for one in incidents
                for event in row.evidence
                if (link := one.links.get(event)) is not None and link.linked and link.role
            ],
            row.event in of_others,
        )
        for row in reversed(rows)
    ]


def _changes(
    session: Session, start: datetime, end: datetime, up_to: int | None, known: Dossier | None
) -> list[ChangeRow]:
    """Return the changes of a span; all deploys of the services that had one say what ran before.

    Of an incident's services its dossier says it: there is one answer to what a change was.
    """
    log = session.log
    recorded = log.select([Window("changes", start, end)], up_to)
    own = {*known.incident.services, *(row.service for row in known.changes)} if known else set()
    services = sorted({each.event.service or "" for each in recorded if isinstance(each.event, Change)} - own)
    others = [each for each in recorded if getattr(each.event, "service", None) not in own]
    deploys = [
        Window(f"service:{name}", None, None, (*CHANGES_AND_REFS, EventAmended.TOPIC)) for name in services
    ]
    settings = [Window(settings_scope(name)) for name in services]
    events = {each.id: each for each in [*log.select(deploys, up_to), *others]}
    rows = changes(events.values(), production_of(log.select(settings, up_to)))
    if known is not None:
        rows = sorted([*rows, *known.changes], key=lambda row: row.order)
    return [row for row in rows if start <= row.at < end]


def _moved(known: Dossier, within: timedelta) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, for each change near the onset, the metrics that got worse after it and before the next one.

    What moved already before it was moved by something else. With each metric those are named that confound that.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in verdicts(known, before_onset=within).rows:
        is_first = (row.window, row.baseline) == ("10m", "before_change")
        if is_first and row.verdict in ("regressed", "shifted") and "already_moving" not in row.flags:
            found.setdefault(row.change, {})[row.metric] = row.confounded_by
    return found


def _is_near(incident: Incident, start: datetime, end: datetime) -> bool:
    return bool(start - _BEFORE <= incident.begins_at < end + _AFTER)
