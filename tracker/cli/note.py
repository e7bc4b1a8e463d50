"""Add a note to an incident. Several people may do so at the same time; resolved incidents accept notes too."""

import argparse

from tracker.application.requests import AddNote
from tracker.application.session import Session
from tracker.application.spool import keeping
from tracker.cli.common import add_incident, add_recording, answer_outcome, say, say_spooled
from tracker.events.incidents import NOTE_KINDS
from tracker.text.mojibake import mojibake_notices
from tracker.times import utc

EXAMPLE = 'example:  tracker note . "pool is at 10 of 10 connections" --kind hypothesis --at 14:52Z'


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument("text", metavar="TEXT", help="the note")
    parser.add_argument("--kind", choices=NOTE_KINDS, default="note", help="kind of note (default note)")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    outcome = keeping.submit(
        session,
        AddNote(
            incident=arguments.incident,
            text=arguments.text,
            kind=arguments.kind,
            by=session.author,
            at=arguments.at,
        ),
    )
    if isinstance(outcome, keeping.Spooled):
        return say_spooled(arguments, outcome)
    fix = f"Correct it: tracker amend {outcome.handle} --text TEXT --why garbled"
    say(*mojibake_notices(arguments.text, "the note", fix))
    what = "noted" if outcome.is_new else "already recorded"
    return answer_outcome(
        arguments,
        outcome,
        f"{outcome.handle} {what} on {outcome.incident} at {utc(outcome.at)} by {session.author}",
    )
