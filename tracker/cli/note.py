"""Add a note to an incident. Several people may do so at the same time; resolved incidents accept notes too."""

import argparse

from tracker.application.mojibake_warnings import warn_of_mojibake
from tracker.application.session import Session
from tracker.cli.common import add_incident, add_recording
from tracker.decisions import lifecycle
from tracker.events.base import handle_of
from tracker.events.incidents import NOTE_KINDS
from tracker.times import utc

EXAMPLE = 'example:  tracker note . "pool is at 10 of 10 connections" --kind hypothesis --at 14:52Z'


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the text and its kind."""
    add_incident(parser)
    parser.add_argument("text", metavar="TEXT", help="the note")
    parser.add_argument("--kind", choices=NOTE_KINDS, default="note")
    add_recording(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Record it."""
    incident = session.incident(arguments.incident)
    at, by = session.instant(arguments.at, incident), session.author
    recording = session.decide(
        incident.id,
        lambda held: [lifecycle.note(held, arguments.text, by=by, at=at, kind=arguments.kind)],
    )
    what = "noted" if recording.recorded else "already known"
    handle = handle_of((recording.recorded + recording.known)[0])
    warn_of_mojibake(
        arguments.text, "the note", f"Set it right: tracker amend {handle} --text TEXT --why garbled"
    )
    return session.answer(
        recording, f"{handle} {what} on {incident.id} at {utc(at.at)} by {by}", {"incident": incident.id}
    )
