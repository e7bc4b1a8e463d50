"""Which log an answer quotes: this one, or the one from which a bundle came."""

from collections.abc import Sequence

from tracker.events.base import Recorded
from tracker.events.bundles import BundleImported


def imports(recorded: Sequence[Recorded]) -> list[Recorded]:
    """Return the imports of bundles, in the order of this log."""
    return sorted(
        (each for each in recorded if isinstance(each.event, BundleImported)), key=lambda each: each.position
    )


def quoted(used: Sequence[Recorded], known: Sequence[Recorded]) -> Recorded | None:
    """Return the first import that brought all used events: its log is quoted.

    None where an event of this log was used, or where the incident has another number here.
    """
    for each in known:
        event = each.event
        if not isinstance(event, BundleImported) or event.was != event.number:
            continue
        logs = {event.log: event.position}
        logs |= {carried.log: carried.position for carried in carried_by(each, known)}
        if all(_came(one, logs) for one in used if not isinstance(one.event, BundleImported)):
            return each
    return None


def carried_by(import_: Recorded, known: Sequence[Recorded]) -> list[BundleImported]:
    """Return the imports that the other log had made itself before."""
    event = import_.event
    assert isinstance(event, BundleImported)
    return [
        each.event
        for each in known
        if isinstance(each.event, BundleImported) and _came(each, {event.log: event.position})
    ]


def _came(recorded: Recorded, logs: dict[str, int]) -> bool:
    origin = recorded.arrival.origin
    return origin is not None and origin.log in logs and origin.position <= logs[origin.log]
