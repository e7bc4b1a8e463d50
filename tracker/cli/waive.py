"""Waive a rule of the procedure, or a claim in the prose, with the reason.

The waiver is shown in `tracker check` and in the report, with its author. To withdraw it, retract
the waiver's event: tracker retract EVENT --why TEXT
"""

import argparse

from tracker.application.recording import record
from tracker.application.requests import WaiveRule
from tracker.application.session import Session
from tracker.cli.check import read
from tracker.cli.common import add_incident, add_recording, answer_outcome

EXAMPLE = "example:  tracker waive INC-42 merged_back --why 'develop is frozen until Thursday'"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "rule", metavar="RULE", help="a rule's name, or a claim's key, as `tracker check` prints it"
    )
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument("--text", metavar="FILE", help="the file that contains the claim (- is stdin)")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    by = session.author
    outcome = record(
        session,
        WaiveRule(
            incident=arguments.incident,
            rule=arguments.rule,
            why=arguments.why,
            text=read(arguments.text) if arguments.text else None,
            where=arguments.text or "",
            by=by,
            at=arguments.at,
        ),
    )
    waived = outcome.facts["rule"]
    return answer_outcome(
        arguments, outcome, f"{outcome.handle} {waived} waived on {outcome.incident} by {by}"
    )
