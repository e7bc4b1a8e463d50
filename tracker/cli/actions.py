"""List action items: owner, due date, state, and the incidents each one would have prevented."""

import argparse

from projections.actions import OVERDUE, ActionItem, ActionStatus, of_incident
from reports.wording.actions import ledger_line, status
from tracker.application import action_items
from tracker.application.session import Session
from tracker.cli.common import add_json, write_json
from tracker.text.terminal import printable, table

EXAMPLE = "example:  tracker actions --overdue        tracker actions INC-42 --json"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("incident", metavar="INC", nargs="?", help="only items of this incident")
    parser.add_argument("--open", action="store_true", help="only open items")
    parser.add_argument("--overdue", action="store_true", help="only overdue items")
    parser.add_argument("--owner", metavar="NAME", help="only items of this person")
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    known = action_items.items_of(session)
    now = session.now
    found = known
    if arguments.incident:
        found = of_incident(found, session.incident(arguments.incident))
    if arguments.owner:
        wanted = arguments.owner.strip().lstrip("@").casefold()
        found = [each for each in found if each.owner.casefold() == wanted]
    if arguments.open or arguments.overdue:
        found = [each for each in found if each.standing(now).is_open]
    if arguments.overdue:
        found = [each for each in found if each.standing(now).state == OVERDUE]
    if arguments.json:
        write_json({"actions": [action_items.described(each, now) for each in found]})
        return 0
    if not found:
        _none(arguments, known)
        return 0
    rows = []
    for item in found:
        standing = item.standing(now)
        rows.append(
            (item.handle, item.incident, f"due {item.due_on}", item.owner, _state(item, standing), item.text)
        )
        if item.done_at is not None:
            rows.append(("", "", "", "", "", f"done by {item.done_by}, proof: {item.proof}"))
        rows += [
            ("", "", "", "", "", f"{printable(ledger_line(item, said))}, says {said.by}: {said.why}")
            for said in item.prevented
        ]
    print(table(rows), end="")
    return 0


def _state(item: "ActionItem", standing: "ActionStatus") -> str:
    if item.done_at is not None:
        return f"done {item.done_at:%Y-%m-%d}"
    return status(standing)


def _none(arguments: argparse.Namespace, known: "list[ActionItem]") -> None:
    """Say that there are none, and what to type."""
    whose = f" of {arguments.owner}" if arguments.owner else ""
    where = f" on {arguments.incident}" if arguments.incident else ""
    if not known:
        print("No action item is recorded yet.")
    elif arguments.overdue:
        print(f"No action item{whose}{where} is overdue.")
    elif arguments.open:
        print(f"No action item{whose}{where} is open.")
    else:
        print(f"There is no action item{whose}{where}.")
    if known and (arguments.open or arguments.overdue or whose or where):
        print("See all: tracker actions")
    print('Add one: tracker action add INC "what is to be done" --owner NAME --due DATE')
