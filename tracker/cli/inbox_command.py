"""List deliveries that could not be parsed, or retry them.

`tracker serve` processes what it receives by itself. A delivery that is authentic but cannot be
parsed is kept here, with the reason. Retry it after an upgrade or a change of tracker.toml.
"""

import argparse
from pathlib import Path

from tracker.application.session import Session
from tracker.cli.common import add_json, say, write_json
from tracker.errors import BadInputError
from tracker.inbox.opening import SUFFIX, open_inbox
from tracker.text.terminal import printable, table
from tracker.times import from_us, utc

EXAMPLE = "example:  tracker inbox list        tracker inbox retry        tracker inbox retry 17"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "retry"))
    parser.add_argument(
        "number", metavar="NUMBER", nargs="*", type=int, help="only these deliveries (default: all)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    store = session.settings.store
    if "://" not in store and not Path(store + SUFFIX).exists():
        if arguments.what == "retry" and arguments.number:
            raise _unknown(arguments.number)
        return _empty(arguments)
    inbox = open_inbox(store)
    try:
        parked = inbox.parked()
        unknown = sorted(set(arguments.number) - {each.number for each in parked})
        if unknown:
            raise _unknown(unknown)
        chosen = [each for each in parked if not arguments.number or each.number in arguments.number]
        counts = inbox.counts()
        if arguments.what == "retry":
            tried = inbox.retry([each.number for each in chosen]) if chosen else 0
            if arguments.json:
                write_json({"retried": tried})
            elif tried:
                say(f"{tried} will be retried by a running tracker serve; see: tracker inbox list")
            else:
                say("Nothing is parked.")
            return 0
    finally:
        inbox.close()
    if arguments.json:
        write_json(
            {
                "waiting": counts.waiting,
                "parked": [
                    {
                        "number": each.number,
                        "received_at": from_us(each.received_us),
                        "route": each.route,
                        "source": each.source,
                        "key": each.key,
                        "attempts": each.attempts,
                        "size_bytes": each.size_bytes,
                        "reason": each.reason,
                    }
                    for each in chosen
                ],
            }
        )
        return 0
    if counts.waiting:
        say(f"waiting for tracker serve: {counts.waiting}")
    if not chosen:
        return _empty(arguments)
    rows = [
        (
            str(each.number),
            utc(from_us(each.received_us)),
            each.route,
            each.source,
            f"{each.size_bytes} B",
            printable(each.reason),
        )
        for each in chosen
    ]
    print(table(rows), end="")
    say("Retry them: tracker inbox retry")
    return 0


def _empty(arguments: argparse.Namespace) -> int:
    if arguments.json:
        write_json({"waiting": 0, "parked": []} if arguments.what == "list" else {"retried": 0})
    else:
        print("Nothing is parked: everything received could be parsed.")
    return 0


def _unknown(numbers: list[int]) -> BadInputError:
    named = ", ".join(map(str, numbers))
    return BadInputError(f"nothing is parked under {named}", hint="List what is parked: tracker inbox list")
