"""Parsing the instants and durations that people type, and formatting them.

Inside, every instant is a timezone-aware `datetime` in UTC. A clock time without a
zone is refused: a report with a wrong hour is worse than one more keystroke.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tracker.clock_text import ClockText, ClockTextError, read_clock
from tracker.errors import UsageError
from tracker.zone_names import ZoneName, ZoneNameError

_RELATIVE = re.compile(r"(\d+)(s|m|h|d)-ago", re.ASCII)
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d|w)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Typed:
    """An instant as a person typed it, with its precision and its offset from UTC."""

    at: datetime
    precision_seconds: float
    utc_offset_minutes: int = 0


def zone(name: str) -> tzinfo:
    """Return the zone of this IANA name, or raise UsageError."""
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise UsageError(
            f"{name!r} is not a time zone", hint="Use a name such as Europe/Berlin, America/New_York or UTC"
        ) from unknown


def parse(
    text: str,
    *,
    now: datetime,
    default_zone: tzinfo | None = None,
    earliest: datetime | None = None,
    latest: datetime | None = None,
    option: str = "time",
    allow_future: bool = False,
) -> Typed:
    """Parse an instant as a person types it.

    A clock time takes the date that puts it between `earliest` and `latest` (an
    incident's start and end) when there is one, else the latest one past.

    Raises:
        UsageError: If it has no zone, is ambiguous, is in the future, or is not a time.
    """
    parser = _Parser(text.strip(), now, default_zone, earliest, latest, option)
    typed = parser.parse()
    if typed.at > now + timedelta(seconds=1) and not allow_future:
        raise parser.error(
            f"is {utc(typed.at)}, which is in the future",
            "Give the instant at which it happened, or leave the option out for now",
        )
    return typed


@dataclass(frozen=True)
class _Parser:
    raw: str
    now: datetime
    default_zone: tzinfo | None
    earliest: datetime | None
    latest: datetime | None
    option: str

    def error(self, problem: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.option}: {self.raw!r} {problem}", hint=hint)

    def parse(self) -> Typed:
        if self.raw == "now":
            return Typed(self.now, 0.001)
        if match := _RELATIVE.fullmatch(self.raw):
            unit = _SECONDS[match[2]]
            try:
                return Typed(self.now - timedelta(seconds=int(match[1]) * unit), float(unit))
            except OverflowError as too_long:
                raise self.error("is before the year 1") from too_long
        try:
            read = read_clock(self.raw)
        except ClockTextError as wrong:
            raise self.error(wrong.problem, wrong.hint) from wrong
        if read is None or read[1].strip():
            raise self.error("is not a time", "Type 14:45Z, 14:45+01:00, 2026-03-01T14:45:00Z, now or 5m-ago")
        return self._full(read[0]) if read[0].day else self._clock(read[0])

    def _full(self, clock: ClockText) -> Typed:
        try:
            local = datetime.fromisoformat(
                f"{clock.day}T{clock.hour:02d}:{clock.minute:02d}{clock.second or ':00'}{clock.fraction[:7]}"
            )
        except ValueError as wrong:
            raise self.error(f"is not a time: {wrong}", "Type 2026-03-01T14:45:00Z") from wrong
        return self._placed(local, clock.zone, _precision(clock))

    def _clock(self, clock: ClockText) -> Typed:
        precision = _precision(clock)
        try:
            of_day = time(
                clock.hour,
                clock.minute,
                int(clock.second[1:] or 0),
                int(f"{clock.fraction[1:]:0<6}"[:6]),
            )
        except ValueError as wrong:
            raise self.error("is not a time of day", "Hours go from 00:00 to 23:59") from wrong
        anchor = min(self.now, self.latest) if self.latest else self.now
        # Two days to each side: the date is one of the typed zone, and offsets are up to 14 hours.
        around = {self.now.date(), anchor.date(), *([self.earliest.date()] if self.earliest else [])}
        days = {day + timedelta(days=n) for day in around for n in (-2, -1, 0, 1, 2)}
        zone = clock.zone.tzinfo if clock.zone else self.default_zone
        places: list[tuple[datetime, datetime]] = []
        for day in sorted(days):
            local = datetime.combine(day, of_day)
            # Only for the chosen day an ambiguous hour is an error, not for the days around it.
            at = (
                local.replace(tzinfo=zone).astimezone(UTC)
                if zone
                else self._placed(local, None, precision).at
            )
            places.append((at, local))
        inside = []
        if self.earliest is not None:
            start = self.earliest - timedelta(seconds=precision)
            inside = [place for place in places if start < place[0] <= anchor]
        past = inside or [place for place in places if place[0] <= self.now]
        return self._placed(past[-1][1], clock.zone, precision)

    def _placed(self, local: datetime, named: ZoneName | None, precision: float) -> Typed:
        """Return a local time in the zone that was typed, else in the default zone."""
        zone = self.default_zone
        if named:
            try:
                minutes = named.offset_at(local)
                return Typed((local - timedelta(minutes=minutes)).replace(tzinfo=UTC), precision, minutes)
            except ZoneNameError as wrong:
                raise self.error(wrong.problem, wrong.hint) from wrong
            except OverflowError as outside:
                raise self.error("is outside the calendar") from outside
        if zone is None:
            suggestion = f"{self.raw}Z".replace(" ", "T")
            if not self.raw[-1].isdigit():  # in 24 hours, where it named the half of the day
                suggestion = f"{local:%Y-%m-%dT%H:%M}Z" if self.raw[4:5] == "-" else f"{local:%H:%M}Z"
            raise self.error(
                "has no time zone",
                f"Type {suggestion} for UTC, or add --at-tz Europe/Berlin (or set TRACKER_TZ)",
            )
        first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            is_gap = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local
            options = sorted({first.isoformat(timespec="minutes"), second.isoformat(timespec="minutes")})
            raise self.error(
                f"{'does not exist' if is_gap else 'comes twice'} on {local.date()} in {zone}, because the clocks change",
                "Type it with its offset: " + " or ".join(options),
            )
        moved = first.utcoffset() or timedelta()
        return Typed(first.astimezone(UTC), precision, round(moved.total_seconds() / 60))


def _precision(clock: ClockText) -> float:
    if not clock.second:
        return 60.0
    return 10.0 ** -(len(clock.fraction) - 1) if clock.fraction else 1.0


def duration_seconds(text: str) -> float:
    """Return `2m`, `1h30m` or `500ms` in seconds, or raise UsageError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise UsageError(f"{text!r} is not a duration", hint="Write 30s, 2m, 1h30m or 5d")
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def utc(at: datetime) -> str:
    """Format an instant as RFC 3339 in UTC with milliseconds: 2026-03-01T14:45:00.000Z."""
    at = at.astimezone(UTC)
    milliseconds = at.microsecond // 1000
    return (
        f"{at.year:04d}-{at.month:02d}-{at.day:02d}T"
        f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}.{milliseconds:03d}Z"
    )


