"""Write the monthly review of all incidents: how often, how fast, what changed, what comes back.

Each figure has its 95 % interval and its n, and is compared with the span of the same length before, with
--by quarter or month with all earlier periods together. A change is claimed only where its interval
excludes that there was none; however many figures the page has, it errs in 5 of 100 pages. No duration is averaged, and open
incidents count for as long as they have lasted. Each service stands alone, except with --by severity.
"""

import argparse
import re
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from reports.trends import not_told, page, says
from tracker.application.report_files import write_report
from tracker.application.session import Session
from tracker.application.trends import Trends, trends
from tracker.cli.common import add_reading, write_json
from tracker.cli.progress import waiting
from tracker.errors import UsageError

EXAMPLE = "example:  tracker trends --from 2026-01-01T00:00Z --to 2026-04-01T00:00Z        tracker trends --by quarter --service checkout -o review.md"
DAYS = 90


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="start", metavar="T", help=f"begin of the span (default {DAYS} days before its end)"
    )
    parser.add_argument(
        "--to", dest="end", metavar="T", help="end of the span (default: when the last event was recorded)"
    )
    parser.add_argument("--service", metavar="S", action="append", help="only this service; may be repeated")
    parser.add_argument(
        "--by",
        choices=("service", "severity", "quarter", "month"),
        help="one figure for each of these (default service)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write the page to a file (- is stdout, the default)"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    position = session.log.position if up_to is None else up_to
    last = session.log.recorded_at(position) or session.now
    end = session.instant(arguments.end, option="--to").at if arguments.end else last
    start = (
        session.instant(arguments.start, option="--from").at
        if arguments.start
        else end - timedelta(days=DAYS)
    )
    if end - start < timedelta(days=1):
        raise UsageError(
            f"from {start:%Y-%m-%d %H:%MZ} to {end:%Y-%m-%d %H:%MZ} is less than a day",
            hint="Give a longer span: tracker trends --from 2026-01-01T00:00Z --to 2026-04-01T00:00Z",
        )
    services = [session.asked_service(name) for name in arguments.service or ()]
    with waiting("trends"):
        answer = trends(session.log, start, end, services=services, by=arguments.by, up_to=up_to)
    untold = not_told(answer.measures, answer.left_out, answer.comparisons, answer.open_incidents)
    if arguments.json:
        _write_json(answer, untold)
        return 0
    text = _page(answer, untold)
    if arguments.output in (None, "-"):
        print(text, end="")
        return 0
    target = Path(arguments.output)
    write_report(target, text.encode(), {})
    print(target)
    return 0


def _write_json(answer: Trends, untold: list[str]) -> None:
    write_json(
        {
            "from": answer.start,
            "to": answer.end,
            "services": answer.services,
            "position": answer.position,
            "known_at": answer.known_at,
            "comparisons": answer.comparisons,
            "measures": [{**asdict(figure), "says": says(figure)} for figure in answer.measures],
            "repeats": answer.repeats,
            "not_told": untold,
        }
    )


def _page(answer: Trends, untold: list[str]) -> str:
    counted = f"{answer.incidents} incident{'s' if answer.incidents != 1 else ''}"
    heading = f"Incidents from {answer.start:%Y-%m-%d} to {answer.end:%Y-%m-%d}: {counted}"
    text = page(
        heading,
        answer.measures,
        repeats=[(one.incident, one.earlier, one.reasons, one.open_actions) for one in answer.repeats],
        not_told=[*untold, f"Computed from the log up to position {answer.position}."],
        comparisons=answer.comparisons,
    )
    return re.sub(r"\n{3,}", "\n\n", text)
