"""The alert that somebody proposes, as they type it: `error_ratio > 0.01 for 2m`.

One metric, one comparison, one number. What it would have done is `projections.backtest`'s.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NoReturn

from tracker.errors import UsageError
from tracker.times import duration_seconds

OPERATORS = (">", ">=", "<", "<=", "==", "!=")
LONGEST_FOR_SECONDS = 366 * 86400
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", "<>": "!=", "!": "!=", "===": "==", "!==": "!="}
_SHAPE = re.compile(r"(?P<metric>[^<>=!]*)(?P<operator>[<>=!]+)(?P<rest>.*)", re.DOTALL)
_FOR = re.compile(r"(?<!\w)for\b", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_METRIC = re.compile(r"[\w.:-]+")
_TIME = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = {
    **{"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
}
_SUFFIXES: dict[str, dict[str, float]] = {
    "ratio": {"%": 0.01},
    "percent": {"%": 1.0},
    "seconds": _TIME,
    "bytes": _SIZE,
    "per_second": {"/s": 1.0},
    "count": {},
}
_WRITTEN = {
    "ratio": "0.01 or 1%",
    "percent": "1 or 1%",
    "seconds": "0.5, 500ms or 2s",
    "bytes": "1000000, 1MB or 1MiB",
    "per_second": "20 or 20/s",
}
_NAMED = "Give the query a name in tracker.toml, [services.S.metrics.NAME], collect it, and write NAME"


@dataclass(frozen=True)
class AlertExpression:
    """A comparison as it was typed; its number has a meaning only with the metric's unit."""

    text: str
    metric: str
    operator: str
    number: float
    suffix: str
    for_seconds: float

    def threshold(self, unit: str | None) -> float:
        """Return the number in the metric's unit; without a suffix it is in that unit already.

        Raises:
            UsageError: If the suffix says something that the metric is not measured in.
        """
        if not self.suffix:
            return self.number
        sizes = _SUFFIXES.get(unit or "", {})
        if self.suffix in sizes:
            return self.number * sizes[self.suffix]
        plain = f"{self.metric} {self.operator} {self.number:g}"
        if unit is None:
            raise UsageError(
                f"nobody said what {self.metric} is measured in, so {self.number:g}{self.suffix} is not a number to compare it with",
                hint=f"Write the number as it is stored: {typed(plain)}",
            )
        raise UsageError(
            f"{self.metric} has the unit {unit}, which is not written with {self.suffix!r}",
            hint=f"Write {_WRITTEN.get(unit, 'the number alone')}",
        )


def typed(text: str) -> str:
    """Write the command line that has this expression."""
    return f"tracker backtest '{text}'"


def parse(text: str) -> AlertExpression:
    """Read METRIC OPERATOR NUMBER [for DURATION].

    Raises:
        UsageError: If it is something else; says what is wrong, at which character, and what to type.
    """
    if braces := re.search(r"[{}()\[\]]", text):
        _refuse(text, braces.start(), "PromQL is not evaluated, and labels cannot be chosen", _NAMED)
    for quote in "\"'`":
        if quote in text:
            rest = " ".join(text.replace(quote, " ").split())
            _refuse(text, text.index(quote), "a quote has no meaning inside the expression", typed(rest))
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        metric = text.split()[0] if text.split() else "error_ratio"
        _refuse(
            text,
            len(text.rstrip()),
            "there is no comparison",
            f"Put all of it into quotes, else the shell takes > for a file: {typed(f'{metric} > 0.01 for 2m')}",
        )
    metric, operator = shape["metric"].strip(), shape["operator"]
    _check_metric(text, metric, shape)
    if operator not in OPERATORS:
        meant = _MEANT.get(operator)
        better = typed(f"{metric} {meant}{shape['rest']}") if meant else "Use one of " + " ".join(OPERATORS)
        _refuse(text, shape.start("operator"), f"{operator!r} is no comparison", better)
    found = _FOR.search(shape["rest"])
    middle = shape["rest"][: found.start()] if found else shape["rest"]
    number, suffix = _number(text, shape, middle, shape["rest"][found.start() :] if found else "")
    for_seconds = _for(text, shape.start("rest") + found.end()) if found else 0.0
    return AlertExpression(" ".join(text.split()), metric, operator, number, suffix, for_seconds)


