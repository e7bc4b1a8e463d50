"""Which change was the fix: the one rule that durations, the procedure and messages use."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from projections.changes import ChangeRow, in_production
from projections.outages import onset, outages
from projections.points import Point, known_to
from tracker.incident import Incident, Link


@dataclass(frozen=True)
class Fix:
    """The change that ended it: linked as fixed by a person (`link`), else the last one before all was back.

    `so_far` says that it is only the last one up to now.
    """

    row: ChangeRow
    link: Link | None = None
    so_far: bool = False

    @property
    def at(self) -> datetime:
        """When it began to take all traffic."""
        return self.row.finished_at or self.row.at

    @property
    def evidence(self) -> tuple[str, ...]:
        said = (self.link.event,) if self.link else ()
        return (*self.row.evidence, *said)


def the_fix(
    incident: Incident, rows: Iterable[ChangeRow], detected: datetime, back_at: datetime | None = None
) -> Fix | None:
    """Return what fixed it: the first change linked as that, else the last one from detection to recovery.

    An incident that goes on has no fix unless somebody linked one. The recovery is as judged, else as reported, else
    the end. Where it came back at `back_at`, what went out before did not last and is none.
    """
    rows = lasting(rows, back_at)
    over = _over(incident)
    if (linked := linked_fix(incident, rows, detected)) is not None or over is None:
        return linked
    within = [
        row
        for row in considered(incident, rows)
        if row.finished_at and detected <= row.finished_at <= over.latest
    ]
    return Fix(within[-1]) if within else None


def lasting(rows: Iterable[ChangeRow], back_at: datetime | None) -> list[ChangeRow]:
    """Return the changes that went out after an incident came back; all of them where it never did."""
    return [row for row in rows if back_at is None or (row.finished_at or row.at) >= back_at]


def last_so_far(incident: Incident, rows: Iterable[ChangeRow], detected: datetime) -> ChangeRow | None:
    """Return the last change that went out since the detection, whatever became of it."""
    later = [row for row in considered(incident, rows) if row.finished_at and row.finished_at >= detected]
    return later[-1] if later else None


def linked_fix(incident: Incident, rows: Iterable[ChangeRow], detected: datetime | None = None) -> Fix | None:
    """Return the first change that went out and that a person linked as the fix; none that ended before it began."""
    for row in considered(incident, rows):
        link = fixed_link(incident, row)
        if link is not None and row.finished_at is not None and not ended_before(incident, row, detected):
            return Fix(row, link)
    return None


def ended_before(incident: Incident, row: ChangeRow, detected: datetime | None = None) -> bool:
    """Whether a change was over before an incident began, as far as that is known: it cannot have fixed it."""
    if row.finished_at is None:
        return False
    precision = row.fact.precision_seconds if row.fact is not None else 0.0
    ended, began = known_to(row.finished_at, precision, "fix"), began_at(incident, detected)
    return ended.earliest < began and ended.latest <= began


def began_at(incident: Incident, detected: datetime | None = None) -> datetime:
    """Return the earliest instant that is known of an incident: as reported, as judged, or as detected."""
    measured = onset(incident) if incident.started_at is None else None
    known = (incident.begins_at, measured.earliest if measured else None, detected)
    return min(at for at in known if at is not None)


def is_over(incident: Incident) -> bool:
    """Whether all is back, or the incident was resolved."""
    return _over(incident) is not None


def _over(incident: Incident) -> Point | None:
    last = outages(incident)[-1]
    return last.recovered or last.resolved


def considered(incident: Incident, rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    """Return the deploys and rollbacks that may have been meant to end it, in their order.

    A change that people took out of the incident, dismissed, suspect or named its cause is none; neither is one of
    another place than production, where any change of its service went there, whatever was said of it. A change that
    they linked as fixed is one, of any service.
    """
    candidates = []
    for row in rows:
        links = [incident.links[event] for event in row.evidence if event in incident.links]
        is_out = any(not link.linked or link.role in ("caused", "suspect", "dismissed") for link in links)
        is_own = row.service in incident.services or fixed_link(incident, row) is not None
        if row.kind != "merge" and is_own and not is_out:
            candidates.append(row)
    return in_production(candidates)


def fixed_link(incident: Incident, row: ChangeRow) -> Link | None:
    """Return the link by which a person named this change the fix; None if there is none."""
    links = [incident.links[event] for event in row.evidence if event in incident.links]
    return next((link for link in links if link.linked and link.role == "fixed"), None)
