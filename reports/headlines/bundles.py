"""What came from another log, in words."""

from reports.headlines.base import detail, headline
from tracker.events import bundles


@headline.register
def _(event: bundles.BundleImported) -> str:
    was = "" if event.was == event.number else f", where it is {event.was}"
    return f"{event.number} imported from log {event.log}{was}"


@detail.register
def _(event: bundles.BundleImported) -> str | None:
    events = "1 event" if event.brought == 1 else f"{event.brought} events"
    return f"{events} new, as of its position {event.position} with head {event.head}; bundle sha256 {event.sha256.hex()}"
