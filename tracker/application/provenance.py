"""What a report says of the log that it was read from."""

from collections.abc import Sequence

from projections.imports import carried_by, imports, quoted
from reports.context import Provenance
from tracker.application.session import Session
from tracker.events.base import Recorded, Window
from tracker.events.bundles import BundleImported, imported_scope
from tracker.version import version


def imports_of(session: Session, incident: str, up_to: int | None) -> "list[Recorded]":
    """Return what says with which bundles an incident came."""
    return imports(session.log.select([Window(imported_scope(incident))], up_to))


def provenance(
    session: Session, incident: str, used: "Sequence[Recorded]", up_to: int | None
) -> "Provenance":
    """Say where these events stand: in this log, or all of them in the one from which they came."""
    known = imports_of(session, incident, up_to)
    last = max([*used, *known], key=lambda each: each.position)
    from_ = quoted(used, known)
    if from_ is not None and isinstance(from_.event, BundleImported):
        told = from_.event
        return Provenance(
            position=told.position,
            last_event=told.last_event,
            last_digest=told.last_digest,
            head=told.head,
            versions=_versions(),
            log=told.log,
            came=_came(carried_by(from_, known)),
            here=last.position,
        )
    return Provenance(
        position=last.position,
        last_event=last.id,
        last_digest=last.digest.hex(),
        head=session.log.head(last.position),
        versions=_versions(),
        log=session.log.id or "",
        came=_came([each.event for each in known if isinstance(each.event, BundleImported)]),
        here=last.position,
    )


def _came(known: "Sequence[BundleImported]") -> tuple[tuple[str, str, int, str], ...]:
    return tuple((each.log, each.was, each.position, each.head) for each in known)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("tracker", "matplotlib", "numpy")}
