"""Which alerts open an incident by themselves: a written rule, once for each occurrence.

An occurrence is one alert (its fingerprint) from one start on. The rule, in order:

1. It is *covered* where an incident of its service was open at any time since it began.
2. It is *too old* where it is over, or nobody told of it within the hour, and it began more than an hour ago.
3. It *reopens* the service's incident that was resolved less than 15 minutes before it began:
   a flapping alert is one incident, not ten. Of a false alarm the same alert is covered that long.
4. Else it *declares* an incident.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import Event, Incoming
from tracker.events.incidents import SEVERITIES
from tracker.incident import Incident, Status
from tracker.times import to_ms

FRESH = timedelta(hours=1)
REOPEN_WITHIN = timedelta(minutes=15)

Verdict = Literal["covered", "too_old", "reopen", "declare"]


@dataclass(frozen=True)
class Occurrence:
    """One alert from one start on, as far as it is told; `told_at` is when somebody last said that it fires."""

    service: str
    alert: AlertFired
    ended_at: datetime | None
    told_at: datetime


@dataclass(frozen=True)
class Ruling:
    """What the rule says of one occurrence; `incident` is the one that covers it or is reopened."""

    occurrence: Occurrence
    verdict: Verdict
    incident: str | None = None


def occurrences(
    facts: Iterable[Incoming], wanted: Mapping[str, str], ends: Iterable[Event], now: datetime
) -> list[Occurrence]:
    """Gather the alerts whose severity opens an incident of their service, oldest first.

    `wanted` has for each service the severity label that does; `ends` are ends told elsewhere.
    """
    fired: dict[tuple[str, int], tuple[AlertFired, datetime]] = {}
    ended: dict[tuple[str, int], datetime] = {}
    held = list(facts)
    for event in [*(each.event for each in held), *ends]:
        if isinstance(event, AlertResolved):
            ended[event.fingerprint, to_ms(event.started_at)] = event.occurred_at
    for each in held:
        event = each.event
        if isinstance(event, AlertFired) and event.service is not None and _opens(event, wanted):
            key = (event.fingerprint, to_ms(event.occurred_at))
            told_at = each.arrival.received_at or now
            if key not in fired or fired[key][1] < told_at:
                fired[key] = (event, told_at)
    found = [
        Occurrence(alert.service or "", alert, ended.get(key), told_at)
        for key, (alert, told_at) in fired.items()
    ]
    return sorted(found, key=lambda each: (each.alert.occurred_at, each.alert.fingerprint))


def _opens(alert: AlertFired, wanted: Mapping[str, str]) -> bool:
    return alert.severity is not None and wanted.get(alert.service or "") == alert.severity


def rule(occurrence: Occurrence, incidents: Sequence[Incident], now: datetime) -> Ruling:
    """Say what becomes of one occurrence, given every incident that there is."""
    began = occurrence.alert.occurred_at
    mine = [
        each
        for each in incidents
        if occurrence.service in each.services and each.status is not Status.MERGED and each.begins_at <= now
    ]
    for each in mine:
        if each.ends_at is None or each.ends_at >= began:
            return Ruling(occurrence, "covered", each.id)
    told = occurrence.ended_at is None and now - occurrence.told_at <= FRESH
    if now - began > FRESH and not told:
        return Ruling(occurrence, "too_old")
    recent = [each for each in mine if each.ends_at is not None and began - each.ends_at <= REOPEN_WITHIN]
    if recent:
        last = max(recent, key=lambda each: each.ends_at or began)
        if last.resolution != "false-alarm":
            return Ruling(occurrence, "reopen", last.id)
        if last.title == title_of(occurrence.alert):
            return Ruling(occurrence, "covered", last.id)
    return Ruling(occurrence, "declare")


def title_of(alert: AlertFired) -> str:
    """Say what is broken, in the alert's own words."""
    said = alert.annotations.get("summary") or alert.annotations.get("description") or f"{alert.name} fires"
    return " ".join(said.split())[:200]


def severity_of(alert: AlertFired) -> str:
    """Return the incident's severity: the label's where it is one of ours, else major."""
    return alert.severity if alert.severity in SEVERITIES else "major"
