"""Which change was the fix: the one rule, on which durations, the procedure and messages stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from projections.changes import ChangeRow
from projections.outages import Point, outages
from tracker.incident import Incident, Link

PRODUCTION = "production"


@dataclass(frozen=True)
class Fix:
    """The change that ended it: linked as fixed by a person, else the last one before all was back.

    `link` is the person's word for it. `so_far` says that it is only the last one up to now.
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
        """The events that tell of it."""
        said = (self.link.event,) if self.link else ()
        return (*self.row.evidence, *said)

    @property
    def name(self) -> str:
        """How a sentence names it, and why it counts as the fix."""
        back = self.row.kind == "rollback"
        what = f"The rollback to {self.row.version}" if back else self.row.version
        if self.link is not None:
            return what
        last = "the last change" if back else "the last deploy"
        return f"{what}, {last} so far," if self.so_far else f"{what}, {last} before all was back,"


def the_fix(incident: Incident, rows: Iterable[ChangeRow], detected: datetime) -> Fix | None:
    """Return what fixed it: the first change linked as that, else the last one from detection to recovery.

    While it burns nothing has fixed it yet, unless somebody says so. The recovery is as judged, else as
    people said, else the end.
    """
    rows = list(rows)
    linked = linked_fix(incident, rows)
    if linked is not None:
        return linked
    over = _over(incident)
    if over is None:
        return None
    done = [row for row in considered(incident, rows) if row.finished_at]
    within = [row for row in done if row.finished_at and detected <= row.finished_at <= over.latest]
    return Fix(within[-1]) if within else None


def last_so_far(incident: Incident, rows: Iterable[ChangeRow], detected: datetime) -> ChangeRow | None:
    """Return the last change that went out since the detection, whatever became of it."""
    later = [each for each in considered(incident, rows) if each.finished_at and each.finished_at >= detected]
    return later[-1] if later else None


def linked_fix(incident: Incident, rows: Iterable[ChangeRow]) -> Fix | None:
    """Return the first change that went out and that people say fixed it."""
    for row in considered(incident, rows):
        link = fixed_link(incident, row)
        if link is not None and row.finished_at is not None:
            return Fix(row, link)
    return None


def is_over(incident: Incident) -> bool:
    """Whether all is back, or it is held to be over."""
    return _over(incident) is not None


def _over(incident: Incident) -> Point | None:
    last = outages(incident)[-1]
    return last.recovered or last.resolved


def considered(incident: Incident, rows: Iterable[ChangeRow]) -> list[ChangeRow]:
    """Return the deploys and rollbacks that may have been meant to end it, in their order.

    What people took out of the incident, dismissed, suspect or named its cause is none; neither is what went
    somewhere else than to production, where anything of its service did. What they linked as fixed is
    one of any service, and wherever it went.
    """
    found = []
    for row in rows:
        said = [incident.links[each] for each in row.evidence if each in incident.links]
        out = any(not link.linked or link.role in ("caused", "suspect", "dismissed") for link in said)
        mine = row.service in incident.services or fixed_link(incident, row) is not None
        if row.kind != "merge" and mine and not out:
            found.append(row)
    live = in_production(found)
    return [row for row in found if row in live or fixed_link(incident, row) is not None]


def in_production(rows: Sequence[ChangeRow]) -> list[ChangeRow]:
    """Keep what went to production, and all of a service of which nothing is known to have gone there."""
    live = {row.service for row in rows if place_of(row) == PRODUCTION}
    return [row for row in rows if row.service not in live or place_of(row) == PRODUCTION]


def fixed_link(incident: Incident, row: ChangeRow) -> Link | None:
    """Return the word of a person that this change fixed it; None if nobody says so."""
    said = [incident.links[each] for each in row.evidence if each in incident.links]
    return next((link for link in said if link.linked and link.role == "fixed"), None)


def place_of(row: ChangeRow) -> str:
    """Say where a change went; tools call production by several names: prod, Production, prod-eu."""
    environment = (row.environment or "").lower()
    return PRODUCTION if environment.startswith("prod") else environment
