"""Write the monthly review of all incidents: how often, how fast, what changed, what comes back.

Each figure has its 95 % interval and its n, and is compared with the span of the same length before, with
--by quarter or month with all earlier periods together. A change is claimed only where its interval
excludes that there was none; however many figures the page has, it errs in 5 of 100 pages. No duration is averaged, and open
incidents count for as long as they have lasted. Figures are per service, except with --by severity.
"""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path

from projections.trends.measures import Measure
from reports import html
from reports.generated_regions import Part
from reports.trends import (
    Picture,
    all_not_told,
    moved,
    not_told,
    pages,
    pictures_of,
    says,
    says_corrected,
    says_moved,
)
from tracker.application import lake_trends
from tracker.application.report_files import write_report
from tracker.application.session import Session
from tracker.application.trends import DAYS, Trends, span_of, span_until, trends
from tracker.application.trends_moved import Corrected, corrections_between
from tracker.cli.common import add_reading, say, write_json
from tracker.cli.progress import waiting
from tracker.errors import UsageError
from tracker.lake import duckdb_engine, spark_engine
from tracker.lake.reading import Lake, open_lake
from tracker.text.terminal import printable

EXAMPLE = "example:  tracker trends --from 2026-01-01T00:00Z --to 2026-04-01T00:00Z        tracker trends --by quarter --service checkout -o review.md"

_CORRECTED = ("event", "handle", "kind", "target", "by", "why")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="start", metavar="T", help=f"start of the span (default {DAYS} days before its end)"
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
        "-o",
        "--output",
        metavar="FILE",
        help="write the page to a file, with pictures in a folder beside it (- is stdout, the default)",
    )
    parser.add_argument(
        "--lake", metavar="DIR", help="from the folder of a tracker export, instead of the log"
    )
    parser.add_argument(
        "--engine", choices=("duckdb", "spark"), default="duckdb", help="what reads the lake (default duckdb)"
    )
    parser.add_argument(
        "--format",
        choices=("markdown", "html"),
        help="html is one page that contains its pictures (default by the name of FILE, else markdown)",
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="with --known-at or --at-seq: name the figures that what was recorded since then moved",
    )
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    if arguments.lake is not None:
        return _of_lake(arguments, session)
    up_to = session.position_limit()
    if arguments.diff and up_to is None:
        raise UsageError(
            "--diff: compared with what?",
            hint="Name what was known then: tracker trends --diff --known-at 2026-04-01T09:00Z",
        )
    start, end = span_of(session.log, *_typed_span(arguments, session), up_to)
    services = [session.asked_service(name) for name in arguments.service or ()]
    asked = partial(trends, session.log, start, end, services=services, by=arguments.by)
    with waiting("trends"):
        answer = asked(up_to=up_to)
        now = asked(up_to=None) if arguments.diff else None
        made = corrections_between(session.log, answer.position) if arguments.diff else []
    if now is not None:
        return _print_moved(answer, now, made, as_json=arguments.json)
    return _answered(arguments, answer)


def _of_lake(arguments: argparse.Namespace, session: Session) -> int:
    """Answer from a lake, which knows one time only: that of its last export."""
    if arguments.known_at is not None or arguments.at_seq is not None or arguments.diff:
        raise UsageError("a lake has no earlier time", hint="Ask the log: leave out --lake")
    lake = open_lake(arguments.lake)
    with contextlib.ExitStack() as stack:
        query = _engine(arguments.engine, lake, stack)
        first, last = _typed_span(arguments, session)
        start, end = span_until(lake_trends.known_at(lake, query), first, last)
        services = arguments.service or ()
        answer = lake_trends.trends(lake, query, start, end, services=services, by=arguments.by)
    return _answered(arguments, answer)


def _engine(name: str, lake: Lake, stack: contextlib.ExitStack) -> lake_trends.Query:
    if name == "duckdb":
        return duckdb_engine.query
    spark = stack.enter_context(spark_engine.connected(lake, lake_trends.TABLES))
    return lambda _, sql: spark_engine.answer(spark, sql)


