"""A proposed alert as it is typed: METRIC OPERATOR NUMBER [for DURATION], such as `error_ratio > 1% for 2m`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tracker.errors import UsageError
from tracker.times import duration_seconds

OPERATORS = (">", ">=", "<", "<=", "==", "!=")
LONGEST_FOR_SECONDS = 366 * 86400
SUFFIXES: dict[str, dict[str, float]] = {
    "ratio": {"%": 0.01},
    "percent": {"%": 1.0},
    "seconds": {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0},
    "bytes": {
        **{"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
        **{"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
    },
    "per_second": {"/s": 1.0},
    "count": {},
}
"""How a number may be written for a metric of each unit, and what it is multiplied by."""

_ANY_SUFFIX = sorted({suffix for suffixes in SUFFIXES.values() for suffix in suffixes}, key=len, reverse=True)
_WHOLE_SUFFIX = "|".join(rf"{suffix}(?!\w)" if suffix[-1].isalpha() else suffix for suffix in _ANY_SUFFIX)
_METRIC = re.compile(r"\s*(?P<metric>[^\W\d][\w.:-]*)\s*")
_OPERATOR = re.compile(r"(?P<operator>[<>=!]+)\s*")
_NUMBER = re.compile(
    rf"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<suffix>{_WHOLE_SUFFIX})?\s*", re.ASCII
)
_FOR = re.compile(r"for\b\s*(?P<duration>.*?)\s*\Z", re.IGNORECASE | re.DOTALL)
_JOINED = re.compile(r"(and|or|unless)\b", re.IGNORECASE)

_EXAMPLE = "Type, in quotes: tracker backtest 'error_ratio > 0.01 for 2m'"
_NO_PROMQL = "PromQL is not evaluated. Give the query a name in tracker.toml, [services.S.metrics.NAME], and collect it"
_NO_QUOTES = "Without quotes the shell takes > for a file. " + _EXAMPLE


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
            UsageError: If the suffix belongs to another unit.
        """
        if not self.suffix:
            return self.number
        suffixes = SUFFIXES.get(unit or "", {})
        if self.suffix not in suffixes:
            known = f"{self.metric} has the unit {unit}" if unit else f"{self.metric} has no unit"
            more = f", or with {' '.join(suffixes)}" if suffixes else ""
            raise UsageError(
                f"{known}, so {self.number:g}{self.suffix} cannot be compared with it",
                hint=f"Write the number alone, as it is stored{more}",
            )
        return self.number * suffixes[self.suffix]


def parse(text: str) -> AlertExpression:
    """Read an expression.

    Raises:
        UsageError: If it is something else; says at which character, and what to type.
    """
    hint = _NO_PROMQL if re.search(r"[{}()\[\]]", text) else _EXAMPLE
    metric = _METRIC.match(text)
    if metric is None:
        raise _wrong(text, 0, "a metric's name is missing", hint)
    operator = _OPERATOR.match(text, metric.end())
    if operator is None or operator["operator"] not in OPERATORS:
        what = f"the operator must be one of {' '.join(OPERATORS)}"
        raise _wrong(text, metric.end(), what, hint if re.search("[<>=!]", text) else _NO_QUOTES)
    number = _NUMBER.match(text, operator.end())
    if number is None:
        raise _wrong(text, operator.end(), "a number is missing", hint)
    if not math.isfinite(float(number["number"])):
        raise _wrong(text, operator.end(), f"{number['number']} is too large", hint)
    rest = _FOR.match(text, number.end())
    if rest is None and number.end() < len(text):
        if _JOINED.match(text, number.end()):
            raise _wrong(text, number.end(), "only one comparison can be tested", "Test each of them alone")
        raise _wrong(text, number.end(), f"'for' or a unit is expected: {' '.join(_ANY_SUFFIX)}", hint)
    return AlertExpression(
        text=" ".join(text.split()),
        metric=metric["metric"],
        operator=operator["operator"],
        number=float(number["number"]),
        suffix=number["suffix"] or "",
        for_seconds=_duration(text, rest) if rest else 0.0,
    )


def _duration(text: str, rest: re.Match[str]) -> float:
    try:
        seconds = duration_seconds(rest["duration"])
    except UsageError as error:
        raise _wrong(text, rest.start("duration"), error.message, error.hint or _EXAMPLE) from error
    if seconds > LONGEST_FOR_SECONDS:
        raise _wrong(text, rest.start("duration"), f"{rest['duration']} is more than a year", _EXAMPLE)
    return seconds


def _wrong(text: str, at: int, what: str, hint: str) -> UsageError:
    return UsageError(f"{text!r}, character {at + 1}: {what}", hint=hint)
