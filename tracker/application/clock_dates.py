"""The days in which a clock time without a date may lie."""

from datetime import datetime, timedelta

from tracker.incident import Incident

DAY = timedelta(days=1)


def dates_of(incident: Incident | None) -> tuple[datetime | None, datetime | None]:
    """Return where a clock time may lie: between the incident's start and its end.

    While an incident is recorded afterwards it is still open; its clock times lie in the day
    after its start, not today.
    """
    if incident is None or not incident.exists:
        return None, None
    end = incident.ends_at
    if end is None and told_afterwards(incident):
        end = incident.begins_at + DAY
    return incident.begins_at, end


def told_afterwards(incident: Incident) -> bool:
    """Whether the declaration was recorded more than a day after the incident began."""
    return incident.steps[0].recorded.recorded_at - incident.begins_at > DAY


def near(at: datetime) -> tuple[datetime, datetime]:
    """Return the day in which a start or a detection lies, as seen from the declaration."""
    return at - timedelta(hours=18), at + timedelta(hours=6)
