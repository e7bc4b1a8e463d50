"""Compare each metric before and after each deploy and rollback, over 10 minutes, 1 hour and 1 day.

Nothing is recorded. If the verdict recorded when a window closed differs from today's, both are
shown.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields

from projections.comparison import INCIDENT, SO_FAR, VerdictRow
from reports.numbers import rounded_with_unit
from reports.wording.changes import version_name
from reports.wording.verdict_phrases import headline, reason, remarks, settled_after, when_normal
from tracker.application.json_values import plain
from tracker.application.session import Session
from tracker.application.verdicts import compute_verdicts
from tracker.cli.common import (
    add_display_zone,
    add_incident,
    add_reading,
    say,
    write_json,
    write_unfiltered,
)
from tracker.cli.progress import waiting
from tracker.text.terminal import printable, table

EXAMPLE = (
    "example:  tracker compare INC-42        tracker compare . --change checkout@v1.2.1 --metric error_ratio"
)

_HIDDEN = ("better", "reasons")
_BASELINES = {"before_change": "before it", "healthy": "healthy time"}
_COLOURS = {
    "recovered": "32", "improved": "32", "regressed": "31", "still_degraded": "31", "partly_recovered": "33",
    "not_enough_data": "2",
}  # fmt: skip
_MOVED = ("improved", "regressed", "shifted", "partly_recovered", "still_degraded")
"""Of these it is worth a word how strong they are; of what did not move it is noise."""
_MANYFOLD_PERCENT = 1_000


def arguments(parser: argparse.ArgumentParser) -> None:
    add_incident(parser)
    parser.add_argument(
        "--change", metavar="EVENT", help="only this deploy or rollback: a handle, an id, or SERVICE@VERSION"
    )
    parser.add_argument("--metric", metavar="M", help="only this metric")
    add_display_zone(parser)
    add_reading(parser)


def run(arguments: argparse.Namespace, session: Session) -> int:
    up_to = session.position_limit()
    incident = session.incident(arguments.incident, up_to)
    change = session.event(arguments.change, up_to, incident) if arguments.change else None
    with waiting("compare"):
        found = compute_verdicts(session, incident, up_to, change=change, metric=arguments.metric)
    if arguments.json:
        write_json({"incident": incident.id, "rows": [described(row) for row in found.rows]})
        return 0
    print(f"{incident.id}  {printable(incident.title)}")
    if not found.changes and not found.rows:
        print(
            f"No deploy or rollback of {', '.join(incident.services)} is attached to it, so there is nothing to compare."
        )
        if incident.ends_at is None:
            print(
                f"It is judged by itself once ten minutes of samples of it are recorded: tracker collect {incident.id}"
            )
        print(
            f"See what was deployed: tracker changes {incident.id}; attach one: tracker link {incident.id} EVENT"
        )
        return 0
    if not found.rows:
        print("No metric is configured and no samples are recorded, so there is nothing to compare.")
        print("Add [services.NAME.metrics.NAME] to tracker.toml, then: tracker collect " + incident.id)
        return 0
    for key in dict.fromkeys((row.change, row.service) for row in found.rows):
        print()
        _print([row for row in found.rows if (row.change, row.service) == key], session)
    if any(row.verdict in ("pending", "no_data") for row in found.rows):
        say(f"Next: tracker collect {incident.id}   ·   tracker watch {incident.id}")
    return 0


def described(row: "VerdictRow") -> dict[str, object]:
    """Return a row's JSON keys."""
    shown = {key.name: plain(getattr(row, key.name)) for key in fields(row) if key.name not in _HIDDEN}
    return {**shown, "reason": reason(row)}


def _print(rows: "Sequence[VerdictRow]", session: Session) -> None:
    first = rows[0]
    at = first.deployed_at.astimezone(session.shown_zone)
    what = "rolled back to" if first.kind == "rollback" else "deployed"
    said = f"{what} {version_name(first.version)}"
    if first.kind == INCIDENT:
        said = "was back, or the incident was over,"
    so_far = SO_FAR in first.flags
    said = "goes on: judged by the ten minutes from" if so_far else f"{said} at"
    print(printable(f"{first.handle}  {first.service} {said} {at:%Y-%m-%d %H:%M:%S %Z}"))
    print(printable(f"  {headline(rows)}"))
    told = [row for row in rows if row.verdict not in ("pending", "no_data") or row.said_then is not None]
    if told:
        if any(row.settling_seconds for row in told):
            print(f"  judged from {settled_after(rows)} after it began, once it had settled")
        text = _table(told)
        write_unfiltered(_coloured(text) if _has_colour() else text)
    for line in _notes(rows, session):
        print(printable(f"  {line}"))


