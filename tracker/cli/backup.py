"""Copy the whole log and its inbox to a new file, or into an empty PostgreSQL database, while others write.

The copy is verified, and its head printed: keep that apart from the copy. To put a backup back, stop
tracker serve and copy the file to where the log was, or name it: tracker backup --store FILE URL.
"""

import argparse

from tracker.application.backup import make_backup
from tracker.application.session import Session
from tracker.cli.common import add_json, say, write_json
from tracker.cli.progress import waiting
from tracker.settings.store_address import is_address
from tracker.text.shell import command

EXAMPLE = "example:  tracker backup backup-2026-03-01.db"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="FILE", help="a new file, or the postgresql:// address of an empty database"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    with waiting("backup"):
        made = make_backup(session, arguments.target)
    if arguments.json:
        write_json(
            {
                "file": made.target,
                "log": made.log,
                "position": made.position,
                "head": made.head,
                "deliveries": made.deliveries,
            }
        )
        return 0
    print(made.target)
    print(f"position {made.position}")
    print(f"head {made.head}")
    if made.deliveries:
        say(f"{made.deliveries} deliveries of the inbox are in it, too")
    store = "URL" if is_address(arguments.target) else arguments.target
    check = command("tracker", "verify", "--store", store, "--head", made.head)
    say(f"Next: keep the head apart from the copy; check the copy: {check}")
    return 0