def _check_metric(text: str, metric: str, shape: re.Match[str]) -> None:
    start = len(text) - len(text.lstrip())
    what_follows = f"{shape['operator']}{shape['rest']}"
    if not metric:
        _refuse(text, start, "the metric is missing", typed(f"error_ratio {what_follows}"))
    if _NUMBER.match(metric) and not re.match(r"[^\W\d]", metric):
        flipped = shape["operator"].translate(str.maketrans("<>", "><"))
        right = shape["rest"].split() or ["error_ratio"]
        better = typed(" ".join([right[0], flipped, metric, *right[1:]]))
        _refuse(text, start, "the metric stands first, then the number", better)
    if _METRIC.fullmatch(metric):
        return
    wrong = _METRIC.match(metric)
    at = start + (wrong.end() if wrong else 0)
    if wrong and re.search(r"\s(and|or)\s", metric):
        _refuse(text, at, "one comparison at a time", "Try each of them alone")
    _refuse(
        text,
        at,
        "a metric's name is one word, and PromQL is not evaluated",
        typed(f"{wrong[0]} {what_follows}") if wrong and metric[wrong.end()].isspace() else _NAMED,
    )


def _number(text: str, shape: re.Match[str], middle: str, tail: str) -> tuple[float, str]:
    at = shape.start("rest") + len(middle) - len(middle.lstrip())
    start = f"{shape['metric'].strip()} {shape['operator']}"
    written = middle.strip()
    match = _NUMBER.fullmatch(written)
    if not written:
        _refuse(text, at, "the number is missing", typed(f"{start} 0.01 {tail}".strip()))
    if joined := re.search(r"\s(and|or|unless)\s", f"{middle} "):
        _refuse(
            text, shape.start("rest") + joined.start(1), "one comparison at a time", "Try each of them alone"
        )
    if match is None:
        _refuse(text, at, f"{written!r} is not a number", typed(f"{start} 0.01 {tail}".strip()))
    number, suffix = float(match[1]), match[2].strip()
    if not math.isfinite(number):
        _refuse(text, at, f"{match[1]} is too large for a number", "Write a smaller one")
    known = {each for sizes in _SUFFIXES.values() for each in sizes}
    if suffix and suffix not in known:
        at += match.start(2)
        if re.fullmatch(r",\d+", suffix):
            better = typed(f"{start} {written.replace(',', '.')} {tail}".strip())
            _refuse(text, at, "a number has a point, not a comma", better)
        if near := next((each for each in known if each.lower() == suffix.lower()), None):
            _refuse(text, at, f"{suffix!r} is not a unit", typed(f"{start} {match[1]}{near} {tail}".strip()))
        if duration := re.fullmatch(
            r"(\S*?)\s*\b(?:fo|fro|of|over|during|in)?\s*\b(\d+(?:ms|[smhdw]))", suffix
        ):
            better = typed(f"{start} {match[1]}{duration[1]} for {duration[2]}")
            _refuse(text, at, f"{suffix!r} is not a unit", better)
        _refuse(text, at, f"{suffix!r} is not a unit", "Units are %, ms, s, MB, MiB and /s, or none")
    return number, suffix


def _for(text: str, start: int) -> float:
    written = text[start:].strip()
    at = start + len(text[start:]) - len(text[start:].lstrip())
    before = " ".join(text[:start].split())
    if not written:
        _refuse(text, at, "the duration after 'for' is missing", typed(f"{before} 2m"))
    if re.fullmatch(r"\d+(\.\d+)?", written):
        _refuse(text, at, f"{written} of what?", f"{typed(f'{before} {written}s')}, or {written}m")
    try:
        seconds = duration_seconds(written)
    except UsageError as wrong:
        spelled = re.fullmatch(r"(\d+)\s*(ms|s|m|h|d|w)[a-z]*", written, re.IGNORECASE)
        better = typed(f"{before} {spelled[1]}{spelled[2].lower()}") if spelled else wrong.hint
        _refuse(text, at, wrong.message, better)
    if seconds > LONGEST_FOR_SECONDS:
        _refuse(text, at, f"{written} is more than a year", typed(f"{before} 5m"))
    return seconds


def _refuse(text: str, at: int, what: str, better: str) -> NoReturn:
    raise UsageError(f"{text!r}, character {at + 1}: {what}", hint=better)