def _table(rows: "Sequence[VerdictRow]") -> str:
    lines = [
        ("", "METRIC", "WINDOW", "BASELINE", "VERDICT", "OBSERVED", "EXPECTED", "SHIFT", "DETECTABLE", "")
    ]
    before = ""
    for row in rows:
        name = row.metric if row.metric != before else ""
        before = row.metric
        lines.append(
            ("", name, row.window, _BASELINES[row.baseline], row.verdict.replace("_", " "),
             _number(row.observed, row.unit), _number(row.expected, row.unit), _shift(row),
             _sign(row.smallest_visible_change, row.unit), _remarks(row))
        )  # fmt: skip
    return table(lines, gap="  ")


def _notes(rows: "Sequence[VerdictRow]", session: Session) -> list[str]:
    """Say once, not in every row, why something cannot be told, and when a window will be over."""
    windows: dict[tuple[str, str], dict[str, list[str]]] = {}
    known = {(row.metric, row.window): reason(row) for row in rows if row.baseline == "before_change"}
    for row in rows:
        said = known.get((row.metric, row.window)) if row.baseline == "healthy" else None
        # Beside healthy time the same is missing, in a sentence more.
        why = reason(row)
        if why and not (said and why.endswith(said)):
            ends = row.window_to.astimezone(session.shown_zone)
            day = "" if ends.date() == row.deployed_at.astimezone(session.shown_zone).date() else "%Y-%m-%d "
            until = f" until {ends:{day}%H:%M:%S}" if row.verdict == "pending" else ""
            mine = windows.setdefault((row.verdict.replace("_", " "), why), {})
            mine.setdefault(row.metric, []).append(f"{row.window}{until}")
    lines = []
    for (verdict, why), metrics in windows.items():
        same: dict[str, list[str]] = {}
        for metric, found in metrics.items():
            same.setdefault(", ".join(dict.fromkeys(found)), []).append(metric)
        whose = "; ".join(f"{', '.join(names)} ({spans})" for spans, names in same.items())
        lines.append(f"{verdict}: {whose}. {why}")
    return lines


def _number(value: float | None, unit: str | None) -> str:
    return "–" if value is None else rounded_with_unit(value, unit)


def _sign(value: float | None, unit: str | None) -> str:
    return "–" if value is None else f"±{_number(value, unit)}"


def _shift(row: "VerdictRow") -> str:
    """Say how far it moved: in percent of what was expected, manyfold as a factor, else in its own unit."""
    if row.shift is None:
        return "–"
    percent = row.shift_percent
    if percent is not None and abs(percent) < _MANYFOLD_PERCENT:
        # What is not quite all of it is not called all.
        digits = 1 if 99 < abs(percent) < 100 else 0
        return f"{percent:+.{digits}f} %".replace("-", "−") if round(percent, digits) else "0 %"
    if row.expected and row.observed and row.observed / row.expected > 0:
        return f"×{row.observed / row.expected:,.0f}"
    # Percent of a ratio and percent of what was expected must not look the same.
    moved = _number(row.shift, row.unit).replace(" %", " points")
    return f"+{moved}" if row.shift > 0 else moved


def _remarks(row: "VerdictRow") -> str:
    parts = []
    if normal := when_normal(row):
        parts.append(f"normal {normal}")
    if row.strength is not None and row.verdict in _MOVED:
        parts.append(f"strength {row.strength:.{1 if row.strength < 100 else 0}f}")
    parts += remarks(row)
    if row.cut_by:
        parts.append(f"until {version_name(row.cut_by)}")
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
    baselines = "|".join(_BASELINES.values())
    pattern = re.compile(rf"^(.*? (?:{baselines}) +)({words})\b", re.MULTILINE)
    return pattern.sub(lambda m: f"{m[1]}\x1b[{_COLOURS[m[2].replace(' ', '_')]}m{m[2]}\x1b[0m", text)
