"""The title and the detail of a row of the timeline."""

from projections.timeline_rows import Entry
from reports.wording.headlines import detail as event_detail
from reports.wording.headlines import headline
from reports.wording.silence import period
from reports.wording.text import dotted, listed
from tracker.events.alerts import AlertResolved
from tracker.events.base import Redaction
from tracker.times import spoken, utc

_MOST_VALUES = 5


def title(entry: Entry) -> str:
    """Say in one phrase what happened."""
    return headline(entry.fact)


def detail(entry: Entry) -> str | None:
    """Say what a reader may want to know besides; of a redacted event who removed its text, and why."""
    own = event_detail(entry.fact) if entry.redacted is None else redaction(entry.redacted)
    if entry.alerts > 1 and isinstance(entry.fact, AlertResolved) and entry.redacted is None:
        own = _lasted(entry.alerts, entry.lasted_seconds)
    return dotted(
        entry.silence and period(entry.silence),
        entry.alerts > 1 and f"{entry.alerts} alerts",
        *(f"{name} {listed(values, _MOST_VALUES)}" for name, values in entry.told_apart_by.items()),
        entry.times > 1 and f"{entry.times} times within {spoken(entry.repeated_for_seconds)}",
        len(entry.reported_by) > 1 and f"reported by {', '.join(entry.reported_by)}",
        entry.clock_off_seconds is not None and wrong_clock(entry.clock_off_seconds),
        entry.retracted and "retracted later",
        own,
    )


def _lasted(alerts: int, seconds: tuple[float, ...]) -> str | None:
    """Say how long each of several alerts had fired, from the shortest to the longest."""
    times = list(dict.fromkeys(spoken(each) for each in (seconds[:1] + seconds[-1:])))
    unknown = alerts - len(seconds)
    return dotted(
        bool(times) and f"after {' to '.join(times)}",
        unknown > 0 and f"its source names no start{f' of {unknown}' if times else ''}",
    )


def wrong_clock(seconds: float) -> str:
    """Say by how much the clock of a row's source was off; its instant is corrected."""
    return f"its clock was {spoken(abs(seconds))} {'fast' if seconds > 0 else 'slow'}, corrected"


def redaction(removed: Redaction) -> str:
    """Say who removed an event's text for good, when and why."""
    return f"redacted by {removed.by} on {utc(removed.at)}: {removed.why}"
