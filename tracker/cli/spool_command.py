"""List what was typed while the store was unreachable: still undelivered, or refused on delivery.

The next recording command delivers it first. A reading command delivers it too, if the store is not
locked.
"""

import argparse

from tracker.application.session import Session
from tracker.application.spool import contents, delivering, entries, files
from tracker.cli.common import add_json, write_json
from tracker.text.terminal import printable

EXAMPLE = "example:  tracker spool"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    store = session.settings.store
    delivering.take_over_folder(session)
    waiting, refused = contents.waiting(store), contents.refused(store)
    if arguments.json:
        write_json(
            {
                "file": str(files.path_of(store)),
                "waiting": [entries.as_json(held) for held in waiting],
                "refused": [{**entries.as_json(held), "refused": why} for held, why in refused],
            }
        )
        return 0
    for held in waiting:
        print(f"waiting: {printable(entries.described(held))}")
    for held, why in refused:
        print(f"refused: {printable(entries.described(held))}: {printable(why)}")
    if not waiting and not refused:
        print("The spool is empty: everything that was typed is in the log.")
    return 0
