"""Instants on the page: readable without a script, and with one the clock of them ticks."""

from datetime import datetime, tzinfo

from reports.page.markup import Html, element
from reports.wording.procedure import time_left
from tracker.times import spoken, utc


def moment(at: datetime, zone: tzinfo, precision_seconds: float = 0.001) -> Html:
    """Write an instant with its date."""
    local = at.astimezone(zone)
    shown = f"{local:%Y-%m-%d %H:%M}" if precision_seconds >= 60 else f"{local:%Y-%m-%d %H:%M:%S}"
    return element("time", shown, datetime=utc(at))


def minute(at: datetime, zone: tzinfo) -> Html:
    """Write an instant to the minute, with its date and zone."""
    local = at.astimezone(zone)
    return element("time", f"{local:%Y-%m-%d %H:%M} {local.tzname()}", datetime=utc(at))


def ago(at: datetime, now: datetime) -> Html:
    """Write how long ago an instant was, which ticks."""
    return element("span", spoken(max(0.0, (now - at).total_seconds())), data_since=utc(at))


def left(at: datetime, now: datetime) -> Html:
    """Write how much time is left, or by how much it is over, which ticks."""
    seconds = (at - now).total_seconds()
    return element("span", time_left(seconds), class_="late" if seconds < 0 else "left", data_due=utc(at))
