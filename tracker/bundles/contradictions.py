"""Comparing what a bundle says of a log with that log, and with the bundles of it that were imported before."""

from collections.abc import Iterator

from tracker.bundles.history import History, SealedSpan, Span, contradiction, history_of
from tracker.bundles.reading import Bundle, arrival_of
from tracker.errors import LogNotWholeError
from tracker.events.base import Recorded, Window
from tracker.events.bundles import BundleImported, import_scope
from tracker.events.corrections import not_retracted
from tracker.log import Log
from tracker.text.shell import command
from tracker.times import utc


def refuse_contradictions(log: Log, bundle: Bundle) -> None:
    """Compare each log that a bundle has events of with what is known of it here.

    Raises:
        LogNotWholeError: If both cannot be true: one was changed, or goes on from a copy.
    """
    what = f"the bundle of {bundle.manifest.incident}"
    for name, claims in _claims(bundle).items():
        if name == log.id:
            _refuse_other(log, what, claims)
        for marker in _imported_before(log, name):
            event = marker.event
            assert isinstance(event, BundleImported)
            before = history_of(event, log.payloads([marker.position]).get(marker.position, b""))
            position = next((at for claim in claims if (at := contradiction(before, claim))), None)
            if position is not None:
                raise LogNotWholeError(
                    f"{what} contradicts the bundle of {event.was} of the same log ({name}) that {event.decided_by} "
                    f"imported on {utc(event.occurred_at)}: up to position {position} their histories are not the "
                    "same; nothing was imported",
                    hint="One of the two was changed, or goes on from a copy: compare their heads with that log; if the earlier "
                    f"one is the wrong one: {command('import', '--undo', marker.handle)} --why …",
                )


def _refuse_other(log: Log, what: str, claims: list[History]) -> None:
    position = next((at for claim in claims if (at := _unlike(log, claim))), None)
    if position is not None:
        raise LogNotWholeError(
            f"{what} contradicts this log: it says that its events are of this log ({log.id}), whose history up to "
            f"position {position} is another; nothing was imported",
            hint="It was changed, or goes on from a copy, or this log was restored from a backup: "
            "ask its author where it is from, and check this log: tracker verify",
        )


def _unlike(log: Log, claim: History) -> int | None:
    """Return a position at which this log differs from what a bundle says of it."""
    last = log.position
    if claim.head and claim.position <= last and log.head(claim.position) != claim.head:
        return claim.position
    seals = tuple(SealedSpan(seal.after, seal.through, seal.digests_sha256) for seal in log.seals())
    spans = tuple(
        Span(span.after, log.digests(span.after, min(last, span.positions.stop - 1))) for span in claim.spans
    )
    return contradiction(History(last, "", seals if claim.position > last else None, spans), claim)


def _claims(bundle: Bundle) -> dict[str, list[History]]:
    """Return what a bundle says of each log: its own, and those of which its log had imported events."""
    claims = {bundle.manifest.log: [bundle.history]}
    for stored, event in bundle.events:
        if isinstance(event, BundleImported):
            claims.setdefault(event.log, []).append(history_of(event, stored.payload))
        origin = arrival_of(stored).origin
        if origin is not None:
            span = Span(origin.position - 1, bytes.fromhex(origin.digest))
            claims.setdefault(origin.log, []).append(History(origin.position, "", None, (span,)))
    return claims


def _imported_before(log: Log, name: str) -> Iterator[Recorded]:
    """Yield the imports of a log's bundles that were not undone."""
    scopes = log.scope_names(import_scope(name, ""))
    for imported in not_retracted(log.select([Window(scope) for scope in scopes])):
        if isinstance(imported.event, BundleImported) and imported.event.log == name:
            yield imported.recorded
