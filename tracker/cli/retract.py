"""Retract a recorded event: it no longer appears in any answer, and `tracker history` still shows it."""

import argparse

from tracker.application.session import Session
from tracker.cli.amend import corrected, record_correction, refuse_contradiction
from tracker.cli.common import add_json
from tracker.decisions.corrections import retract

EXAMPLE = "example:  tracker retract 7f1dmbv --why 'typed into the wrong incident'"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the event and the reason."""
    parser.add_argument("event", metavar="EVENT", help="a handle, a full id, or SERVICE@VERSION")
    parser.add_argument("--why", metavar="TEXT", required=True, help="the reason")
    parser.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    target = corrected(session, arguments.event)
    by = session.author
    correction = retract(target, by=by, now=session.now, why=arguments.why)
    refuse_contradiction(session, correction)
    recording = record_correction(session, correction)
    said = f"{target.handle} struck out by {by}"
    return session.answer(recording, said, {"event": target.id})
