"""List earlier incidents that are like this one, and why.

Evidence counts first: the same alert rule, error group, changed file or version that caused it, where few
other incidents have it. Words count second. "The same again" is claimed only where both have enough in
common; the others are the nearest there are, and may have nothing to do with it. Nothing is recorded.
"""

import argparse
from collections.abc import Iterator

from tracker.application.session import Session
from tracker.application.similar import Repeat, Similar, similar
from tracker.cli.common import add_incident, add_reading, write_json
from tracker.text.terminal import printable

EXAMPLE = "example:  tracker similar INC-42        tracker similar . --json"
SHOWN_NEAREST = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    incident = session.incident(arguments.incident, up_to)
    [answer] = similar(session.log, [incident.id], up_to)
    if arguments.json:
        write_json(
            {
                "incident": answer.incident,
                "compared": answer.compared,
                "matches": [_described(each) for each in answer.repeats],
            }
        )
    else:
        print("\n".join(map(printable, _lines(answer))))
    return 0


def _described(repeat: Repeat) -> dict[str, object]:
    match = repeat.match
    return {
        "incident": match.id,
        "score": match.score,
        "claimed": match.claimed,
        "reasons": match.reasons,
        "open_actions": [
            {"event": item.event, "text": item.text, "owner": item.owner, "due_on": item.due_on}
            for item in repeat.open_actions
        ],
    }


def _lines(answer: Similar) -> Iterator[str]:
    among = f"{answer.compared} earlier incident{'s' if answer.compared != 1 else ''}"
    if not answer.compared:
        yield f"{answer.incident} is the first incident: there is none to compare it with."
        return
    claimed = [each for each in answer.repeats if each.match.claimed]
    nearest = [each for each in answer.repeats if not each.match.claimed][:SHOWN_NEAREST]
    if claimed:
        yield f"{answer.incident} is the same again as {len(claimed)} of {among}:"
        for each in claimed:
            yield from _one(each)
    else:
        yield f"None of {among} has enough in common with {answer.incident} to call it the same again."
    if nearest:
        yield "Nearest of the others, which may have nothing to do with it:"
        for each in nearest:
            yield from _one(each)


def _one(repeat: Repeat) -> Iterator[str]:
    yield f"  {repeat.match.id}"
    yield from (f"    {reason}" for reason in repeat.match.reasons)
    if repeat.match.claimed:
        yield from (
            f"    was promised and not done: {item.handle} {item.text} ({item.owner}, due {item.due_on})"
            for item in repeat.open_actions
        )
