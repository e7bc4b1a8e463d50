"""The rules of the procedure and what is due next, from what the log holds of an incident."""

from collections.abc import Iterable, Mapping

from projections.dossier import Dossier
from projections.durations import Duration
from projections.incident_windows import Part
from projections.procedure.advice import Advice, advice
from projections.procedure.evaluation import procedure
from projections.procedure.rule import ProcedureLimits
from reports.wording.durations import formula
from reports.wording.procedure import todo, what_is_due
from tracker.application.dossier import dossier
from tracker.application.session import Session
from tracker.events.housekeeping import SettingsChanged
from tracker.incident import Incident


def settings_differ(session: Session) -> bool:
    """Whether tracker.toml has another [procedure] than the log: it counts once something is recorded."""
    if session.settings.path is None:
        return False
    last = session.log.latest("settings:")
    logged = (
        last.event.settings.get("procedure") if last and isinstance(last.event, SettingsChanged) else None
    )
    return bool(logged != session.settings.facts()[None]["procedure"])


def due_items(session: Session, incident: Incident, up_to: int | None = None) -> list[Advice]:
    """Return what is due next of an incident that was read with all its decisions."""
    return due_of(session, dossier(session, incident, up_to, parts=Part.WORK), up_to)


def durations_json(measured: "Mapping[str, Duration]") -> dict[str, dict[str, object]]:
    """Return durations as JSON keys."""
    return {
        name: {
            "seconds": duration.seconds,
            "at_least": duration.at_least,
            "at_most": duration.at_most,
            "state": duration.state,
            "from": duration.from_,
            "to": duration.to,
            "formula": formula(duration),
        }
        for name, duration in measured.items()
    }


def due_of(session: Session, known: Dossier, up_to: int | None = None) -> list[Advice]:
    """Return what is due next; nothing is of an incident that came from another log.

    It depends on the verdicts that were recorded, and needs neither samples nor errors: it must come at
    once. What is still to be done follows tracker.toml as it is now; what was done, in `check`, the log.
    """
    if known.incident.imported:
        return []
    limits = None
    if up_to is None and session.settings.path is not None:
        limits = ProcedureLimits.of(session.settings.facts()[None]["procedure"])
    found = procedure(known, limits=limits)
    return advice(found.rules, found.evidence.now)


def due_json(due: Iterable[Advice]) -> list[dict[str, object]]:
    """Return what is due as JSON keys; how long is left a program knows from the instant, and that ticks."""
    return [
        {"rule": item.rule, "what": what_is_due(item), "todo": todo(item.next_step), "due_at": item.due_at}
        for item in due
    ]
