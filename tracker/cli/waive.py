"""Waive a rule of the procedure, or a claim in the prose, with the reason.

The waiver is shown in `tracker check` and in the report, with its author. To withdraw it, retract
the waiver's event: tracker retract EVENT --why TEXT
"""

import argparse

from tracker.application.claims import lint_claims
from tracker.application.session import Session
from tracker.cli.check import read
from tracker.cli.common import add_incident, add_recording
from tracker.decisions.waivers import waive
from tracker.events.base import handle_of
from tracker.events.procedure import RULE_NAMES

EXAMPLE = "example:  tracker waive INC-42 merged_back --why 'develop is frozen until Thursday'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the rule and the reason."""
    add_incident(parser)
    parser.add_argument(
        "rule", metavar="RULE", help="a rule's name, or a claim's key, as `tracker check` prints it"
    )
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument("--text", metavar="FILE", help="the file that contains the claim (- is stdin)")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    typed = arguments.rule.strip().lower().replace("-", "_")
    claims: list[str] = []
    if typed not in RULE_NAMES:
        claims = [each.key for each in lint_claims(session, incident, None)]
    if typed not in RULE_NAMES and arguments.text:
        claims += [
            each.key
            for each in lint_claims(session, incident, None, text=read(arguments.text), where=arguments.text)
        ]
    recording = session.decide(
        incident.id,
        lambda held: [waive(held, arguments.rule, by=by, at=at, why=arguments.why, claims=claims)],
    )
    handle = handle_of((recording.recorded + recording.known)[0])
    said = f"{handle} {typed if typed in RULE_NAMES else arguments.rule} waived on {incident.id} by {by}"
    return session.answer(recording, said, {"incident": incident.id})
