"""List what was typed while the store was unreachable: still undelivered, or refused on delivery.

The next recording command delivers it first. A reading command delivers it too, if the store is not
locked.
"""

import argparse

from tracker.application import spool
from tracker.application.session import Session
from tracker.cli.common import add_json, printable, write_json

EXAMPLE = "example:  tracker spool"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Print both; reading delivers nothing."""
    store = session.settings.store
    waiting, refused = spool.waiting(store), spool.refused(store)
    if arguments.json:
        write_json({"file": str(spool.path_of(store)), "waiting": waiting, "refused": refused})
        return 0
    for title, entries in (("waiting", waiting), ("refused", refused)):
        for entry in entries:
            print(
                f"{title}: {printable(spool.described(entry))}"
                + (f": {printable(entry['refused'])}" if title == "refused" else "")
            )
    if not waiting and not refused:
        print("Nothing waits: everything that was typed is in the log.")
    return 0
