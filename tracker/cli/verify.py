"""Is the log whole? Checks every event against its proof, and names the first that does not fit.

A tail that was cut off leaves a log that is whole in itself. Only a head kept elsewhere shows
it: every report prints one. Check it with --head or --report.
"""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.cli.common import add_json, say, write_json
from tracker.cli.progress import progress
from tracker.cli.workspace import Workspace
from tracker.errors import BadInputError, UsageError

if TYPE_CHECKING:
    from tracker.events.base import Recorded
    from tracker.log import Verified

EXAMPLE = "example:  tracker verify --report INC-42.md"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take a head to look for, or a report that holds one."""
    parser.add_argument("--head", metavar="HASH", help="is this head in the log?")
    parser.add_argument("--report", metavar="FILE", help="does this report come out the same?")
    add_json(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Check it all."""
    heads = []
    if arguments.head:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", arguments.head):
            raise UsageError(
                f"--head: {arguments.head!r} is not a head: 64 hexadecimal digits",
                hint="It stands in a report's footer",
            )
        heads.append(arguments.head.lower())
    footer = _footer(Path(arguments.report)) if arguments.report else None
    if footer:
        heads.append(footer["head"])
    with progress("verify") as update:
        found = workspace.log.verify(tuple(heads), update)
    problem = found.first_problem
    unfinished = workspace.log.unfinished() if found.whole else []
    answer = {
        "whole": found.whole,
        "events": found.events,
        "position": found.position,
        "unsealed": found.unsealed,
        "redacted": found.redacted,
        "redactions_unfinished": unfinished,
        "head": found.head,
        "first_problem": None
        if problem is None
        else {"position": problem.position, "event": problem.event, "what": problem.what},
    }
    missing = [head for head in heads if head not in found.heads] if found.whole else []
    if arguments.head:
        answer["head_found_at"] = found.heads.get(arguments.head.lower())
    same, differs, since = None, None, []
    if footer and found.whole and not missing:
        differs = _differing(arguments, workspace, footer)
        same = not differs
        answer["report_same"] = same
        answer["report_differs_in"] = differs
        since = _redacted_since(workspace, footer) if differs else []
        answer["redacted_since"] = [each.id for each in since]
    if arguments.json:
        write_json(answer)
    else:
        for each in unfinished:
            handle = each[-7:]
            say(
                f"tracker: {handle} is redacted, but its text may still lie in unused parts of the store's files\n"
                f"  Finish it: tracker redact {handle}"
            )
        _say(arguments, found, missing, footer, differs, since)
    return 0 if found.whole and not missing and same is not False else 5


def _say(
    arguments: argparse.Namespace,
    found: "Verified",
    missing: list[str],
    footer: dict[str, str] | None,
    differs: list[str] | None,
    since: "list[Recorded]",
) -> None:
    from projections.wording import redacted_words

    problem = found.first_problem
    if problem is None:
        redacted = f", {found.redacted} redacted" if found.redacted else ""
        print(f"The log is whole: {found.events} events{redacted}, {found.unsealed} of them not sealed yet.")
        print(f"head {found.head}")
    else:
        where = f"position {problem.position}, {problem.event or 'no event'}: " if problem.position else ""
        print(f"The log is not whole: {where}{problem.what}.")
        after = "after that position " if problem.position else ""
        say(f"  Keep this file as it is, and put a copy from before beside it: nothing {after}is proven")
    for head in missing:
        print(f"That head is not in this log: {head}. Its tail was cut off, or it is another log.")
    if arguments.head and not missing and found.whole:
        print(f"That head is in it, at position {found.heads[arguments.head.lower()]}.")
    if footer is None or differs is None:
        return
    if not differs:
        print(f"{arguments.report} comes out the same, byte for byte.")
        return
    for file in differs:
        print(f"{file} does not come out the same.")
    for each in since:
        assert each.redacted is not None
        print(f"Because {each.handle}, on which it stands, was {redacted_words(each.redacted)}")
    command = f"tracker report {footer['incident']} --at-seq {footer['position']}"
    zone = f" --tz {footer['zone']}" if footer["zone"] != "UTC" else ""
    if since:
        say(f"  Write it again: tracker report {footer['incident']}; or see what the log says of then:")
    else:
        say("  Somebody edited it, or another version wrote it; see what the log says:")
    if differs[0] == arguments.report:
        say(f"  {command}{zone} -o - | diff {arguments.report} -")
    else:
        say(f"  {command}{zone} -o /tmp/{footer['incident']}.md")


def _redacted_since(workspace: Workspace, footer: dict[str, str]) -> "list[Recorded]":
    """Return what the report stands on and was redacted after its position in the log."""
    from tracker.cli.report import gathered

    position = int(footer["position"])
    found = gathered(workspace, footer["incident"], position).redacted
    later = workspace.log.by_ids([each.redacted.event for each in found if each.redacted is not None])
    after = {each.id for each in later if each.position > position}
    return [each for each in found if each.redacted is not None and each.redacted.event in after]


_FOOTER = re.compile(
    r"^Log position (?P<position>\d+), last event .* head `(?P<head>[0-9a-f]{64})`", re.MULTILINE
)


def _footer(path: Path) -> dict[str, str]:
    try:
        text = path.read_bytes().decode()
    except OSError as wrong:
        raise BadInputError(f"{path}: cannot be read: {wrong.strerror}", hint=f"ls -l {path}") from wrong
    except UnicodeDecodeError as wrong:
        raise BadInputError(f"{path}: is no text", hint=f"file {path}") from wrong
    found = footer_of(text)
    if not found:
        raise BadInputError(
            f"{path} has no footer with a log position and a head", hint="Was it written by tracker report?"
        )
    return found


def footer_of(text: str) -> dict[str, str]:
    """Return what a report says of itself; nothing if it has no title or no footer."""
    found = next(reversed(list(_FOOTER.finditer(text))), None)
    title = re.search(r"^# ([A-Za-z][A-Za-z0-9]*-\d+)", text)
    shown = re.search(r"^## Timeline \(([^)]+)\)$", text, re.MULTILINE)
    suffix = "png" if re.search(r"^!\[.*\]\([^)]*\.png\)$", text, re.MULTILINE) else "svg"
    if found is None or title is None:
        return {}
    return {
        "incident": title[1],
        "position": found["position"],
        "head": found["head"],
        "text": text,
        "zone": shown[1] if shown else "UTC",
        "suffix": suffix,
    }


def _differing(arguments: argparse.Namespace, workspace: Workspace, footer: dict[str, str]) -> list[str]:
    """Name the files that do not come out the same: the report, and those of its pictures that are there."""
    from tracker.cli.report import document

    written = document(
        workspace,
        footer["incident"],
        int(footer["position"]),
        zone_name=footer["zone"],
        suffix=footer["suffix"],
    )
    beside = Path(arguments.report).parent
    differs = [] if written.markdown == footer["text"] else [arguments.report]
    for path, data in sorted(written.pictures.items()):
        picture = beside / path
        if picture.exists() and picture.read_bytes() != data:
            differs.append(str(picture))
    return differs
