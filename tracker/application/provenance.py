"""Where in which log a report was read."""

from collections.abc import Sequence

from projections.dossier import Dossier
from projections.imports import carried_by, quoted
from reports.context import Provenance
from tracker.application.session import Session
from tracker.events.base import Recorded
from tracker.events.bundles import BundleImported
from tracker.version import version


def provenance(session: Session, dossier: Dossier, used: Sequence[Recorded]) -> Provenance:
    """Say where these events are: in this log, or all of them in the one from which they came."""
    known = dossier.imports
    last = max([*used, *known], key=lambda each: each.position)
    from_ = quoted(used, known)
    if from_ is not None and isinstance(from_.event, BundleImported):
        event = from_.event
        return Provenance(
            position=event.position,
            last_event=event.last_event,
            last_digest=event.last_digest,
            head=event.head,
            versions=_versions(),
            log=event.log,
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


def _came(known: Sequence[BundleImported]) -> tuple[tuple[str, str, int, str], ...]:
    return tuple((each.log, each.was, each.position, each.head) for each in known)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("tracker", "matplotlib", "numpy")}
