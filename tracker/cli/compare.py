"""Did it help? Each metric over 10 minutes, 1 hour and 1 day after each deploy and rollback.

Nothing is appended. Where the log holds what was said when a window closed, and the judge says
otherwise today, both are shown.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from tracker.cli.common import (
    add_display_zone,
    add_incident,
    add_reading,
    plain,
    printable,
    say,
    table,
    write_json,
)
from tracker.cli.progress import waiting
from tracker.cli.workspace import Workspace

if TYPE_CHECKING:
    from projections.verdicts.rows import Row

EXAMPLE = (
    "example:  tracker compare INC-42        tracker compare . --change checkout@v1.2.1 --metric error_ratio"
)

_HIDDEN = ("better",)
_BASELINES = {"before_change": "before it", "healthy": "healthy time"}
_COLOURS = {
    "recovered": "32", "improved": "32", "regressed": "31", "still_degraded": "31", "partly_recovered": "33",
    "not_enough_data": "2", "no_data": "2", "pending": "2",
}  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take the incident, and perhaps one change and one metric."""
    add_incident(parser)
    parser.add_argument(
        "--change", metavar="EVENT", help="one deploy or rollback: a handle, an id, or SERVICE@VERSION"
    )
    parser.add_argument("--metric", metavar="M", help="one metric")
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Print them."""
    from tracker.cli.comparing import compared

    upto = workspace.cut()
    incident = workspace.incident(arguments.incident, upto)
    change = workspace.event(arguments.change, upto) if arguments.change else None
    with waiting("compare"):
        found = compared(workspace, incident, upto, change=change, metric=arguments.metric)
    if arguments.json:
        write_json({"incident": incident.id, "rows": [described(row) for row in found.rows]})
        return 0
    print(f"{incident.id}  {printable(incident.title)}")
    if not found.changes:
        print(f"No deploy or rollback of {', '.join(incident.services)} belongs to it; nothing is compared.")
        print(
            f"See what was deployed: tracker changes {incident.id}; put one in: tracker link {incident.id} EVENT"
        )
        return 0
    if not found.rows:
        print("No metric is configured and no samples are recorded: nothing is compared.")
        print("Add [services.NAME.metrics.NAME] to tracker.toml, then: tracker collect " + incident.id)
        return 0
    for change_row in found.changes:
        mine = [row for row in found.rows if row.change == change_row.event]
        if mine:
            print()
            _print(mine, workspace)
    if any(row.verdict in ("pending", "no_data") for row in found.rows):
        say(f"Next: tracker collect {incident.id}   ·   tracker watch {incident.id}")
    return 0


def described(row: "Row") -> dict[str, object]:
    """Return a row's JSON keys."""
    return {each.name: plain(getattr(row, each.name)) for each in fields(row) if each.name not in _HIDDEN}


def _print(rows: "Sequence[Row]", workspace: Workspace) -> None:
    from projections.verdicts.words import headline
    from tracker.times import spoken

    first = rows[0]
    at = first.deployed_at.astimezone(workspace.shown_zone)
    what = "rolled back to" if first.kind == "rollback" else "deployed"
    print(printable(f"{first.handle}  {first.service} {what} {first.version} at {at:%Y-%m-%d %H:%M:%S %Z}"))
    print(printable(f"  {headline(rows)}"))
    settling = max(row.settling_seconds for row in rows)
    print(f"  judged from {spoken(settling)} after it began, once it had settled")
    lines = [("", "METRIC", "WINDOW", "BESIDE", "VERDICT", "WAS", "EXPECTED", "SHIFT", "WOULD SHOW", "")]
    before = ""
    for row in rows:
        name = row.metric if row.metric != before else ""
        before = row.metric
        lines.append(
            ("", name, row.window, _BASELINES[row.baseline], row.verdict.replace("_", " "),
             _number(row.observed, row.unit), _number(row.expected, row.unit), _shift(row),
             _sign(row.smallest_visible_change, row.unit), _remarks(row))
        )  # fmt: skip
    text = table(lines, gap="  ")
    sys.stdout.write(_coloured(text) if _has_colour() else text)


def _number(value: float | None, unit: str | None) -> str:
    from reports.numbers import said, six_digits

    return "–" if value is None else said(float(f"{six_digits(value):.3g}"), unit)


def _sign(value: float | None, unit: str | None) -> str:
    return "–" if value is None else f"±{_number(value, unit)}"


def _shift(row: "Row") -> str:
    if row.shift is None:
        return "–"
    if row.shift_percent is not None and abs(row.shift_percent) < 1000:
        return f"{row.shift_percent:+.0f} %".replace("-", "−")
    return ("+" if row.shift > 0 else "") + _number(row.shift, row.unit)


def _remarks(row: "Row") -> str:
    from projections.verdicts.words import after_change

    parts = []
    if row.recovered_at is not None:
        parts.append(f"normal {after_change(row)}")
    if row.strength is not None and row.verdict not in ("unchanged", "unaffected", "within_normal"):
        parts.append(f"strength {min(row.strength, 999):.1f}")
    parts += [flag.replace("_", " ") for flag in row.flags if flag != "confounded"]
    if row.confounded_by:
        parts.append(f"confounded by {', '.join(dict.fromkeys(row.confounded_by))}")
    if row.reason:
        parts.append(row.reason)
    if row.provisional and row.verdict not in ("pending", "no_data"):
        parts.append("provisional")
    if row.said_then is not None:
        parts.append(
            f"said then: {str(row.said_then['verdict']).replace('_', ' ')} (judge {row.said_then['judge_version']})"
        )
    return " · ".join(parts)


def _has_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(text: str) -> str:
    """Colour the verdicts; widths were laid out before, so columns stay."""
    words = "|".join(sorted((each.replace("_", " ") for each in _COLOURS), key=len, reverse=True))
    pattern = re.compile(rf"(?<=before it     |healthy time  )({words})\b")
    return pattern.sub(lambda m: f"\x1b[{_COLOURS[m[1].replace(' ', '_')]}m{m[1]}\x1b[0m", text)
