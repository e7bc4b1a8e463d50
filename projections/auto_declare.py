"""Which alerts open an incident by themselves: one rule, applied once to each occurrence.

An occurrence is one alert (its fingerprint) from one start on; a start in Prometheus'
history within five minutes of the alert's end continues it. The rule, in order:

1. It is *covered* where it opened an incident before, whatever became of that one, or where
   an incident of its service was open at any time since it began.
2. It is *too old* where it began more than an hour ago, and is over or was not reported within the hour.
   What was first reported by its end declares and reopens nothing, however short ago it began.
3. It *reopens* the service's incident that was resolved less than 15 minutes before it began:
   a flapping alert is one incident, not ten. Of a false alarm the same alert is covered that long.
4. Else it *declares* an incident.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from projections.alert_spans import JOIN_WITHIN
from tracker.events.alerts import AlertFired, AlertResolved, firings_of_ends
from tracker.events.base import Event, Incoming
from tracker.events.incidents import SEVERITIES, IncidentDeclared, IncidentReopened
from tracker.incident import Incident, Status
from tracker.times import to_ms

FRESH = timedelta(hours=1)
REOPEN_WITHIN = timedelta(minutes=15)

Verdict = Literal["covered", "too_old", "reopen", "declare"]


@dataclass(frozen=True)
class Occurrence:
    """One alert from one start on; `told_at` is when it was last reported as firing.

    `was_firing` is false if each report of it was one of its end.
    """

    service: str
    alert: AlertFired
    began_at: datetime
    ended_at: datetime | None
    told_at: datetime
    was_firing: bool = True

    @property
    def key(self) -> str:
        """Its name, the same from every source and after every repeat and restart."""
        return f"{self.alert.fingerprint}@{to_ms(self.began_at)}"


@dataclass(frozen=True)
class Ruling:
    """The rule's verdict on one occurrence; `incident` is the one that covers it or is reopened."""

    occurrence: Occurrence
    verdict: Verdict
    incident: str | None = None


def occurrences(
    facts: Iterable[Incoming], wanted: Mapping[str, str], ends: Iterable[Event], now: datetime
) -> list[Occurrence]:
    """Return the alerts whose severity opens an incident of their service, oldest first.

    `wanted` has the severity label of each service that does; `ends` are ends from elsewhere.
    """
    held = list(facts)
    ended: dict[str, list[AlertResolved]] = {}
    for event in [*ends, *(each.event for each in held)]:
        if isinstance(event, AlertResolved):
            ended.setdefault(event.fingerprint, []).append(event)
    found: dict[str, Occurrence] = {}
    with_their_end = firings_of_ends(held)
    for each in held:
        event = each.event
        if not isinstance(event, AlertFired) or not _opens(event, wanted):
            continue
        told = Occurrence(
            service=event.service or "",
            alert=event,
            began_at=_began_at(event, ended.get(event.fingerprint, ())),
            ended_at=_ended_at(event, ended.get(event.fingerprint, ())),
            told_at=each.arrival.received_at or now,
            was_firing=id(each) not in with_their_end,
        )
        known = found.get(told.key)
        if known is None or _weight(known) < _weight(told):
            found[told.key] = told
    return sorted(found.values(), key=lambda each: (each.began_at, each.key))


def _opens(alert: AlertFired, wanted: Mapping[str, str]) -> bool:
    return alert.severity is not None and wanted.get(alert.service or "") == alert.severity


def _weight(told: Occurrence) -> tuple[datetime, bool, bool, datetime, int]:
    """Rank reports of one occurrence: the latest piece, of its firing, still firing, reported last, the fuller one."""
    return (
        told.alert.occurred_at,
        told.was_firing,
        told.ended_at is None,
        told.told_at,
        len(told.alert.annotations),
    )


def _ended_at(alert: AlertFired, ends: Iterable[AlertResolved]) -> datetime | None:
    """Return its last end; one that it fired again after is none of it."""
    after = alert.again_after or alert.own_start
    return max(
        (end.occurred_at for end in ends if end.ends(alert.own_start) and end.occurred_at > after),
        default=None,
    )


def _began_at(alert: AlertFired, ends: Iterable[AlertResolved]) -> datetime:
    """Follow an alert back over the gaps that a restart leaves in Prometheus' history, as the timeline does."""
    began = alert.occurred_at
    if not alert.source.startswith("prometheus") or alert.again_after is not None:
        return began
    for each in sorted(ends, key=lambda each: each.started_at, reverse=True):
        if to_ms(each.started_at) < to_ms(began) and began - each.occurred_at <= JOIN_WITHIN:
            began = each.started_at
    return began


def rule(occurrence: Occurrence, incidents: Sequence[Incident], now: datetime) -> Ruling:
    """Apply the rule to one occurrence, given all incidents."""
    # A source whose clock is fast names a start to come.
    began = min(occurrence.began_at, now)
    for each in incidents:
        if occurrence.key in opened_by(each):
            return Ruling(occurrence, "covered", each.merged_into or each.id)
    mine = _of_service(incidents, occurrence.service)
    for each in mine:
        if each.ends_at is None or each.ends_at >= began:
            return Ruling(occurrence, "covered", each.merged_into or each.id)
    told = occurrence.ended_at is None and now - occurrence.told_at <= FRESH
    if not occurrence.was_firing or (now - began > FRESH and not told):
        return Ruling(occurrence, "too_old")
    recent = [
        each
        for each in mine
        if each.ends_at is not None
        and each.status is not Status.MERGED
        and began - each.ends_at <= REOPEN_WITHIN
    ]
    if recent:
        last = max(recent, key=lambda each: each.ends_at or began)
        if last.resolution != "false-alarm":
            return Ruling(occurrence, "reopen", last.id)
        if _is_of(last, occurrence.alert):
            return Ruling(occurrence, "covered", last.id)
    return Ruling(occurrence, "declare")


def opened_by(incident: Incident) -> list[str]:
    """Return the occurrences for which the tracker declared or reopened this incident."""
    events = (step.recorded.event for step in incident.steps)
    return [
        event.occurrence
        for event in events
        if isinstance(event, IncidentDeclared | IncidentReopened)
        and event.occurrence is not None
        and event.incident == incident.id
    ]


def _of_service(incidents: Sequence[Incident], service: str) -> list[Incident]:
    """Return the incidents of a service, with those into which they were merged."""
    by_id = {each.id: each for each in incidents}
    found: dict[str, Incident] = {}
    for each in incidents:
        current: Incident | None = each if service in each.services else None
        while current is not None and current.id not in found:
            found[current.id] = current
            current = by_id.get(current.merged_into) if current.merged_into else None
    return list(found.values())


def _is_of(incident: Incident, alert: AlertFired) -> bool:
    """Whether an incident was about this alert."""
    same = any(key.rpartition("@")[0] == alert.fingerprint for key in opened_by(incident))
    return same or incident.title == title_of(alert)


def title_of(alert: AlertFired) -> str:
    """Return the alert's summary or description, else its name."""
    for name in ("summary", "description"):
        said = " ".join(alert.annotations.get(name, "").split())
        if said:
            return said[:200]
    return " ".join(f"{alert.name} fires".split())[:200]


def severity_of(alert: AlertFired) -> str:
    """Return the alert's severity where it is one of ours, else major."""
    return alert.severity if alert.severity in SEVERITIES else "major"