def _typed_span(arguments: argparse.Namespace, session: Session) -> tuple[datetime | None, datetime | None]:
    typed = ((arguments.start, "--from"), (arguments.end, "--to"))
    first, last = (session.instant(text, option=option).at if text else None for text, option in typed)
    return first, last


def _answered(arguments: argparse.Namespace, answer: Trends) -> int:
    untold = not_told(answer.measures, answer.left_out, answer.comparisons, answer.open_incidents)
    if arguments.json:
        write_json(
            {
                "from": answer.start,
                "to": answer.end,
                "services": answer.services,
                "position": answer.position,
                "known_at": answer.known_at,
                "comparisons": answer.comparisons,
                "measures": [_figure(one) for one in answer.measures],
                "repeats": answer.repeats,
                "over_time": answer.over_time.counts,
                "not_told": all_not_told(untold),
            }
        )
        return 0
    target = None if arguments.output in (None, "-") else Path(arguments.output)
    is_html = arguments.format == "html" or (
        arguments.format is None and target is not None and target.suffix.lower() in (".html", ".htm")
    )
    drawn = {}
    if is_html or target is not None:
        folder = target.stem if target is not None else "trends"
        drawn = pictures_of(answer.over_time, folder)
    sections = _sections(answer, untold, drawn)
    beside = {one.path: one.svgs for several in drawn.values() for one in several}
    data = "\n".join(markdown for _, markdown in sections).encode()
    if is_html:
        parts = [Part(name, markdown) for name, markdown in sections]
        made = html.page(parts, beside)
        data = "".join([made.top, *(part.text for part in made.parts), made.bottom]).encode()
        beside = {}
    if target is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    write_report(target, data, {path: wide for path, (wide, _) in beside.items()})
    print(target)
    for path in sorted(beside):
        print(target.parent / path)
    return 0


def _figure(figure: Measure) -> dict[str, object]:
    return {**asdict(figure), "says": says(figure)}


def _sections(
    answer: Trends, untold: Mapping[str, Sequence[str]], drawn: Mapping[str, Sequence[Picture]]
) -> list[tuple[str, str]]:
    counted = f"{answer.incidents} incident{'s' if answer.incidents != 1 else ''}"
    return [
        *pages(
            f"Incidents from {answer.start:%Y-%m-%d} to {answer.end:%Y-%m-%d}: {counted}",
            answer.measures,
            repeats=[(one.incident, one.earlier, one.reasons, one.open_actions) for one in answer.repeats],
            not_told=untold,
            comparisons=answer.comparisons,
            over_time=answer.over_time.counts,
            pictures=drawn,
        ),
        ("footer", f"Computed from the log up to position {answer.position}.\n"),
    ]


def _print_moved(then: Trends, now: Trends, made: Sequence[Corrected], *, as_json: bool) -> int:
    """Say which figures are other ones now than they were, of the same span, and what was corrected there."""
    changed = [
        (before, after, [one for one in made if one.concerns(before, after)])
        for before, after in moved(then.measures, now.measures)
    ]

    def says_all(before: Measure | None, after: Measure | None, corrected: Sequence[Corrected]) -> str:
        named = [says_corrected(one.handle, one.kind, one.target, one.by, one.why) for one in corrected]
        return says_moved(before, after, named)

    if as_json:
        write_json(
            {
                "from": then.start,
                "to": then.end,
                "then": {"position": then.position, "known_at": then.known_at},
                "now": {"position": now.position, "known_at": now.known_at},
                "moved": [
                    {
                        "before": before and _figure(before),
                        "after": after and _figure(after),
                        "corrections": [
                            {name: getattr(one, name) for name in _CORRECTED} for one in corrected
                        ],
                        "says": says_all(before, after, corrected),
                    }
                    for before, after, corrected in changed
                ],
            }
        )
        return 0
    for before, after, corrected in changed:
        print(printable(says_all(before, after, corrected)))
    if not changed:
        print("No figure moved.")
    say(
        f"{len(changed)} of {len(now.measures)} figures moved between position {then.position} and {now.position}"
    )
    return 0
