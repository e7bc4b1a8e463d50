"""Which events an incident's answers depend on: those that its bundle holds.

Parts of the log that hold everybody's events ("incidents", "changes", "silences") are read for the answers;
of them only what an answer names is taken.
"""

from collections.abc import Iterable

from projections.actions import relevant
from projections.attachment import linked_ids, without_other_links
from projections.claims.of_incident import needs_samples, peaks
from projections.dossier import Dossier
from projections.incident_windows import own_windows
from tracker.application.dossier import dossier
from tracker.application.report import with_evidence
from tracker.application.session import Session
from tracker.errors import RefusedError
from tracker.events.base import Decision, Recorded, Window
from tracker.events.corrections import Correction
from tracker.events.incidents import IncidentLifecycleEvent, MilestoneSet
from tracker.events.samples import MetricSampled
from tracker.incident import Incident
from tracker.text.shell import word


def evidence(session: Session, incident: Incident, up_to: int | None) -> tuple[Incident, list[Recorded]]:
    """Return an incident and all that its answers depend on, as of the last event that its report uses."""
    context, known, used = with_evidence(session, dossier(session, incident, up_to))
    here, incident = context.provenance.here, known.incident
    found = [
        *known.select(own_windows(incident, known.work_since), linked_ids(incident)),
        *used,
        *(event for error in known.repeats for event in error.events()),
        *known.older_refs,
        *known.imports,
        *(peaks(known)[1] if needs_samples(incident) else ()),
        *_last_samples(session, known, used, here),
    ]
    read = {each.id: each for each in found if each.position <= here}
    read |= {each.id: each for each in _redactions(session, incident.id, read.values(), here)}
    return incident, _kept(session, known, read, here)


def _last_samples(session: Session, known: Dossier, used: Iterable[Recorded], here: int) -> list[Recorded]:
    """Return the last samples of each metric of which none are used.

    That a metric was ever sampled is an answer, too: its windows are then without data.
    """
    places = {
        scope for each in used if isinstance(each.event, MetricSampled) for scope in each.event.scopes()
    }
    missing = [
        place
        for service, names in known.sampled.items()
        for name in names
        if (place := f"samples:{service}/{name}") not in places
    ]
    return [last for place in missing if (last := session.log.latest(place, here)) is not None]


def _redactions(session: Session, name: str, found: Iterable[Recorded], here: int) -> list[Recorded]:
    """Return what says why the content of some is gone.

    Raises:
        RefusedError: If that was said only later: nothing in the bundle would prove it.
    """
    said = {each.redacted.event: each for each in found if each.redacted is not None}
    redactions = session.log.by_ids(sorted(said))
    late = [each for each in redactions if each.position > here]
    if late:
        last = max(each.position for each in late)
        raise RefusedError(
            f"{said[late[0].id].handle}, on which {name} stands, was redacted at position {late[0].position}: "
            f"a bundle as of position {here} could not say why its content is gone",
            hint=f"tracker bundle {word(name)}, or from that position on: --at-seq {last}",
        )
    return redactions


def _kept(session: Session, known: Dossier, read: dict[str, Recorded], here: int) -> list[Recorded]:
    """Leave out what is other incidents' own: of them only which they are, and when they were, is kept.

    And those action items of theirs that would have prevented this one.
    """
    whole = {known.incident.id, *known.incident.merged_from}
    items = {each.id for each in relevant(known)[1]}
    numbers = {
        number
        for each in read.values()
        if isinstance(number := getattr(each.event, "incident", None), str) and number not in whole
    }
    others = session.log.select([Window(f"incident:{number}") for number in sorted(numbers)], here)
    read = read | {each.id: each for each in others}
    kept: dict[str, Recorded] = {}
    taken = {each.id for each in known.taken}
    events = [*without_other_links(known.incident, read.values()), *known.taken]
    for each in sorted(events, key=lambda each: each.position):
        event = each.event
        if isinstance(event, Correction):
            if event.target not in kept and event.incident not in whole and each.id not in taken:
                continue
        elif (
            isinstance(event, Decision)
            and event.incident not in (None, *whole)
            and not isinstance(event, IncidentLifecycleEvent | MilestoneSet)
            and each.id not in items
        ):
            continue
        kept[each.id] = each
    return list(kept.values())
