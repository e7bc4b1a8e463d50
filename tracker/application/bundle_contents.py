"""Which events an incident's answers stand on: those that are read when the questions are asked.

Whoever adds a question to the report need not say here what it reads. Places of the whole log
("incidents", "changes", "silences") tell of everybody's; of them only what an answer names is taken.
"""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, cast

from projections.attachment import without_other_links
from tracker.application import action_items
from tracker.application.claims import claimed
from tracker.application.procedure import advised
from tracker.application.provenance import imports_of
from tracker.application.report import gathered
from tracker.application.session import Workspace
from tracker.application.verdicts import compared
from tracker.errors import RefusedError
from tracker.events.base import Decision, Recorded, Window
from tracker.events.corrections import Correction
from tracker.events.incidents import MilestoneSet, Standing
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
        upto: int | None = None,
        ids: Sequence[str] = (),
        *,
        topics: Sequence[str] = (),
    ) -> "list[Recorded]":
        """Select, and remember what was found in places of a service or an incident."""
        asked = list(windows)
        narrow = [each for each in asked if ":" in each.scope]
        if len(narrow) < len(asked):
            self._kept(self._log.select(narrow, upto, ids, topics=topics))
            return self._log.select(asked, upto, ids, topics=topics)
        return self._kept(self._log.select(asked, upto, ids, topics=topics))

    def incident(self, incident: str, upto: int | None = None) -> "list[Recorded]":
        """Return an incident's decisions, and remember them."""
        return self._kept(self._log.incident(incident, upto))

    def by_ids(self, ids: Sequence[str], upto: int | None = None) -> "list[Recorded]":
        """Return these events, and remember them."""
        return self._kept(self._log.by_ids(ids, upto))

    def with_corrections(self, found: "Iterable[Recorded]", upto: int | None = None) -> "list[Recorded]":
        """Return events with what was said about them, and remember that."""
        return self._kept(self._log.with_corrections(found, upto))

    def latest(self, scope: str, upto: int | None = None) -> "Recorded | None":
        """Return the latest event of a place, and remember it."""
        found = self._log.latest(scope, upto)
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


def evidence(workspace: Workspace, name: str, upto: int | None) -> "tuple[Incident, list[Recorded]]":
    """Return an incident and all that its answers stand on, as of the last event that its report uses."""
    here = gathered(workspace, name, upto).provenance.here
    log = ReadLog(workspace.log)
    asked = Workspace(
        argparse.Namespace(**{**vars(workspace.arguments), "known_at": None, "at_seq": here}),
        log=cast("Log", log),
    )
    asked.__dict__["settings"] = workspace.settings
    incident, named, items = _answers(asked, name, here)
    read = log.seen | {each.id: each for each in named}
    read |= {each.id: each for each in _redactions(workspace, name, read.values(), here)}
    for place in sorted(log.places):
        # That a metric was ever sampled is an answer too: its windows are then without data.
        if place.startswith("samples:") and not any(
            place in each.event.scopes() for each in read.values() if each.position in log.with_bytes
        ):
            last = workspace.log.latest(place, here)
            if last is not None:
                read[last.id] = last
                log.with_bytes.add(last.position)
    return incident, _kept(workspace, incident, read, log.with_bytes, here, {each.id for each in items})


def _redactions(workspace: Workspace, name: str, found: "Iterable[Recorded]", here: int) -> "list[Recorded]":
    """Return what says why the content of some is gone.

    Raises:
        RefusedError: If that was said only later: nothing in the bundle would prove it.
    """
    said = {each.redacted.event: each for each in found if each.redacted is not None}
    redactions = workspace.log.by_ids(sorted(said))
    late = [each for each in redactions if each.position > here]
    if late:
        last = max(each.position for each in late)
        raise RefusedError(
            f"{said[late[0].id].handle}, on which {name} stands, was redacted at position {late[0].position}: "
            f"a bundle as of position {here} could not say why its content is gone",
            hint=f"tracker bundle {name}, or from that position on: --at-seq {last}",
        )
    return redactions


def _answers(asked: Workspace, name: str, upto: int) -> "tuple[Incident, list[Recorded], list[Recorded]]":
    """Ask what people ask of an incident; return it, the events that the answers name, and those of action items."""
    incident = asked.incident(name, upto)
    gathered(asked, name, upto)
    advised(asked, incident, upto)
    claimed(asked, incident, upto)
    items = action_items.relevant(asked, incident, upto)[1]
    named = [*asked.facts_of(incident, upto), *compared(asked, incident, upto).used, *items]
    return incident, [*named, *imports_of(asked, name, upto)], items


def _kept(
    workspace: Workspace,
    incident: "Incident",
    read: "dict[str, Recorded]",
    with_bytes: set[int],
    upto: int,
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
        read = read | {each.id: each for each in workspace.log.incident(number, upto)}
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
            and not isinstance(event, Standing | MilestoneSet)
            and each.id not in items
        ):
            continue
        kept[each.id] = each
    return list(kept.values())
