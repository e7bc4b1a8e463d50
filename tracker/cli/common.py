"""The options that mean the same on every command, and how answers are written."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from tracker.application.json_values import plain
from tracker.application.recording.outcome import Outcome
from tracker.application.requests import DeclareIncident
from tracker.application.session import Options, Recording, Session
from tracker.application.spool.keeping import Spooled
from tracker.log import Log
from tracker.text.hidden import visible_json
from tracker.text.terminal import printable
from tracker.times import utc

INCIDENT_HELP = "INC-42, 42, or . (the only open one, else the only one with something due)"


def add_incident(parser: argparse.ArgumentParser, *, optional: bool = False, also: str = "") -> None:
    """Add the argument that names an incident; `also` is said after what it may be."""
    parser.add_argument(
        "incident", metavar="INC", nargs="?" if optional else None, help=f"{INCIDENT_HELP}{also}"
    )


def add_recording(parser: argparse.ArgumentParser, *, at: bool = True) -> None:
    """Add what every recording command takes."""
    group = parser.add_argument_group("recording")
    group.add_argument(
        "--by", metavar="NAME", help="recorded author (default TRACKER_USER, else git's user.name)"
    )
    if at:
        group.add_argument(
            "--at",
            metavar="T",
            help="when it happened: 14:45Z, 14:45+01:00, 5m-ago, 2026-03-01T14:45Z (default now)",
        )
    add_zone(group)
    add_json(parser)


def add_zone(group: Any) -> None:
    """Add the zone in which bare clock times are typed."""
    group.add_argument(
        "--at-tz", metavar="ZONE", help="time zone of times typed without one (default TRACKER_TZ)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the switch for programs."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what every question about the past takes."""
    group = parser.add_argument_group("as of an earlier time")
    group.add_argument("--known-at", metavar="T", help="use only what was recorded by this time")
    group.add_argument("--at-seq", metavar="N", type=int, help="use the log only up to this position")
    add_zone(group)
    add_json(parser)


def add_display_zone(parser: argparse.ArgumentParser) -> None:
    """Add the zone in which instants are shown."""
    parser.add_argument("--tz", metavar="ZONE", help="time zone for display (default UTC)")


def write_json(answer: Any) -> None:
    """Write one JSON document to stdout."""
    # Where stdout cannot take every letter, JSON has its own way to write them.
    escaped = not (sys.stdout.encoding or "utf-8").lower().replace("_", "-").startswith("utf")
    document = json.dumps(plain(answer), ensure_ascii=escaped, indent=2)
    write_unfiltered((visible_json(document) if sys.stdout.isatty() else document) + "\n")


def write_unfiltered(text: str) -> None:
    """Write what holds no text from outside, or has shown what is hidden in it, to stdout: colours, and JSON."""
    getattr(sys.stdout, "unfiltered", sys.stdout).write(text)


def say(*texts: str) -> None:
    """Write to stderr, a line or more each; what a payload or a person wrote does not drive the terminal.

    Whoever stopped reading it, as `… 2>&1 | tee` does at Ctrl-C, does not keep us from our work.
    """
    try:
        for text in texts:
            sys.stderr.write("\n".join(printable(line) for line in text.split("\n")) + "\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def answer(
    arguments: argparse.Namespace, recording: Recording, sentence: str, keys: Mapping[str, Any] | None = None
) -> int:
    """Answer what was recorded: JSON on stdout, or a sentence on stderr."""
    if arguments.json:
        write_json({**(keys or {}), **recording.json()})
    else:
        say(sentence)
    return 0


def answer_outcome(arguments: argparse.Namespace, outcome: Outcome, sentence: str) -> int:
    """Answer what a request recorded."""
    return answer(arguments, outcome.recording, sentence, outcome.keys)


def say_spooled(arguments: argparse.Namespace, spooled: Spooled) -> int:
    """Answer that a request was kept because the store is away."""
    say(
        f"tracker: {spooled.why}",
        f"  kept in the spool as of {utc(spooled.at)} by {spooled.by}; the next command that reaches the store delivers it",
    )
    if arguments.json:
        write_json(
            {"incident": None, "event": None, "spooled": True, "recorded": 0, "known": 0, "events": []}
        )
    elif isinstance(spooled.request, DeclareIncident):
        say('  It has no number yet: until then, "." in tracker note . means this incident')
    return 0


def session_of(arguments: argparse.Namespace, *, log: Log | None = None) -> Session:
    """Return the session that a command line asks for; its notices go to stderr."""

    def given(name: str) -> Any:
        return getattr(arguments, name, None)

    options = Options(
        config=given("config"),
        store=given("store"),
        by=given("by"),
        typed_zone=given("at_tz"),
        shown_zone=given("tz"),
        known_at=given("known_at"),
        at_seq=given("at_seq"),
    )
    return Session(options, log=log, notify=say)
