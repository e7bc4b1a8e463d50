"""From when to when each incident lasted, and when we knew of it; merged incidents count as one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tracker.incident import Incident, Status


@dataclass(frozen=True)
class MergedIncident:
    """One incident together with those that were merged into it."""

    id: str
    services: tuple[str, ...]
    started_at: datetime | None
    begins_at: datetime
    ends_at: datetime | None
    knew_at: datetime
    knew_from: str
    is_open: bool
    is_false_alarm: bool


def merged_incidents(incidents: Iterable[Incident]) -> list[MergedIncident]:
    """Return incidents, each with those that were merged into it, in the order of their start.

    We knew when the first of them was detected, or declared where no detection was recorded.
    """
    held = {each.id: each for each in incidents}
    groups: dict[str, list[Incident]] = {}
    for each in held.values():
        root, seen = each, {each.id}
        while root.merged_into in held and root.merged_into not in seen:
            root = held[root.merged_into]
            seen.add(root.id)
        groups.setdefault(root.id, []).append(each)
    told = [_told(held[name], group) for name, group in groups.items()]
    return sorted(told, key=lambda each: (each.begins_at, each.id))


def _told(root: Incident, group: list[Incident]) -> MergedIncident:
    knew = []
    for each in group:
        detected = each.milestones.get("detected")
        if detected is not None:
            knew.append((detected.at, "detected"))
        elif each.declared_at is not None:
            knew.append((each.declared_at, "declared"))
    is_open = root.status is Status.OPEN
    ended = root.milestones.get("ended")
    ends = [at for at in (root.ends_at, (ended.until or ended.at) if ended else None) if at is not None]
    return MergedIncident(
        id=root.id,
        services=tuple(dict.fromkeys(name for each in (root, *group) for name in each.services)),
        started_at=min((each.started_at for each in group if each.started_at), default=None),
        begins_at=min(each.begins_at for each in group),
        ends_at=None if is_open else max(ends),
        knew_at=min(knew)[0],
        knew_from=min(knew)[1],
        is_open=is_open,
        is_false_alarm=root.resolution == "false-alarm",
    )