def from_ms(milliseconds: int) -> datetime:
    """Return the instant this many milliseconds after 1970, in UTC."""
    return from_us(milliseconds * 1000)


def to_ms(at: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down."""
    return to_us(at) // 1000


def to_us(at: datetime) -> int:
    """Return whole microseconds since 1970, without going through a float."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the instant this many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def whole_seconds(seconds: float) -> int:
    """Round a duration to seconds, as everything does that is shown: 38.5 s is 39 s, and 39.5 s is 40 s."""
    return int(seconds + 0.5)


def spoken(seconds: float) -> str:
    """Format a duration for people: 40 s, 12 min, 1 h 05 min, 2 d 3 h; rounded to the unit that it ends with.

    Half a unit counts as one, so that 34 min 49 s is 35 min in every sentence and every table.
    """
    if not math.isfinite(seconds):
        return "an unknown time"
    total = whole_seconds(abs(seconds))
    sign = "-" if seconds < 0 and total else ""
    return f"{sign}{total} s" if total < 120 else sign + in_minutes(total)


def in_minutes(seconds: float) -> str:
    """Format a duration in minutes even if it is short, for a table whose other values are."""
    total = whole_seconds(abs(seconds))
    minutes = whole_seconds(total / 60)
    if minutes == 0:
        return "0 min" if total == 0 else "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = whole_seconds(total / 3600)
    return f"{hours // 24} d {hours % 24} h"


def date_of(text: str) -> date:
    """Parse a calendar date, YYYY-MM-DD, or raise UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"{text!r} is not a date", hint="Write it as 2026-03-01") from wrong
