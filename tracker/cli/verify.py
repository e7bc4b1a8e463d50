"""Verify the log: check every event against its digest, and name the first that does not match.

If events were cut off the end, the rest still verifies. Only a head kept elsewhere shows the loss;
every report prints one. Check it with --head or --report.
"""

import argparse
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from projections.review import as_published, publications
from reports.context import Context
from reports.generated_regions import ParsedReport, Part
from reports.html import hand_lines, page
from reports.post_incident import Document, write
from reports.wording.timeline import redaction
from tracker.application import report_files
from tracker.application.foreign_objects import add_inbox
from tracker.application.provenance import imported_at
from tracker.application.report import gathered_again, published_text
from tracker.application.session import Session
from tracker.cli.bundle_check import check
from tracker.cli.common import add_json, say, write_json
from tracker.cli.progress import progress
from tracker.errors import BadInputError, UsageError
from tracker.events.base import Recorded, Window, handle_of
from tracker.events.bundles import BundleImported, import_scope
from tracker.events.corrections import Effective
from tracker.events.reviews import ReportPublished
from tracker.log import Verified
from tracker.log.foreign_objects import not_ours
from tracker.text.shell import command, word

EXAMPLE = "example:  tracker verify --report INC-42.md"


@dataclass(frozen=True)
class Report:
    """A report as it stands in a file, with the position and the head that its footer names."""

    path: Path
    data: bytes
    apart: "ParsedReport"
    position: int
    head: str
    log: str

    @property
    def is_page(self) -> bool:
        """Whether it is HTML."""
        return self.data.lstrip()[:9].lower() == b"<!doctype"


