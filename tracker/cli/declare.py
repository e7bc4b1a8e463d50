"""Declare an incident: a title, a service and a severity, and it has a number.

If the service already has an open incident, the details are added to that one and its number is
returned, unless --new is given.
"""

import argparse

from tracker.application.requests import DeclareIncident
from tracker.application.session import Session
from tracker.application.spool import keeping
from tracker.cli.common import add_recording, answer_outcome, say, say_spooled
from tracker.events.incidents import DETECTED_BY, SEVERITIES
from tracker.text.shell import word
from tracker.times import utc

EXAMPLE = (
    'example:  tracker declare "Payments answer 500" --service checkout --severity critical --started 14:40Z'
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", metavar="TITLE", help="what is broken, from the users' point of view")
    parser.add_argument(
        "--service", metavar="S", nargs="+", action="extend", required=True, help="affected services"
    )
    parser.add_argument("--severity", choices=SEVERITIES, required=True, help="how bad it is")
    parser.add_argument("--started", metavar="T", help="when it began, if known")
    parser.add_argument("--detected", metavar="T", help="when it was noticed")
    parser.add_argument("--detected-by", choices=DETECTED_BY, help="what noticed it")
    parser.add_argument("--impact", metavar="TEXT", help="who is affected, and how")
    parser.add_argument("--lead", metavar="NAME", help="the incident lead")
    parser.add_argument(
        "--new", action="store_true", help="declare a new incident even if the service has an open one"
    )
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    services = tuple(dict.fromkeys(session.service(name) for name in arguments.service))
    outcome = keeping.submit(
        session,
        DeclareIncident(
            title=arguments.title,
            services=services,
            severity=arguments.severity,
            by=session.author,
            at=arguments.at,
            started=arguments.started,
            detected=arguments.detected,
            detected_by=arguments.detected_by,
            impact=arguments.impact,
            lead=arguments.lead,
            new=arguments.new,
        ),
    )
    if isinstance(outcome, keeping.Spooled):
        return say_spooled(arguments, outcome)
    name = outcome.incident
    sentence = {
        "declared": f"{name} declared at {utc(outcome.at)} by {session.author}: {arguments.title.strip()}",
        "known": f"{name} was already declared in exactly these words",
        "added": f"{name} is already open for that service: this was added to it (--new opens another)",
    }[outcome.facts["as"]]
    code = answer_outcome(arguments, outcome, sentence)
    if not arguments.json:
        print(name)
        if outcome.facts["as"] == "declared":
            say(f'Next: tracker note {word(name)} "what you see"   ·   tracker timeline {word(name)}')
    return code
