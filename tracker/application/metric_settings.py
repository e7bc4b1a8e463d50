"""The settings of a service's metrics, as the log has them."""

from typing import Any

from projections.samples import Series
from tracker.application.session import Session
from tracker.events.base import Recorded
from tracker.events.housekeeping import SettingsChanged
from tracker.settings.validation import problem_of_recorded


def of_query(series: "list[Series]", query: str | None) -> "list[Series]":
    """Keep the series of the query that the settings name; of an older one only where it has none."""
    mine = [each for each in series if each.query == query]
    return mine or series


def configured_metrics(
    session: Session, service: str, up_to: int | None, incident: str | None = None
) -> "tuple[dict[str, Any], list[Recorded]]":
    """Return a service's settings as the log has them for an incident, and the event that says so."""
    last = session.settings_recorded(service, up_to, incident)
    if last is None or not isinstance(last.event, SettingsChanged):
        return {}, []
    if problem_of_recorded(service, last.event.settings) is not None:
        return {}, []
    return dict(last.event.settings), [last]
