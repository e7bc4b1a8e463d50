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
    from tracker.log import Verified

EXAMPLE = "example:  tracker verify --report INC-42.md"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take a head to look for, or a report that holds one."""
    parser.add_argument("--head", metavar="HASH", help="is this head in the log?")
    parser.add_argument("--report", metavar="FILE", help="does this report come out the same?")
    parser.add_argument(
        "--bundle", metavar="FILE", help="is this bundle whole? With --head: is that its head?"
    )
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
    if arguments.bundle:
        from tracker.cli.bundle_check import check

        return check(arguments)
    footer = _footer(Path(arguments.report)) if arguments.report else None
    quoted = _imported(workspace, footer) if footer else None
    if footer and quoted is None:
        heads.append(footer["head"])
    with progress("verify") as update:
        found = workspace.log.verify(tuple(heads), update)
    problem = found.first_problem
    answer = {
        "whole": found.whole,
        "events": found.events,
        "position": found.position,
        "unsealed": found.unsealed,
        "head": found.head,
        "log": workspace.log.id if found.whole else None,
        "first_problem": None
        if problem is None
        else {"position": problem.position, "event": problem.event, "what": problem.what},
    }
    missing = [head for head in heads if head not in found.heads] if found.whole else []
    if arguments.head:
        answer["head_found_at"] = found.heads.get(arguments.head.lower())
    same, differs = None, None
    if footer and found.whole and not missing:
        differs = _differing(arguments, workspace, footer, quoted)
        same = not differs
        answer["report_same"] = same
        answer["report_differs_in"] = differs
    if arguments.json:
        write_json(answer)
    else:
        _say(arguments, found, missing, footer, differs, quoted)
    return 0 if found.whole and not missing and same is not False else 5


def _say(
    arguments: argparse.Namespace,
    found: "Verified",
    missing: list[str],
    footer: dict[str, str] | None,
    differs: list[str] | None,
    quoted: int | None,
) -> None:
    problem = found.first_problem
    if problem is None:
        print(f"The log is whole: {found.events} events, {found.unsealed} of them not sealed yet.")
        print(f"head {found.head}")
    else:
        where = f"position {problem.position}, {problem.event or 'no event'}: " if problem.position else ""
        print(f"The log is not whole: {where}{problem.what}.")
        after = "after that position " if problem.position else ""
        say(f"  Keep this file as it is, and put a copy from before beside it: nothing {after}is proven")
    for head in missing:
        print(f"That head is not in this log: {head}. Its tail was cut off, or it is another log.")
    if missing and footer and footer["log"]:
        say(f"  The report was read from log {footer['log']}; see which one this is: tracker verify --json")
    if arguments.head and not missing and found.whole:
        print(f"That head is in it, at position {found.heads[arguments.head.lower()]}.")
    if footer is None or differs is None:
        return
    if quoted is not None:
        print(
            f"The report quotes log {footer['log']}, from which {footer['incident']} was imported at position {quoted} here."
        )
        say(
            "  That log's head is proven by its bundle alone: tracker verify --bundle FILE --head "
            + footer["head"]
        )
    if not differs:
        print(f"{arguments.report} comes out the same, byte for byte.")
        return
    for file in differs:
        print(f"{file} does not come out the same.")
    command = f"tracker report {footer['incident']} --at-seq {quoted or footer['position']}"
    zone = f" --tz {footer['zone']}" if footer["zone"] != "UTC" else ""
    say("  Somebody edited it, or another version wrote it; see what the log says:")
    if differs[0] == arguments.report:
        say(f"  {command}{zone} -o - | diff {arguments.report} -")
    else:
        say(f"  {command}{zone} -o /tmp/{footer['incident']}.md")


_FOOTER = re.compile(
    r"^Log (?:`(?P<log>[0-9a-f]{16})`, )?position (?P<position>\d+), last event .* head `(?P<head>[0-9a-f]{64})`",
    re.MULTILINE,
)
"""A report of before logs had an id does not name one; it has to come out as it was."""


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
        "log": found["log"] or "",
        "text": text,
        "zone": shown[1] if shown else "UTC",
        "suffix": suffix,
    }


def _imported(workspace: Workspace, footer: dict[str, str]) -> int | None:
    """Return where a report's incident was imported from the log that it quotes; None if it is of this log."""
    from tracker.cli.provenance import imports_of
    from tracker.events.bundles import BundleImported

    if footer["log"] in ("", workspace.log.id):
        return None
    for each in imports_of(workspace, footer["incident"], None):
        event = each.event
        if isinstance(event, BundleImported) and (event.log, event.head) == (footer["log"], footer["head"]):
            return each.position
    return None


def _differing(
    arguments: argparse.Namespace, workspace: Workspace, footer: dict[str, str], quoted: int | None
) -> list[str]:
    """Name the files that do not come out the same: the report, and those of its pictures that are there."""
    from tracker.cli.report import document

    written = document(
        workspace,
        footer["incident"],
        quoted or int(footer["position"]),
        zone_name=footer["zone"],
        suffix=footer["suffix"],
        names_log=bool(footer["log"]),
    )
    beside = Path(arguments.report).parent
    differs = [] if written.markdown == footer["text"] else [arguments.report]
    for path, data in sorted(written.pictures.items()):
        picture = beside / path
        if picture.exists() and picture.read_bytes() != data:
            differs.append(str(picture))
    return differs
