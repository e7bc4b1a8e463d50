"""Write the post-incident report and its pictures from the log alone.

The same log position gives the same bytes on every machine and in every time zone. Unknown facts
are listed as unknown, with the command that records them. Text added by hand between the generated
parts is kept when the report is regenerated. Edits inside a generated part are shown and never
overwritten.
"""

import argparse
import sys
from pathlib import Path

from tracker.application import report_files
from tracker.application.report import as_it_was, document
from tracker.application.secret_warnings import secret_notices
from tracker.application.session import Session
from tracker.cli import report_diff, report_html
from tracker.cli.common import add_incident, add_reading, say, write_json
from tracker.cli.progress import waiting
from tracker.text.shell import word

EXAMPLE = "example:  tracker report INC-42        tracker report INC-42 -o - | less"


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="default ./INC-42.md (or .html); pictures go into a folder named after the file; - is stdout",
    )
    parser.add_argument(
        "--format",
        choices=("markdown", "html"),
        default="markdown",
        help="html is one page that contains its pictures",
    )
    parser.add_argument(
        "--template",
        choices=("guide", "google", "pagerduty"),
        help="headings (default: those of the existing file, else guide)",
    )
    parser.add_argument(
        "--pictures",
        choices=("svg", "png", "none"),
        help="picture format (default that of the existing file, else svg; always none for markdown on stdout)",
    )
    parser.add_argument("--tz", metavar="ZONE", help="time zone of the timeline (default UTC)")
    parser.add_argument(
        "--diff", choices=("published",), help="show what changed since it was last published; write no file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite edits in generated parts")
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    incident = session.incident(arguments.incident, up_to)
    name = incident.id
    if arguments.diff:
        return report_diff.run(arguments, session, incident, up_to)
    aside = arguments.output == "-" or arguments.json
    if arguments.format == "html":
        return report_html.run(arguments, session, incident, up_to)
    target = Path(arguments.output or f"{name}.md")
    found = None if aside else report_files.existing_report(target, name)
    report_files.refuse_witness(session, target, found, "report")
    held = found.attributes if found else {}
    template = arguments.template or held.get("template", "guide")
    with waiting("report"):
        written = document(
            session,
            incident,
            up_to,
            zone_name=arguments.tz or held.get("zone", "UTC"),
            pictures=_pictures(arguments, target, held.get("pictures", "svg")),
            folder=report_files.picture_folder(target, name),
            template=template,
        )
    if aside:
        say(*secret_notices(written.markdown, "the report"))
    if arguments.json:
        write_json({"incident": name, "template": template, "markdown": written.markdown})
        return 0
    if aside:
        sys.stdout.flush()
        sys.stdout.buffer.write(written.markdown.encode())
        return 0
    data = written.markdown.encode()
    if found is not None:
        data = report_files.regenerate(
            target,
            found,
            written.parts,
            force=arguments.force,
            as_it_was=lambda: as_it_was(session, found),
        )
    say(*secret_notices(data.decode("utf-8", "replace"), str(target)))
    report_files.refuse_changed(target, found)
    report_files.write_report(target, data, written.pictures)
    print(target)
    for path in sorted(written.pictures):
        print(target.parent / path)
    if found is not None and found.by_hand:
        say(f"{target} keeps {report_files.hand_lines(found.by_hand)}")
    say(f"Next: read it, then: tracker verify --report {word(target)}")
    return 0


def _pictures(arguments: argparse.Namespace, target: Path, before: str) -> str:
    """Return the format of the pictures; none where there is no place for them, so that no link is dead."""
    chosen: str = arguments.pictures or before
    if arguments.output != "-" and not arguments.json and (target.is_file() or not target.exists()):
        return chosen
    if arguments.pictures and chosen != "none":
        say(f"tracker: the report has no {chosen} pictures: there is no place for them beside it")
        say("  Write it to a file: -o FILE; or with its pictures in it: --format html")
    return "none"
