"""Export the log as tables for analytics: Delta tables for DuckDB and Spark, or CSV or JSON lines for anything else.

Delta tables get what is new since the last export, each event exactly once, however often and from wherever it is
run; what was redacted since is removed from them for good. CSV and JSON lines are written anew. The folder can be
deleted at any time: the log is the truth, and the next export makes it again. Each column: docs/lake.md.
"""

import argparse
from pathlib import Path

from tracker.application.export import FORMATS, export
from tracker.application.session import Session
from tracker.cli.common import add_json, say, write_json
from tracker.cli.progress import PROGRESS
from tracker.text.shell import command

EXAMPLE = "example:  tracker export lake        tracker export tables --format csv"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="a new folder, or that of an earlier export")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="delta",
        help="delta (default) needs: pip install 'tracker[lake]'",
    )
    add_json(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    made = export(session, Path(arguments.folder), arguments.format, PROGRESS)
    if arguments.json:
        write_json(
            {
                "folder": str(made.folder),
                "format": made.format,
                "log": made.log,
                "from_position": made.since,
                "position": made.position,
                "rows": made.rows,
                "redacted": made.redacted,
            }
        )
        return 0
    print(made.folder)
    print(f"position {made.position}")
    for name, rows in sorted(made.rows.items()):
        if rows:
            say(f"{name}: {rows} rows written")
    if made.redacted:
        say(f"the text of {made.redacted} redacted events was removed for good")
    if made.format == "delta":
        query = "SELECT topic, count(*) FROM events GROUP BY topic"
        say(f"Next: {command('tracker', 'sql', arguments.folder, query)}")
    return 0
