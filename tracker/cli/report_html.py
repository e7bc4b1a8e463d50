"""`tracker report INC --format html`: one page, with the prose that stands in the markdown beside it."""

import argparse
import sys
from pathlib import Path

from reports.generated_regions import BrokenMarksError, ParsedReport, parse
from reports.html import is_unmodified, page, render_prose
from reports.post_incident import Document
from tracker.application import report, report_files
from tracker.application.secret_warnings import secret_notices
from tracker.application.session import Session
from tracker.cli.common import say, write_json
from tracker.cli.progress import waiting
from tracker.errors import RefusedError
from tracker.incident import Incident
from tracker.text.shell import word


def run(arguments: argparse.Namespace, session: Session, incident: Incident, up_to: int | None) -> int:
    name = incident.id
    aside = arguments.output == "-" or arguments.json
    target = Path(arguments.output or f"{name}.html") if not aside else Path(f"{name}.html")
    if not aside:
        _refuse_edited(session, target, name, force=arguments.force)
    beside = target.with_suffix(".md")
    found = None if beside == target else report_files.existing_report(beside, name)
    held = found.attributes if found else {}
    with waiting("report"):
        written = report.document(
            session,
            incident,
            up_to,
            zone_name=arguments.tz or held.get("zone", "UTC"),
            pictures=arguments.pictures or held.get("pictures", "svg"),
            template=arguments.template or held.get("template", "guide"),
        )
    text = written.markdown
    if found is not None and found.by_hand:
        stood = found
        data = report_files.regenerate(
            beside, found, written.parts, force=False, as_it_was=lambda: report.as_it_was(session, stood)
        )
        found, text = _apart(data), data.decode("utf-8", "replace")
    else:
        found = None
    say(*secret_notices(text, "the report" if aside else str(target), lines=False))
    data = page_of(written, found)
    if arguments.json:
        write_json(
            {"incident": name, "template": written.parts[0].attributes["template"], "html": data.decode()}
        )
        return 0
    if aside:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    report_files.write_report(target, data, {})
    print(target)
    if found is not None:
        say(
            f"{report_files.hand_lines(found.by_hand)} from {beside} {'is' if found.by_hand == 1 else 'are'} included"
        )
    say(f"Next: open it in a browser, then: tracker verify --report {word(target)}")
    return 0


def page_of(written: "Document", found: "ParsedReport | None" = None) -> bytes:
    """Make the page of a report; `found` is the markdown with prose around the same parts."""
    made = page(written.parts, written.page_pictures)
    prose = [""] * (len(made.parts) + 1)
    if found is not None:
        # Prose stays behind the part that it stood behind, wherever that part was moved.
        order = {part.name: at for at, part in enumerate(made.parts, start=1)}
        rendered = render_prose(found)
        prose[0] = rendered[0]
        for part, after in zip(found.parts, rendered[1:], strict=True):
            prose[order[part.name]] += after
    return made.whole(prose)


def _apart(data: bytes) -> "ParsedReport":
    return parse(data)


def _refuse_edited(session: Session, target: Path, name: str, *, force: bool) -> None:
    """Refuse to overwrite a page that is not ours, or that somebody edited.

    Raises:
        RefusedError: With what to do instead.
    """
    if not target.is_file():
        return
    data = report_files.read(target)
    if not data.strip():
        return
    try:
        found = parse(data)
        incident = found.attributes.get("incident")
    except BrokenMarksError:
        found, incident = None, name if force else None
    if incident is None:
        raise RefusedError(f"{target} was not written by tracker", hint="Name another place: -o FILE")
    if incident != name:
        raise RefusedError(f"{target} is the report of {incident}", hint="Name another place: -o FILE")
    report_files.refuse_witness(session, target, found, "report")
    if not is_unmodified(data) and not force:
        raise RefusedError(
            f"{target} was edited by hand, and an HTML page is always rewritten as a whole",
            hint=f"Write prose in {target.with_suffix('.md')}: it is copied into the page. "
            f"To discard the edits: --force; to keep them, write elsewhere: -o FILE",
        )
