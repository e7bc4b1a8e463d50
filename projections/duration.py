"""One duration, measured between two instants of which each may be known only roughly, and shown no more exactly."""

from dataclasses import dataclass
from datetime import datetime

from projections.points import Point
from tracker.times import spoken, utc

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Duration:
    """One duration in seconds. `from_` and `to` are instants; JSON names them `from` and `to`."""

    seconds: float | None
    at_least: float | None
    at_most: float | None
    state: str
    from_: datetime | None
    to: datetime | None
    formula: str

    def value(self) -> str:
        """Write how long it was, no more exactly than its ends are known."""
        if self.state == "recorded" and self.seconds is not None:
            return _to_the_minute(self.seconds) if _blurred(self) else spoken(self.seconds)
        if self.state == "uncertain" and self.at_most is not None:
            high, low = spoken(self.at_most), spoken(self.at_least or 0.0)
            if low == high:
                return f"about {high}"
            return f"{low} to {high}" if self.at_least else f"at most {high}"
        if self.state == "invalid" and self.from_ and self.to:
            return f"invalid: {utc(self.to)} lies before {utc(self.from_)}"
        return self.state.replace("_", " ")

    def said(self) -> str:
        return f"{self.value()}   ({self.formula})"


def _blurred(duration: Duration) -> bool:
    """Whether an end is known to the minute only."""
    if duration.at_least is None or duration.at_most is None:
        return False
    return duration.at_most - duration.at_least >= _MINUTE / 2


def _to_the_minute(seconds: float) -> str:
    minutes = int((seconds + _MINUTE / 2) // _MINUTE)
    return f"{minutes} min" if minutes < 60 else spoken(minutes * _MINUTE)


_WHEN = {
    "started": "it started",
    "detected": "it was detected",
    "declared": "it was declared",
    "fix deployed": "a fix was deployed",
    "recovered": "all was back",
    "resolved": "it was resolved",
    "on the integration branch": "the fix came there",
}
"""How a formula names an end that is missing."""


def unmeasured(
    state: str, formula: str, begins: datetime | None = None, ends: datetime | None = None
) -> Duration:
    return Duration(None, None, None, state, begins, ends, formula)


def between(
    formula: str, start: Point | None, end: Point | None, is_open: bool, not_applicable: str | None
) -> Duration:
    """Measure from one end to the other, or say why that is impossible; `not_applicable` is a reason against it.

    It is recorded where both ends were named, they surely come in that order, and their precision is no worse than
    the unit in which the duration is shown: minutes, from a day on hours.
    """
    if not_applicable is not None:
        return unmeasured("not_applicable", f"{formula}; {not_applicable}")
    if start is None or end is None:
        missing = _WHEN.get(formula.split(" → ")[0 if start is None else -1], "it was")
        return unmeasured(
            "pending" if is_open else "not_applicable",
            f"{formula}; when {missing} is not recorded",
            start.instant if start else None,
            end.instant if end else None,
        )
    if start == end:
        told = f"{formula}: nobody said more than {start.what}"
        return Duration(0.0, 0.0, 0.0, "recorded", start.earliest, end.earliest, told)
    told = formula if formula == f"{start.what} → {end.what}" else f"{formula}: {start.what} → {end.what}"
    least = (end.earliest - start.latest).total_seconds()
    most = (end.latest - start.earliest).total_seconds()
    if most < 0:
        return unmeasured("invalid", told, start.named or start.earliest, end.named or end.latest)
    if start.named is not None and end.named is not None and least >= 0:
        seconds = (end.named - start.named).total_seconds()
        if (most - least) / 2 <= (_MINUTE if seconds < _DAY else _HOUR):
            told += precision(most - least, seconds)
            return Duration(seconds, least, most, "recorded", start.named, end.named, told)
    return Duration(None, max(least, 0.0), most, "uncertain", start.earliest, end.latest, told)


def precision(spread: float, seconds: float) -> str:
    """Say how exactly a number is known, where that is less than the unit in which it is shown."""
    if spread / 2 > _MINUTE:
        return "; known to the hour"
    return "; known to the minute" if spread >= _MINUTE / 2 and seconds < _DAY else ""
