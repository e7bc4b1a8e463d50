"""Which events an incident's answers stand on: those that are read when the questions are asked.

Whoever adds a question to the report need not say here what it reads. Places of the whole log
("incidents", "changes", "silences") tell of everybody's; of them only what an answer names is taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from projections.attachment import without_other_links
from tracker.application import action_items
from tracker.application.claims import lint_claims
from tracker.application.procedure import due_items
from tracker.application.provenance import imports_of
from tracker.application.report import gathered
from tracker.application.session import Session
from tracker.application.verdicts import compute_verdicts
from tracker.errors import RefusedError
from tracker.events.base import Decision, Recorded, Window
from tracker.events.corrections import Correction
from tracker.events.incidents import IncidentLifecycleEvent, MilestoneSet
from tracker.events.samples import MetricSampled
from tracker.incident import Incident
from tracker.log import Log


class ReadLog:
    """A log that remembers what was read of it."""

    def __init__(self, log: "Log") -> None:
        self._log = log
        self.seen: dict[str, Recorded] = {}
        self.with_bytes: set[int] = set()
        self.places: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def _kept(self, found: "list[Recorded]") -> "list[Recorded]":
        self.seen |= {each.id: each for each in found}
        return found

    def select(
        self,
        windows: "Iterable[Window]",
        up_to: int | None = None,
        ids: Sequence[str] = (),
        *,
        topics: Sequence[str] = (),
    ) -> "list[Recorded]":
        """Select, and remember what was found in places of a service or an incident."""
        asked = list(windows)
        narrow = [each for each in asked if ":" in each.scope]
        if len(narrow) < len(asked):
            self._kept(self._log.select(narrow, up_to, ids, topics=topics))
            return self._log.select(asked, up_to, ids, topics=topics)
        return self._kept(self._log.select(asked, up_to, ids, topics=topics))

    def incident(self, incident: str, up_to: int | None = None) -> "list[Recorded]":
        """Return an incident's decisions, and remember them."""
        return self._kept(self._log.incident(incident, up_to))

    def by_ids(self, ids: Sequence[str], up_to: int | None = None) -> "list[Recorded]":
        """Return these events, and remember them."""
        return self._kept(self._log.by_ids(ids, up_to))

    def with_corrections(self, found: "Iterable[Recorded]", up_to: int | None = None) -> "list[Recorded]":
        """Return events with what was said about them, and remember that."""
        return self._kept(self._log.with_corrections(found, up_to))

    def latest(self, scope: str, up_to: int | None = None) -> "Recorded | None":
        """Return the latest event of a place, and remember it."""
        found = self._log.latest(scope, up_to)
        self._kept([found] if found is not None else [])
        return found

    def payloads(self, positions: Sequence[int]) -> dict[int, bytes]:
        """Return bytes, and remember whose."""
        self.with_bytes.update(positions)
        return self._log.payloads(positions)

    def scope_names(self, prefix: str) -> list[str]:
        """Return places, and remember which there are."""
        found = self._log.scope_names(prefix)
        self.places.update(found)
        return found


def evidence(session: Session, name: str, up_to: int | None) -> "tuple[Incident, list[Recorded]]":
    """Return an incident and all that its answers stand on, as of the last event that its report uses."""
    here = gathered(session, name, up_to).provenance.here
    log = ReadLog(session.log)
    asked = Session(
        replace(session.options, known_at=None, at_seq=here),
        log=cast("Log", log),
    )
    asked.__dict__["settings"] = session.settings
    incident, named, items = _answers(asked, name, here)
    read = log.seen | {each.id: each for each in named}
    read |= {each.id: each for each in _redactions(session, name, read.values(), here)}
    for place in sorted(log.places):
        # That a metric was ever sampled is an answer too: its windows are then without data.
        if place.startswith("samples:") and not any(
            place in each.event.scopes() for each in read.values() if each.position in log.with_bytes
        ):
            last = session.log.latest(place, here)
            if last is not None:
                read[last.id] = last
                log.with_bytes.add(last.position)
    return incident, _kept(session, incident, read, log.with_bytes, here, {each.id for each in items})


def _redactions(session: Session, name: str, found: "Iterable[Recorded]", here: int) -> "list[Recorded]":
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
            hint=f"tracker bundle {name}, or from that position on: --at-seq {last}",
        )
    return redactions


def _answers(asked: Session, name: str, up_to: int) -> "tuple[Incident, list[Recorded], list[Recorded]]":
    """Ask what people ask of an incident; return it, the events that the answers name, and those of action items."""
    incident = asked.incident(name, up_to)
    gathered(asked, name, up_to)
    due_items(asked, incident, up_to)
    lint_claims(asked, incident, up_to)
    items = action_items.relevant(asked, incident, up_to)[1]
    named = [*asked.facts_of(incident, up_to), *compute_verdicts(asked, incident, up_to).used, *items]
    return incident, [*named, *imports_of(asked, name, up_to)], items


def _kept(
    session: Session,
    incident: "Incident",
    read: "dict[str, Recorded]",
    with_bytes: set[int],
    up_to: int,
    items: "set[str]",
) -> "list[Recorded]":
    """Leave out what is other incidents' own: of them only which they are, and when, is told.

    And `items`, the events of those action items of theirs that would have prevented this one.
    """
    whole = {incident.id, *incident.merged_from}
    numbers = {
        number
        for each in read.values()
        if isinstance(number := getattr(each.event, "incident", None), str) and number not in whole
    }
    for number in sorted(numbers):
        read = read | {each.id: each for each in session.log.incident(number, up_to)}
    kept: dict[str, Recorded] = {}
    for each in without_other_links(incident, read.values()):
        event = each.event
        if isinstance(event, MetricSampled) and each.position not in with_bytes:
            continue
        if isinstance(event, Correction):
            if event.target not in kept and event.incident not in whole:
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