@dataclass(frozen=True)
class Held:
    """A report compared with the log: which generated parts and pictures differ, and what was added by hand."""

    file: str
    parts: list[str]
    pictures: list[str]
    to_the_byte: bool
    by_hand: int
    published: str | None

    @property
    def same(self) -> bool:
        """Whether all that was generated comes out the same."""
        return not self.parts and not self.pictures

    def json(self) -> dict[str, Any]:
        """Return the keys of the answer."""
        return {
            "report_same": self.same,
            "report_differs_in": [*([self.file] if self.parts else []), *self.pictures],
            "report_parts_differing": [each.partition(" ")[0] for each in self.parts],
            "report_lines_by_hand": self.by_hand,
            "report_published": self.published,
        }


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--head", metavar="HASH", help="check that this head, or one that begins so, is in the log"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="check that this report can be reproduced from the log"
    )
    parser.add_argument(
        "--bundle", metavar="FILE", help="check this bundle instead of the log (with --head: check its head)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    heads = []
    if arguments.head:
        if not re.fullmatch(r"[0-9a-fA-F]{12,64}", arguments.head):
            raise UsageError(
                f"--head: {arguments.head!r} is not a head: 64 hexadecimal digits, or the first 12 of them or more",
                hint="Copy it from a report's footer",
            )
        heads.append(arguments.head.lower())
    if arguments.bundle:
        return check(arguments)
    report = _report(Path(arguments.report)) if arguments.report else None
    quoted = (
        imported_at(session, report.apart.attributes["incident"], report.log, report.head) if report else None
    )
    imported = _published_there(session, report) if report and quoted is None else None
    if report and quoted is None and imported is None:
        heads.append(report.head)
    with progress("verify") as update:
        found = session.log.verify(tuple(heads), update)
    add_inbox(found, session.settings.store)
    problem = found.first_problem
    unfinished = session.log.unfinished_redactions() if found.whole else []
    answer = {
        "whole": found.whole,
        "events": found.events,
        "position": found.position,
        "unsealed": found.unsealed,
        "redacted": found.redacted,
        "redactions_unfinished": unfinished,
        "foreign_objects": found.foreign_objects,
        "head": found.head,
        "log": session.log.id if found.whole else None,
        "first_problem": None
        if problem is None
        else {"position": problem.position, "event": problem.event, "what": problem.what},
    }
    missing = [head for head in heads if head not in found.heads] if found.whole else []
    if arguments.head:
        answer["head_found_at"] = found.heads.get(arguments.head.lower())
    held, since = None, []
    if report and imported and found.whole:
        held = _held_to_published(session, report, imported)
        answer |= held.json() | {"redacted_since": []}
    elif report and found.whole and not missing:
        here = quoted or report.position
        context = gathered_again(session, report.apart, here)
        held = hold(session, report, context)
        since = [] if held.same else _redacted_since(session, context, here)
        answer |= held.json() | {"redacted_since": [each.id for each in since]}
    if arguments.json:
        write_json(answer)
    else:
        for each in unfinished:
            handle = handle_of(each)
            say(
                f"tracker: {handle} is redacted, but its text may still be in unused parts of the store's files\n"
                f"  Finish it: tracker redact {handle}"
            )
        _say(arguments, found, missing)
        if report and missing and report.log:
            say(
                f"  The report was written from log {report.log}; to see this log's id: tracker verify --json"
            )
        if report and held:
            _say_report(report, held, since, quoted, imported)
    return 0 if found.whole and not missing and (held is None or held.same) else 5


def _say(arguments: argparse.Namespace, found: "Verified", missing: list[str]) -> None:
    problem = found.first_problem
    if problem is None:
        redacted = f", {found.redacted} redacted" if found.redacted else ""
        print(f"The log is whole: {found.events} events{redacted}, {found.unsealed} of them not sealed yet.")
        print(f"head {found.head}")
    else:
        where = f"position {problem.position}, {problem.event or 'no event'}: " if problem.position else ""
        print(f"The log is not whole: {where}{problem.what}.")
        after = "after that position " if problem.position else ""
        if found.foreign_objects and not found.is_only_foreign:
            print(f"Besides, {not_ours(found.foreign_objects)}.")
        if found.is_only_foreign:
            say(
                "  Its rows match their proof; but such things decide which rows are stored and shown: ask who made"
            )
            say("  them and when, drop them, and verify again")
            return
        say(f"  Keep this file unchanged and restore an earlier copy beside it: nothing {after}is proven")
    for head in missing:
        print(f"That head is not in this log: {head}. The end of the log was cut off, or it is another log.")
    if arguments.head and not missing and found.whole:
        print(f"That head is in this log, at position {found.heads[arguments.head.lower()]}.")


def _say_report(
    report: Report, held: Held, since: "Sequence[Recorded]", quoted: int | None, imported: Effective | None
) -> None:
    path = report.path
    if imported is not None:
        print(
            f"The report was published in log {report.log}; it is compared with the text that came with the bundle."
        )
        made = report.apart.attributes
        if (path.parent / unquote(made.get("folder", made["incident"]))).is_dir():
            say("  Its pictures are not in the bundle and were not checked")
    if quoted is not None:
        incident = report.apart.attributes["incident"]
        print(
            f"The report quotes log {report.log}, from which {incident} was imported at position {quoted} here."
        )
        say(
            f"  Only the bundle proves that log's head: tracker verify --bundle FILE --head {word(report.head)}"
        )
    if held.parts:
        print(f"{path} differs: {', '.join(held.parts)}.")
    elif held.to_the_byte and imported is None:
        print(f"{path} is reproduced byte for byte.")
    elif imported is not None:
        print(f"{path}: each of its {len(report.apart.parts)} generated parts is as it was published.")
    else:
        print(f"{path}: each of its {len(report.apart.parts)} generated parts is reproduced byte for byte.")
    for file in held.pictures:
        print(f"{file} differs.")
    by_hand = held.by_hand
    if by_hand:
        where = " as HTML" if report.is_page else f" (in {_lines(report.apart.prose_alone())})"
        stands = "is" if by_hand == 1 else "are"
        print(
            f"{report_files.hand_lines(by_hand)}{where} {stands} outside the generated parts and cannot be checked."
        )
    if held.published:
        print(f"It is identical to the published report ({handle_of(held.published)}).")
    if imported is not None and not held.same:
        say(f"  See what was published: tracker show {imported.handle} --raw | diff {word(path)} -")
    if held.same or imported is not None:
        return
    held_in = report.apart.attributes
    again = ["tracker", "report", held_in["incident"]]
    at_position = [*again, "--at-seq", str(quoted or report.position)]
    for option, key, default in (
        ("--tz", "zone", "UTC"),
        ("--template", "template", "guide"),
        ("--pictures", "pictures", "none"),
    ):
        if held_in.get(key, default) != default:
            at_position += [option, held_in[key]]
    for each in since:
        assert each.redacted is not None
        print(f"Reason: {each.handle}, which it uses, was {redaction(each.redacted)}")
    if since:
        say(f"  Write it again: {command(*again)}; or compare it with the log at that position:")
    else:
        say("  It was edited, or written by another version; compare it with the log:")
    if report.is_page:
        at_position += ["--format", "html"]
    if held.parts:
        say(f"  {command(*at_position, '-o', '-')} | diff {word(path)} -")
    else:
        say(f"  {command(*at_position, '-o', '/tmp/' + held_in['incident'] + '.md')}")


def _published_there(session: Session, report: Report) -> Effective | None:
    """Return the publication of a report in another log, if it came here in a bundle with its text."""
    if report.is_page or report.log in ("", session.log.id):
        return None
    there = report.apart.attributes["incident"]
    for each in session.log.select([Window(import_scope(report.log, there))]):
        assert isinstance(each.event, BundleImported)
        here = session.incident(each.event.numbers.get(there, there))
        for published in reversed(publications(here)):
            origin, event = published.recorded.arrival.origin, published.event
            is_it = isinstance(event, ReportPublished) and event.position == report.position
            if (
                is_it
                and origin is not None
                and origin.log == report.log
                and published_text(session, published)
            ):
                return published
    return None


def _held_to_published(session: Session, report: Report, published: Effective) -> Held:
    """Compare a report with the text of its publication, which proves no position and no picture of this log."""
    before = published_text(session, published)
    assert before is not None
    assert isinstance(published.event, ReportPublished)
    parts = [Part(part.name, part.text, part.attributes) for part in before.parts]
    same = hashlib.sha256(report.data).digest() == published.event.sha256
    return Held(
        str(report.path),
        _differing(report, parts),
        [],
        same,
        report.apart.by_hand,
        published.id if same else None,
    )


def _redacted_since(session: Session, context: Context, here: int) -> "list[Recorded]":
    """Return the events that the report uses and that were redacted after its position in the log."""
    found = context.redacted
    later = session.log.by_ids([each.redacted.event for each in found if each.redacted is not None])
    after = {each.id for each in later if each.position > here}
    return [each for each in found if each.redacted is not None and each.redacted.event in after]


def _lines(prose: str) -> str:
    """Name the lines of a file that hold something: line 3, lines 5–7."""
    numbers = [number for number, line in enumerate(prose.split("\n"), 1) if line.strip()]
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    told = [f"{span[0]}–{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans]
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(told)}"


def _report(path: Path) -> Report:
    """Read a report.

    Raises:
        BadInputError: If it is none, its marks are broken, or its footer names no position.
    """
    data = report_files.read(path)
    apart = report_files.parse_report_file(path, data, BadInputError)
    footer = report_files.footer_of(apart)
    if not footer:
        raise BadInputError(
            f"{path} has no footer with a log position and a head",
            hint=f"Write a new one beside it: tracker report {word(apart.attributes.get('incident', 'INC'))} -o new.md",
        )
    return Report(path, data, apart, int(footer["position"]), footer["head"], footer["log"] or "")


def hold(session: Session, report: Report, context: Context) -> Held:
    """Write a report again as of its position, and compare each part and each existing picture."""
    template = report.apart.attributes["template"]
    written = write(context, template=template)
    held = _held(report, written)
    for each in publications(session.incident(report.apart.attributes["incident"])):
        # What was published says so, which the log could not at that position.
        if not isinstance(each.event, ReportPublished) or each.event.position != report.position:
            continue
        then = write(replace(context, standing=as_published(each)), template=template, with_pictures=False)
        other = _held(report, replace(then, pictures=written.pictures))
        if len(other.parts) < len(held.parts):
            held = other
        if each.event.sha256 == hashlib.sha256(report.data).digest():
            held = replace(held, published=each.id)
    return held


def _held(report: Report, written: "Document") -> Held:
    if report.is_page:
        return _held_page(report, written)
    beside = report.path.parent
    pictures = [
        str(beside / path)
        for path, data in sorted(written.pictures.items())
        if (beside / path).exists() and (beside / path).read_bytes() != data
    ]
    same = report.data == written.markdown.encode()
    return Held(
        str(report.path), _differing(report, written.parts), pictures, same, report.apart.by_hand, None
    )


def _held_page(report: Report, written: "Document") -> Held:
    made = page(written.parts, written.page_pictures)
    parts = _differing(report, made.parts)
    by_hand = hand_lines(report.apart, made)
    if by_hand is None:
        parts.append("the page around the parts (line 1)")
    same = report.data == made.whole([""] * (len(made.parts) + 1))
    return Held(str(report.path), parts, [], same, by_hand or 0, None)


def _differing(report: Report, parts: "Sequence[Part]") -> list[str]:
    fresh = {part.name: part for part in parts}
    wrong = [
        f"{each.name} (line {each.first_line})"
        for each in report.apart.parts
        if each.name not in fresh
        or each.text != fresh[each.name].text
        or dict(each.attributes) != dict(fresh[each.name].attributes)
    ]
    return wrong + [f"{name} (missing)" for name in fresh if report.apart.part(name) is None]
