"""Is a bundle whole? `tracker verify --bundle FILE` asks nothing but the file."""

import argparse

from tracker.bundles.damage import BundleDamagedError
from tracker.cli.common import say, write_json
from tracker.cli.import_command import opened
from tracker.errors import UsageError
from tracker.text.shell import word
from tracker.text.terminal import printable


def check(arguments: argparse.Namespace) -> int:
    """Check it, and say where it is not what was written."""
    if arguments.report:
        raise UsageError(
            "--report and --bundle cannot be combined",
            hint=f"tracker verify --bundle {word(arguments.bundle)}   then, in the log that imported it: tracker verify --report {word(arguments.report)}",
        )
    try:
        bundle = opened(arguments.bundle)
    except BundleDamagedError as damaged:
        if not arguments.json:
            raise
        write_json({"whole": False, "bundle": arguments.bundle, "first_problem": damaged.json()})
        return damaged.exit_code
    manifest = bundle.manifest
    asked = None if arguments.head is None else manifest.head.startswith(arguments.head.lower())
    if arguments.json:
        write_json(
            {
                "whole": True,
                "bundle": arguments.bundle,
                "incident": manifest.incident,
                "events": manifest.events,
                "log": manifest.log,
                "position": manifest.position,
                "head": manifest.head,
                "head_same": asked,
                "sha256": bundle.sha256,
                "written_by": manifest.written_by,
                "first_problem": None,
            }
        )
        return 5 if asked is False else 0
    print(
        printable(
            f"{arguments.bundle} is whole: {manifest.incident} of log {manifest.log}, {manifest.events} events, "
            f"as of position {manifest.position}."
        )
    )
    print(f"head {manifest.head}")
    if asked is False:
        print(f"Its head is not {arguments.head}: it comes from another log or another position.")
        return 5
    if asked:
        print("Its head is the one you gave.")
    else:
        say(
            "  A forged bundle can also be whole. To rule that out, compare this head with one kept elsewhere,"
        )
        say("  for example in a report's footer: --head HASH")
    return 0
