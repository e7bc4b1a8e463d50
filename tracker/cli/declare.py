"""Declare an incident: a title, a service and a severity, and it has a number.

If the service already has an open incident, the details are added to that one and its number is
returned, unless --new is given.
"""

import argparse

from projections.incidents import number_of, open_ones, ours
from tracker.application.clock_dates import near
from tracker.application.session import Recording, Session
from tracker.cli.common import add_recording, say
from tracker.decisions import lifecycle
from tracker.errors import UsageError
from tracker.events.base import Decision
from tracker.events.incidents import DETECTED_BY, SEVERITIES
from tracker.incident import Incident
from tracker.times import Typed, utc

EXAMPLE = (
    'example:  tracker declare "Payments answer 500" --service checkout --severity critical --started 14:40Z'
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the title, the services and what is known already."""
    parser.add_argument("title", metavar="TITLE", help="what is broken, from the users' point of view")
    parser.add_argument(
        "--service", metavar="S", nargs="+", action="extend", required=True, help="affected services"
    )
    parser.add_argument("--severity", choices=SEVERITIES, required=True)
    parser.add_argument("--started", metavar="T", help="when it began, if known")
    parser.add_argument("--detected", metavar="T", help="when it was noticed")
    parser.add_argument("--detected-by", choices=DETECTED_BY)
    parser.add_argument("--impact", metavar="TEXT", help="who is affected, and how")
    parser.add_argument("--lead", metavar="NAME")
    parser.add_argument(
        "--new", action="store_true", help="declare a new incident even if the service has an open one"
    )
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Find the open incident of the service, or the next number, and record."""
    services = tuple(dict.fromkeys(session.service(name) for name in arguments.service))
    by = session.author
    at = session.instant(arguments.at)
    while True:
        found = session.incident_summaries()
        same = [each for each in found if _is_same(each, arguments, at, by)]
        if same:
            return _known(arguments, session, same[0])
        mine = [each for each in ours(open_ones(found)) if set(each.services) & set(services)]
        if mine and not arguments.new:
            return _add(arguments, session, mine[-1].id, services, at)
        number = max((number_of(each.id) for each in found), default=0) + 1
        name = f"{session.settings.tracker.prefix}-{number}"
        if recording := _declare(arguments, session, name, services, by, at):
            said = f"{name} declared at {utc(at.at)} by {by}: {arguments.title.strip()}"
            event = recording.recorded[0] if recording.recorded else recording.known[0]
            code = session.answer(recording, said, {"incident": name, "event": event})
            if not arguments.json:
                print(name)
                say(f'Next: tracker note {name} "what you see"   ·   tracker timeline {name}')
            return code


def _declare(
    arguments: argparse.Namespace,
    session: Session,
    name: str,
    services: tuple[str, ...],
    by: str,
    at: Typed,
) -> Recording | None:
    said = _said_instants(arguments, session, at)
    decided = lifecycle.declare(
        name,
        title=arguments.title,
        services=services,
        severity=arguments.severity,
        by=by,
        at=at,
        started=said.get("started"),
        detected=said.get("detected"),
        detected_by=arguments.detected_by,
        impact=arguments.impact,
        lead=arguments.lead,
    )
    recording = session.decide(name, lambda held: () if held.exists else decided)
    return recording if recording.recorded or recording.known else None


def _said_instants(arguments: argparse.Namespace, session: Session, at: Typed) -> dict[str, Typed]:
    return {
        name: session.instant(typed, option=f"--{name}", around=near(at.at))
        for name, typed in (("started", arguments.started), ("detected", arguments.detected))
        if typed
    }


def _is_same(incident: "Incident", arguments: argparse.Namespace, at: Typed, by: str) -> bool:
    """Whether this very declaration is recorded: typed twice, or delivered twice from the spool."""
    return bool(
        (incident.declared_at, incident.declared_by, incident.title) == (at.at, by, arguments.title.strip())
    )


def _known(arguments: argparse.Namespace, session: Session, incident: "Incident") -> int:
    event = incident.steps[0].id
    said = f"{incident.id} says exactly that already"
    code = session.answer(Recording(known=(event,)), said, {"incident": incident.id, "event": event})
    if not arguments.json:
        print(incident.id)
    return code


def _add(
    arguments: argparse.Namespace, session: Session, name: str, services: tuple[str, ...], at: Typed
) -> int:
    by = session.author
    if not arguments.title.strip():
        raise UsageError("declare: an incident needs a title", hint=EXAMPLE)

    milestones = _said_instants(arguments, session, at)

    def decide(incident: "Incident") -> "list[Decision]":
        noticed = f", detected by {arguments.detected_by}" if arguments.detected_by else ""
        otherwise = "".join(
            f", {name} {utc(when.at)}" for name, when in milestones.items() if name in incident.milestones
        )
        told = f"Declared again as {arguments.severity}{noticed}{otherwise}: {arguments.title.strip()}"
        decided: list[Decision] = [lifecycle.note(incident, told, by=by, at=at)]
        if arguments.impact:
            decided.append(lifecycle.note(incident, arguments.impact, by=by, at=at, kind="impact"))
        # What is worse counts; who declares it again as less does not speak for the others.
        if SEVERITIES.index(arguments.severity) < SEVERITIES.index(incident.severity):
            why = f"declared again: {arguments.title.strip()}"
            decided.append(lifecycle.change_severity(incident, arguments.severity, by=by, at=at, why=why))
        if arguments.lead and arguments.lead != incident.lead:
            decided.append(lifecycle.change_lead(incident, arguments.lead, by=by, at=at))
        decided += [
            lifecycle.set_milestone(incident, name, by=by, at=when)
            for name, when in milestones.items()
            if name not in incident.milestones
        ]
        decided += [
            lifecycle.add_service(incident, service, by=by, at=at)
            for service in services
            if service not in incident.services
        ]
        return decided

    recording = session.decide(name, decide)
    event = (recording.recorded + recording.known)[0]
    said = f"{name} is open for that service already: this was added to it (--new opens another)"
    code = session.answer(recording, said, {"incident": name, "event": event})
    if not arguments.json:
        print(name)
    return code
