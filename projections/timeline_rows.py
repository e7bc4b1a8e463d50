"""One row of a timeline: a group of events about one thing, the one to show first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from projections.silence import Silence
from tracker.events.base import IMPORTED, Decision, Event, Observation, Recorded, Redaction, handle_of
from tracker.events.corrections import Effective, Order
from tracker.events.verdicts import VerdictsGiven
from tracker.incident import Incident

LATE_SECONDS = 60.0


@dataclass(frozen=True)
class Attribution:
    """The part that a fact has in the incident, by a person's link."""

    role: str | None
    by: str
    why: str
    event: str


@dataclass(frozen=True)
class Entry:
    """One row.

    `evidence` names every event that the row stands on, the first being its own.
    `late_seconds` is how long after it happened it was recorded; None under a minute.
    `clock_off_seconds` is by how much its source's clock was ahead, or (negative) behind, where its instant was
    corrected. `via` is how it came: webhook, poll, file, typed, run or spool; empty where that is not recorded.
    `redacted` says who removed its text for good, if anybody did. `reported_by` are the sources of a change.
    A row of `alerts` alerts of one name has the labels that tell them apart in `told_apart_by`, with their values;
    so has one alert among others of its name; `lasted_seconds` is how long each that ended had fired. An error that came `times` times did so within `repeated_for_seconds`. `silence` is that of the source
    whose silence the row is. A `retracted` event is a row in the order of recording only. `from_log` is the log in
    which a decision was made, or a fact was typed, that came in a bundle.
    """

    event: str
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    service: str | None
    source: str
    by: str | None
    evidence: tuple[str, ...]
    amended: bool
    late_seconds: float | None
    attribution: Attribution | None
    precision_seconds: float
    fact: Event
    position: int
    via: str = ""
    redacted: Redaction | None = None
    reported_by: tuple[str, ...] = ()
    alerts: int = 1
    told_apart_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lasted_seconds: tuple[float, ...] = ()
    times: int = 1
    repeated_for_seconds: float = 0.0
    silence: Silence | None = None
    clock_off_seconds: float | None = None
    retracted: bool = False
    from_log: str | None = None
    order: Order | tuple[()] = ()
    last_position: int = 0
    """Where the last of its witnesses was recorded; `position` is that of the first."""

    @property
    def handle(self) -> str:
        return handle_of(self.event)

    @property
    def is_verdict(self) -> bool:
        """Whether the row is a verdict of the judge: nothing that happened, and shown with the metrics."""
        return isinstance(self.fact, VerdictsGiven)


@dataclass(frozen=True)
class Group:
    """Facts about one thing, the one to show first."""

    shown: Effective
    witnesses: tuple[Effective, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


def entry(group: Group, incident: Incident | None) -> Entry:
    shown = group.shown
    event = shown.event
    kind = type(shown.recorded.event)
    same = [each.recorded for each in group.witnesses if type(each.recorded.event) is kind]
    earliest = min(same, key=attrgetter("position"))
    arrival, recorded_at = earliest.arrival, earliest.recorded_at
    late = (recorded_at - event.occurred_at).total_seconds()
    is_late = late >= LATE_SECONDS and arrival.via != IMPORTED
    return Entry(
        event=shown.id,
        kind=event.TOPIC,
        occurred_at=event.occurred_at,
        recorded_at=recorded_at,
        service=getattr(event, "service", None),
        source=_source(event),
        by=_author(shown),
        amended=any(each.amendments for each in group.witnesses),
        late_seconds=round(late, 3) if is_late else None,
        attribution=_attribution(group, incident),
        precision_seconds=event.precision_seconds,
        fact=event,
        position=earliest.position,
        via=arrival.via,
        redacted=shown.recorded.redacted,
        clock_off_seconds=shown.clock_off_seconds,
        from_log=_made_in(shown.recorded),
        order=shown.order,
        **{**_witnessed(group.witnesses), **group.facts},
    )


def _witnessed(witnesses: Sequence[Effective]) -> dict[str, Any]:
    return {
        "evidence": tuple(dict.fromkeys([each.recorded.id for each in witnesses])),
        "last_position": max([each.recorded.position for each in witnesses]),
    }


def _made_in(recorded: Recorded) -> str | None:
    arrival = recorded.arrival
    is_word_of_a_person = isinstance(recorded.event, Decision) or arrival.reported_by is not None
    return arrival.origin.log if arrival.origin and is_word_of_a_person else None


def _source(event: Event) -> str:
    if isinstance(event, Observation):
        return event.source
    return event.decided_by if isinstance(event, Decision) else "tracker"


def _author(shown: Effective) -> str | None:
    if isinstance(shown.event, Decision):
        return shown.event.decided_by
    return shown.recorded.arrival.reported_by


def _attribution(group: Group, incident: Incident | None) -> Attribution | None:
    if incident is None:
        return None
    if not incident.links:
        return None
    links = [incident.links[each.id] for each in group.witnesses if each.id in incident.links]
    said = [link for link in links if link.linked and link.role]
    if not said:
        return None
    last = max(said, key=lambda link: (link.at, link.told))
    return Attribution(last.role, last.by, last.why, last.event)
