"""Write the monthly review of all incidents: how often, how fast, what changed, what comes back.

Each figure has its 95 % interval and its n, and is compared with the span of the same length before, with
--by quarter or month with all earlier periods together. A change is claimed only where its interval
excludes that there was none; however many figures the page has, it errs in 5 of 100 pages. No duration is averaged, and open
incidents count for as long as they have lasted. Each service stands alone, except with --by severity.
"""

import argparse
import contextlib
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from reports.trends import not_told, page, says
from tracker.application import lake_trends
from tracker.application.report_files import write_report
from tracker.application.session import Session
from tracker.application.trends import Trends, trends
from tracker.cli.common import add_reading, write_json
from tracker.cli.progress import waiting
from tracker.errors import UsageError
from tracker.lake import duckdb_engine, spark_engine
from tracker.lake.reading import Lake, open_lake
from tracker.lake.result import Result

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
    parser.add_argument(
        "--lake", metavar="DIR", help="from the folder of a tracker export, instead of the log"
    )
    parser.add_argument(
        "--engine", choices=("duckdb", "spark"), default="duckdb", help="what reads the lake (default duckdb)"
    )
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.lake is not None:
        return _of_lake(arguments, session)
    up_to = session.position_limit()
    position = session.log.position if up_to is None else up_to
    start, end = _span(arguments, session, session.log.recorded_at(position) or session.now)
    services = [session.asked_service(name) for name in arguments.service or ()]
    with waiting("trends"):
        answer = trends(session.log, start, end, services=services, by=arguments.by, up_to=up_to)
    return _answered(arguments, answer)


def _of_lake(arguments: argparse.Namespace, session: Session) -> int:
    """Answer from a lake, which knows one time only: that of its last export."""
    if arguments.known_at is not None or arguments.at_seq is not None:
        raise UsageError("a lake has no earlier time", hint="Ask the log: leave out --lake")
    lake = open_lake(arguments.lake)
    with contextlib.ExitStack() as stack:
        query = duckdb_engine.query
        if arguments.engine == "spark":
            spark = stack.enter_context(spark_engine.connected(lake, lake_trends.TABLES))

            def query(lake: Lake, sql: str) -> Result:
                return spark_engine.answer(spark, sql)

        start, end = _span(arguments, session, lake_trends.known_at(lake, query))
        services = arguments.service or ()
        answer = lake_trends.trends(lake, query, start, end, services=services, by=arguments.by)
    return _answered(arguments, answer)


def _span(arguments: argparse.Namespace, session: Session, last: datetime) -> tuple[datetime, datetime]:
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
    return start, end


def _answered(arguments: argparse.Namespace, answer: Trends) -> int:
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
