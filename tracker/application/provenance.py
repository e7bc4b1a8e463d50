"""Where in which log a report was read, and whether this log has the head that a file names."""

from collections.abc import Sequence
from pathlib import Path

from projections.dossier import Dossier
from projections.imports import carried_by, quoted
from reports.context import Provenance
from tracker.application.session import Session
from tracker.errors import LogNotWholeError
from tracker.events.base import Recorded, Window
from tracker.events.bundles import BundleImported, imported_scope
from tracker.text.shell import command
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


def imported_at(session: Session, incident: str, log: str, head: str) -> int | None:
    """Return where an incident was imported from a log that had this head; None if it was not."""
    if log in ("", session.log.id):
        return None
    for imported in session.log.select([Window(imported_scope(incident))]):
        event = imported.event
        if isinstance(event, BundleImported) and (event.log, event.head) == (log, head):
            return imported.position
    return None


def refuse_unknown_head(
    session: Session, path: Path, incident: str, *, log: str, position: int, head: str, rewrite: str
) -> None:
    """Refuse to write over a file that names a head which this log never had: it may be the only witness.

    `log` is empty where the file does not name one; `rewrite` is the command that wrote the file.

    Raises:
        LogNotWholeError: If neither this log nor one from which the incident was imported has that head.
    """
    if log in ("", session.log.id):
        if position <= session.log.position and session.log.head(position) == head:
            return
        why = "the log was cut off or restored from an earlier copy"
    else:
        if imported_at(session, incident, log, head) is not None:
            return
        why = f"it is of another log, {log}"
    beside = path.with_name(f"{path.stem}.new{path.suffix}")
    raise LogNotWholeError(
        f"{path} names position {position} and head {head[:12]}…, which this log does not have: {why}; nothing was written",
        hint=f"Keep that file: it shows what was recorded then. Write elsewhere: "
        f"{command('tracker', rewrite, incident, '-o', str(beside))}",
    )
