"""What a change was, and why it may have caused an incident, in words."""

from projections.changes import Candidate
from projections.places import PRODUCTION, place_of
from projections.versions import UNKNOWN
from tracker.times import whole_seconds


def version_name(version: str) -> str:
    """Write a version; of one that nobody named say that. Verdicts after no change are after the incident."""
    return "an unknown version" if version == UNKNOWN else version or "the incident"


def of_service(version: str, service: str) -> str:
    """Name a version with its service, where one is to be named: checkout v1.2.0, an unknown version of checkout."""
    if version == UNKNOWN or not service:
        return version_name(version) + (f" of {service}" if service else "")
    return f"{service} {version}"


def elsewhere(environment: str | None) -> str:
    """Say in which place that is not called production something was done; nothing of production."""
    return "" if place_of(environment) == PRODUCTION else f" in {environment}"


def suspicion(candidate: Candidate) -> str:
    """Say when the change was made, compared with the start of the incident, and what moved then."""
    what, incident, ago = candidate.kind, candidate.incident, _ago(candidate.seconds_before_start)
    began = f"{incident} was noticed" if candidate.noticed else f"{incident} started"
    if candidate.in_progress:
        why = f"the {what} was in progress when {began}, {ago} after it began"
    else:
        why = f"the {what} ended {ago} before {began}"
    if not candidate.moved:
        return why
    others = ", ".join(map(version_name, candidate.confounded_by))
    moved = f", and {', '.join(candidate.moved)} moved within ten minutes of it"
    return f"{why}{moved}{f', confounded by {others}' if others else ''}"


def _ago(seconds: float) -> str:
    return f"{whole_seconds(seconds / 60)} min" if seconds >= 60 else f"{whole_seconds(seconds)} s"
