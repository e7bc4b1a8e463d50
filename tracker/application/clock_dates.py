"""Within which days a clock time lies that was typed without its date."""

from datetime import datetime, timedelta

from tracker.incident import Incident


def dates_of(incident: "Incident | None") -> tuple[datetime | None, datetime | None]:
    """Return where a clock time may lie: between the incident's start and its end.

    An incident that is told of afterwards is open as long as its story is typed: there a
    clock time is of the day after its start, not of today.
    """
    if incident is None or not incident.exists:
        return None, None
    end = incident.ends_at
    if end is None and told_afterwards(incident):
        end = incident.begins_at + timedelta(days=1)
    return incident.begins_at, end


def told_afterwards(incident: "Incident") -> bool:
    """Whether the declaration was recorded more than a day after the incident began."""
    return incident.steps[0].recorded.recorded_at - incident.begins_at > timedelta(days=1)


def near(at: datetime) -> tuple[datetime, datetime]:
    """Return the day in which a start or a detection lies, as seen from the declaration."""
    return at - timedelta(hours=18), at + timedelta(hours=6)
