"""List deliveries that could not be parsed, retry them, or drop one.

`tracker serve` processes what it receives by itself. A delivery that is authentic but cannot be
parsed is kept here, with the reason. Retry it after an upgrade or a change of tracker.toml. A
dropped one is removed for good, also while it waits; who dropped it and why is recorded.
"""

import argparse
from pathlib import Path

from tracker.application.deliveries import drop_deliveries
from tracker.application.session import Session
from tracker.cli.common import add_recording, answer, say, write_json
from tracker.errors import BadInputError, UsageError
from tracker.inbox.opening import SUFFIX, open_inbox
from tracker.text.terminal import printable, table
from tracker.times import from_us, utc

EXAMPLE = "example:  tracker inbox list        tracker inbox retry 17        tracker inbox drop 17 --why 'a load test'"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("list", "retry", "drop"))
    parser.add_argument(
        "number", metavar="NUMBER", nargs="*", type=int, help="only these deliveries (default: all)"
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason; required to drop one")
    add_recording(parser, at=False)


def run(arguments: argparse.Namespace, session: Session) -> int:
    store = session.settings.store
    if arguments.what == "drop" and not (arguments.number and (arguments.why or "").strip()):
        raise UsageError(
            "inbox: drop needs the numbers of deliveries, and a reason",
            hint='tracker inbox drop 17 --why "sent by a load test"',
        )
    if "://" not in store and not Path(store + SUFFIX).exists():
        if arguments.what != "list" and arguments.number:
            raise _unknown(arguments.number)
        return _empty(arguments)
    inbox = open_inbox(store)
    try:
        parked = inbox.parked()
        drops = arguments.what == "drop"
        # What waits can be dropped, too: /readyz names what holds up tracker serve.
        known = inbox.held(arguments.number) if drops else {each.number for each in parked}
        unknown = sorted(set(arguments.number) - known)
        if unknown:
            raise _unknown(unknown)
        chosen = [each for each in parked if not arguments.number or each.number in arguments.number]
        counts = inbox.counts()
        if drops:
            recording = drop_deliveries(session, inbox, sorted(known), why=arguments.why.strip())
            said = f"{len(known)} dropped by {session.author}: {arguments.why.strip()}"
            return answer(arguments, recording, said, {"dropped": len(known)})
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
