"""Whom an incident hit, how many of what, and from when to when, in one phrase."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from reports.wording.text import sentence


class Impact(Protocol):
    """What an incident and a note on its impact have in common."""

    @property
    def affected(self) -> tuple[str, ...]: ...
    @property
    def affected_from(self) -> datetime | None: ...
    @property
    def affected_to(self) -> datetime | None: ...


def counts_in_words(impact: Impact, zone: tzinfo = UTC) -> str:
    """Write how many of what, and from when to when; nothing where neither is recorded."""
    start, end = impact.affected_from, impact.affected_to
    if start and end:
        first, last = start.astimezone(zone), end.astimezone(zone)
        until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
        span = f"{first:%Y-%m-%d %H:%M} to {until} {last.tzname()}"
    elif known := start or end:
        known = known.astimezone(zone)
        span = f"{'from' if start else 'until'} {known:%Y-%m-%d %H:%M} {known.tzname()}"
    else:
        span = ""
    return ", ".join([*impact.affected, *([span] if span else [])])


def impact_in_words(
    incident: "Impacted", zone: tzinfo = UTC, shortened: Callable[[str], str] = str
) -> str | None:
    """Write the impact as it was recorded last; None where none is."""
    if not incident.impact:
        return None
    counts = counts_in_words(incident, zone)
    text = shortened(incident.impact)
    return f"{sentence(text)} Affected: {counts}" if counts else text


class Impacted(Impact, Protocol):
    """An incident, as far as its impact goes."""

    @property
    def impact(self) -> str | None: ...
