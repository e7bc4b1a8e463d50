"""What the rule of `projections.auto_declare` says of alerts that were told; nothing is recorded here.

`tracker serve` declares by it. Whatever fills in the past, `ingest` and `collect`, only says
what would have been declared.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from projections.alert_spans import JOIN_WITHIN
from projections.auto_declare import Occurrence, Ruling, occurrences, rule, severity_of, title_of
from projections.incidents import ours
from tracker.application.session import Session
from tracker.events.base import Event, Incoming, Window
from tracker.text.shell import command
from tracker.times import utc

_MOST_SAID = 20
_ALERTS = ("alert-fired", "alert-resolved")


def rulings(session: Session, facts: Sequence[Incoming]) -> "list[Ruling]":
    """Say what becomes of each alert among these facts that may open an incident, oldest first."""
    wanted = wanted_severities(session)
    now = session.now
    found = occurrences(facts, wanted, (), now) if wanted else []
    if not found:
        return []
    incidents = ours(session.incident_summaries())
    unsure = {each.key: each for each in found if rule(each, incidents, now).verdict != "covered"}
    if unsure:
        # That it is over, or goes on from before a hole, may stand in the log alone.
        found = occurrences(facts, wanted, _ends(session, list(unsure.values())), now)
    return [rule(each, incidents, now) for each in found]


def wanted_severities(session: Session) -> dict[str, str]:
    """Return for each service that declares by itself the severity label that does."""
    return {name: each.auto_declare for name, each in session.settings.services.items() if each.auto_declare}


def pushed_of_late(session: Session, back: timedelta) -> list[Incoming]:
    """Return the alerts of services that declare by themselves that were pushed of late, as the log has them.

    A server that stopped between recording and declaring finds here what it owes. What it
    polled it polls again, and what a person filled in declares nothing.
    """
    since = session.now - back
    windows = [
        Window(f"service:{name}", since - timedelta(days=1), topics=_ALERTS)
        for name in wanted_severities(session)
    ]
    found = session.log.select(windows) if windows else []
    return [
        Incoming(event=each.event, arrival=each.arrival)
        for each in found
        if each.event.TOPIC in _ALERTS
        and each.arrival.via == "webhook"
        and each.arrival.origin is None
        and each.recorded_at >= since
    ]


def _ends(session: Session, found: "Sequence[Occurrence]") -> list[Event]:
    starts: dict[str, datetime] = {}
    for each in found:
        starts[each.service] = min(starts.get(each.service, each.began_at), each.began_at)
    windows = [
        Window(f"service:{name}", start - JOIN_WITHIN, topics=("alert-resolved",))
        for name, start in starts.items()
    ]
    return [each.event for each in session.log.select(windows)]


def would_have_declared(session: Session, facts: Sequence[Incoming]) -> "list[Occurrence]":
    """Return the alerts among these facts that `tracker serve` would have opened an incident for."""
    return [each.occurrence for each in rulings(session, facts) if each.verdict != "covered"]


def described(found: "Sequence[Occurrence]") -> list[dict[str, Any]]:
    """Return them as JSON keys."""
    return [
        {
            "service": each.service,
            "alert": each.alert.name,
            "fingerprint": each.alert.fingerprint,
            "severity": severity_of(each.alert),
            "title": title_of(each.alert),
            "began_at": each.began_at,
            "ended_at": each.ended_at,
        }
        for each in found
    ]


def skipped_notices(occurrences_found: Sequence[Occurrence]) -> list[str]:
    """Return one line for each alert that `serve` would have declared, and how to declare the last."""
    notices = []
    for occurrence in occurrences_found[:_MOST_SAID]:
        over = f" until {utc(occurrence.ended_at)}" if occurrence.ended_at else ""
        notices.append(
            f"not declared, as back-filling never does: {occurrence.alert.name} of {occurrence.service} "
            f"fired at {utc(occurrence.began_at)}{over}"
        )
    if len(occurrences_found) > _MOST_SAID:
        notices.append(f"… and {len(occurrences_found) - _MOST_SAID} more: --json has all")
    if occurrences_found:
        last = occurrences_found[-1]
        declare = command(
            *("tracker", "declare", title_of(last.alert), "--service", last.service),
            *("--severity", severity_of(last.alert)),
            *("--detected", utc(last.began_at), "--detected-by", "alert"),
        )
        notices.append(f"  To declare one: {declare}")
    return notices
