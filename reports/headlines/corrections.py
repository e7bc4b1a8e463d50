"""Corrections, as `--order recorded` and `history` show them."""

from datetime import datetime

from reports.headlines.base import detail, headline
from tracker.events import corrections
from tracker.events.base import Redaction, handle_of
from tracker.events.incidents import PREVENTION
from tracker.text.shortening import short
from tracker.times import utc


@headline.register
def _(event: corrections.EventAmended) -> str:
    # How exactly a new time was typed comes with it and says nothing by itself.
    shown = {k: v for k, v in event.changes.items() if k not in ("precision_seconds", "utc_offset_minutes")}
    what = ", ".join(f"{name} = {_value(value)}" for name, value in sorted((shown or event.changes).items()))
    return f"Amended {handle_of(event.target)}: {what}"


def _value(value: object) -> str:
    return utc(value) if isinstance(value, datetime) else short(str(value), 60)


@headline.register
def _(event: corrections.EventRetracted) -> str:
    return f"Retracted {handle_of(event.target)}"


@headline.register
def _(event: corrections.EventLinked) -> str:
    if event.role == PREVENTION:
        return f"Action item {handle_of(event.target)} would have prevented this"
    return f"Linked {handle_of(event.target)}" + (f" as {event.role}" if event.role else "")


@headline.register
def _(event: corrections.EventUnlinked) -> str:
    return f"Unlinked {handle_of(event.target)}"


@headline.register
def _(event: corrections.EventRedacted) -> str:
    return f"Redacted {handle_of(event.target)}"


def redacted_words(said: Redaction) -> str:
    """Say who removed an event's text for good, when and why."""
    return f"redacted by {said.by} on {utc(said.at)}: {said.why}"


@detail.register
def _(event: corrections.Correction) -> str | None:
    return event.why or None
