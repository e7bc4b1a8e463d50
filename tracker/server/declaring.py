"""Declaring what the rule of `projections.auto_declare` says: only `tracker serve` does this."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tracker.cli.workspace import Recording, Workspace
from tracker.events.base import Event, Incoming
from tracker.server.telemetry import Telemetry, tell
from tracker.times import Typed, utc

if TYPE_CHECKING:
    from projections.auto_declare import Occurrence, Ruling
    from tracker.incident import Incident

BY = "tracker"
_LOOK_BACK = timedelta(days=1)


def rulings(workspace: Workspace, facts: Sequence[Incoming]) -> "list[Ruling]":
    """Say what becomes of each alert among these facts that may open an incident; nothing is recorded."""
    from projections.auto_declare import occurrences, rule

    wanted = {
        name: each.auto_declare for name, each in workspace.settings.services.items() if each.auto_declare
    }
    now = workspace.now
    found = occurrences(facts, wanted, (), now)
    if not found:
        return []
    incidents = workspace.standing()
    first = [rule(each, incidents, now) for each in found]
    open_ones = [each.occurrence for each in first if each.verdict != "covered"]
    # Whether it is over may stand in the log alone.
    ends = _ends(workspace, open_ones)
    return [each for each in first if each.verdict == "covered"] + [
        rule(each, incidents, now)
        for each in occurrences(facts, wanted, ends, now)
        if any(same.alert == each.alert for same in open_ones)
    ]


def _ends(workspace: Workspace, found: "Sequence[Occurrence]") -> "list[Event]":
    from tracker.events.alerts import AlertResolved
    from tracker.events.base import Window

    windows: dict[str, datetime] = {}
    for each in found:
        start = min(windows.get(each.service, each.alert.occurred_at), each.alert.occurred_at)
        windows[each.service] = start
    told = workspace.log.select([Window(f"service:{name}", start) for name, start in windows.items()])
    return [each.event for each in told if isinstance(each.event, AlertResolved)]


def told_lately(workspace: Workspace) -> list[Incoming]:
    """Return the alerts of the last day that were pushed, and recorded within the hour.

    What was imported or asked for is not among them: back-filling declares nothing.
    """
    from projections.auto_declare import FRESH
    from tracker.events.alerts import AlertFired
    from tracker.events.base import Window

    services = [name for name, each in workspace.settings.services.items() if each.auto_declare]
    if not services:
        return []
    now = workspace.now
    found = workspace.log.select([Window(f"service:{name}", now - _LOOK_BACK) for name in services])
    return [
        Incoming(event=each.event, arrival=each.arrival)
        for each in found
        if isinstance(each.event, AlertFired)
        and now - each.recorded_at <= FRESH
        and each.arrival.via == "webhook"
    ]


def declare_due(workspace: Workspace, facts: Sequence[Incoming], telemetry: Telemetry) -> list[str]:
    """Declare, or open again, what the rule says; return the incidents."""
    done: list[str] = []
    for ruling in rulings(workspace, facts):
        if ruling.verdict in ("declare", "reopen"):
            done += _carry_out(workspace, ruling.occurrence, telemetry)
        elif ruling.verdict == "too_old":
            alert = ruling.occurrence.alert
            tell(
                "would have declared an incident, had it been told in time",
                service=alert.service,
                alert=alert.name,
                began_at=utc(alert.occurred_at),
            )
    return done


def _carry_out(workspace: Workspace, occurrence: "Occurrence", telemetry: Telemetry) -> list[str]:
    """Ask the rule again, on all that is recorded by now: an occurrence before it may have opened one."""
    from projections.auto_declare import rule, severity_of, title_of
    from projections.incidents import number_of
    from tracker import decisions

    alert = occurrence.alert
    for _ in range(20):
        found = workspace.standing()
        now = workspace.now
        ruling = rule(occurrence, found, now)
        at = Typed(now, 0.001)
        if ruling.verdict == "reopen" and ruling.incident is not None:
            why = f"{alert.name} fired again at {utc(alert.occurred_at)}"

            def open_again(held: "Incident", why: str = why, at: Typed = at) -> list[object]:
                return [decisions.reopen(held, by=BY, at=at, why=why)] if held.ends_at is not None else []

            recording = workspace.decide(ruling.incident, open_again)  # type: ignore[arg-type]
            if recording.recorded:
                tell("reopened an incident", incident=ruling.incident, why=why)
                return [ruling.incident]
            continue
        if ruling.verdict != "declare":
            return []
        number = max((number_of(each.id) for each in found), default=0) + 1
        name = f"{workspace.settings.tracker.prefix}-{number}"
        decided = decisions.declare(
            name,
            title=title_of(alert),
            services=(occurrence.service,),
            severity=severity_of(alert),
            by=BY,
            at=at,
            detected=Typed(min(alert.occurred_at, now), alert.precision_seconds),
            detected_by="alert",
        )
        recorded: Recording = workspace.decide(name, lambda held: () if held.exists else decided)  # noqa: B023
        if recorded.recorded:
            telemetry.declared.inc()
            tell(
                "declared an incident",
                incident=name,
                service=occurrence.service,
                alert=alert.name,
                began_at=utc(alert.occurred_at),
            )
            return [name]
    return []
