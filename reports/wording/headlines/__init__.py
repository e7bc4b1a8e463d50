"""What one event says to a reader, in a line: the only place where events are worded.

Each module has a table of headlines and one of details by class of event. A text is a template with the
event as `e`, or a function of it. A kind of event that is not in a table yet reads as its topic.
"""

from collections.abc import Mapping

from reports.wording.headlines import alerts, changes, corrections, incidents, measurements, messages, reviews
from tracker.events.base import Event

_MODULES = (alerts, changes, corrections, incidents, measurements, messages, reviews)
_HEADLINES = {kind: text for module in _MODULES for kind, text in module.HEADLINES.items()}
_DETAILS = {kind: text for module in _MODULES for kind, text in module.DETAILS.items()}


def headline(event: Event) -> str:
    """Say in one phrase what happened."""
    return _worded(_HEADLINES, event) or event.TOPIC.replace("-", " ").capitalize()


def detail(event: Event) -> str | None:
    """Say what a reader may want to know besides; None if there is nothing."""
    return _worded(_DETAILS, event)


def _worded(table: Mapping[type, object], event: Event) -> str | None:
    text = next((table[kind] for kind in type(event).__mro__ if kind in table), None)
    if isinstance(text, str):
        return text.format(e=event)
    return text(event) if callable(text) else None
