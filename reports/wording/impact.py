"""Whom an incident hit, how many of what, and from when to when, in one phrase."""

from collections.abc import Callable

from tracker.incident import Incident


def impact_in_words(incident: Incident, minute: Callable[..., str]) -> str | None:
    """Write the impact as it was recorded last; None where none is. `minute` writes an instant."""
    return incident.impact
