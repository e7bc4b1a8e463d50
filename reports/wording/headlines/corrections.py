"""Corrections, as `--order recorded` and `history` show them, and what came from another log."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from reports.wording.text import counted
from tracker.events import bundles, corrections, housekeeping
from tracker.events.base import handle_of
from tracker.events.incidents import PREVENTION
from tracker.text.shortening import short
from tracker.times import utc


def _amended(event: corrections.EventAmended) -> str:
    # How exactly a new time was typed comes with it and says nothing by itself.
    shown = {k: v for k, v in event.changes.items() if k not in ("precision_seconds", "utc_offset_minutes")}
    what = ", ".join(f"{name} = {_value(value)}" for name, value in sorted((shown or event.changes).items()))
    return f"Amended {handle_of(event.target)}: {what}"


def _value(value: object) -> str:
    return utc(value) if isinstance(value, datetime) else short(str(value), 60)


def _linked(event: corrections.EventLinked) -> str:
    if event.role == PREVENTION:
        return f"Action item {handle_of(event.target)} would have prevented this"
    return f"Linked {handle_of(event.target)}" + (f" as {event.role}" if event.role else "")


HEADLINES: dict[type, str | Callable[[Any], str]] = {
    corrections.EventAmended: _amended,
    corrections.EventRetracted: lambda e: f"Retracted {handle_of(e.target)}",
    corrections.EventLinked: _linked,
    corrections.EventUnlinked: lambda e: (
        f"Unlinked {handle_of(e.target)}" + (f" as {e.role}, which {e.of} had said" if e.role else "")
    ),
    corrections.EventRedacted: lambda e: f"Redacted {handle_of(e.target)}",
    housekeeping.AnnouncingSet: "What serve announces on {e.channel} was set",
    housekeeping.DeliveryDropped: "A delivery of {e.route} ({e.source}) was dropped",
    bundles.BundleImported: lambda e: (
        f"{e.number} imported from log {e.log}" + ("" if e.was == e.number else f", where it is {e.was}")
    ),
}
DETAILS: dict[type, str | Callable[[Any], str | None]] = {
    corrections.Correction: lambda e: e.why or None,
    housekeeping.AnnouncingSet: lambda e: ", ".join(e.announce) or "nothing",
    housekeeping.DeliveryDropped: lambda e: e.why,
    bundles.BundleImported: lambda e: (
        f"{counted(e.brought, 'new event')}, as of its position {e.position} with head {e.head}; "
        f"bundle sha256 {e.sha256.hex()}"
    ),
}
