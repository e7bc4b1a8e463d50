"""Which instant the times of a file mean: over midnight, and also where the newest line stands first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from tracker.clock_text import ClockText
from tracker.errors import UsageError
from tracker.ingest.notes.days import WrittenDay, order_of, resolved
from tracker.ingest.notes.messages import Message, WrongLineError
from tracker.times import Typed, parse

_HALF_DAY = timedelta(hours=12)
_SURELY_MIDNIGHT = timedelta(hours=18)
_OFFSET_HINT = "Add --at-tz Europe/Berlin, or Z (for UTC) to the time of each line"
_MIDNIGHT_HINT = "Put the date before its time: 2026-03-01 14:50"


@dataclass(frozen=True)
class Place:
    """Where a file's times lie: the date of its first line, the zone of times without one, and the incident's span."""

    date: date | None
    date_order: str | None
    zone: tzinfo | None
    now: datetime
    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True)
class Placed:
    """The instants of messages, in their order; `newest_first` tells that this was the order of time reversed."""

    instants: list[Typed]
    newest_first: bool
    wrong: list[tuple[int, WrongLineError]]


def place(messages: Sequence[Message], where: Place) -> Placed:
    """Say which instant each message means.

    A clock time takes the date of the line above, or `where.date`; one that lies more than 12 hours before the
    line above is the next day's. In a file whose times only decrease, one that lies more than 12 hours after
    the line above is of the day before. Without any date each falls where `tracker.times.parse` puts it.
    """
    days, wrong = _days(messages, where)
    falls, unclear = _is_newest_first(messages, days)
    if unclear is not None:
        problem = (
            "it may be of the same day as the line above, or of the day before: the times above only decrease"
        )
        wrong.append((unclear, WrongLineError(problem, _MIDNIGHT_HINT)))
    instants: list[Typed] = []
    day, before = where.date, None
    for message in messages:
        day = days.get(message.number, day)
        try:
            if day is None:
                typed = _instant(message, message.clock.clock, where)
            else:
                if message.number not in days and before is not None:
                    day = _over_midnight(day, message, before, where.zone, falls=falls)
                typed = _instant(message, f"{day.isoformat()}T{message.clock.clock}", where)
            before = typed.at
            instants.append(typed)
        except WrongLineError as problem:
            wrong.append((message.number, problem))
        except OverflowError:
            wrong.append((message.number, WrongLineError("it lies outside the calendar", "Check the year")))
    if not wrong and all(message.number in days for message in messages):
        falls = _only_falls([typed.at for typed in instants])
    return Placed(instants, falls, wrong)


def _days(
    messages: Sequence[Message], where: Place
) -> tuple[dict[int, date], list[tuple[int, WrongLineError]]]:
    """Return the dates that lines name, by line."""
    named = [(message.number, message.day) for message in messages if message.day is not None]
    days: dict[int, date] = {}
    wrong: list[tuple[int, WrongLineError]] = []
    above: tuple[WrittenDay, date] | None = None
    try:
        order = order_of((day for _, day in named), where.date, where.date_order)
    except UsageError as unclear:
        return days, [(named[0][0], WrongLineError(unclear.message, unclear.hint))]
    for number, day in named:
        try:
            days[number] = resolved(day, order, above, where.date, where.now.date())
            above = (day, days[number])
        except UsageError as unclear:
            wrong.append((number, WrongLineError(unclear.message, unclear.hint)))
    for message in messages:
        if message.clock.day:
            try:
                days[message.number] = date.fromisoformat(message.clock.day)
            except ValueError as problem:
                hint = "Type 2026-03-01T14:45:00Z"
                wrong.append(
                    (message.number, WrongLineError(f"{message.clock.day!r} is not a time: {problem}", hint))
                )
    return days, wrong


def _is_newest_first(messages: Sequence[Message], days: dict[int, date]) -> tuple[bool, int | None]:
    """Whether times only decrease, but for jumps over midnight; and a line whose jump is too short to be sure."""
    falls, unclear = False, None
    for above, below in pairwise(messages):
        if below.number in days and days.get(above.number) != days[below.number]:
            continue
        step = _wall(below.clock) - _wall(above.clock)
        if timedelta() < step <= _HALF_DAY or step < -_HALF_DAY:
            return False, None
        falls = falls or step < timedelta()
        if _HALF_DAY < step < _SURELY_MIDNIGHT and below.number not in days:
            unclear = unclear or below.number
    return falls, unclear if falls else None


def _only_falls(instants: Sequence[datetime]) -> bool:
    return all(below <= above for above, below in pairwise(instants)) and len(set(instants)) > 1


def _wall(clock: ClockText, day: date = date.min) -> datetime:
    try:
        return datetime.combine(day, time.fromisoformat(clock.clock[:15]))
    except ValueError:
        return datetime.combine(day, time(clock.hour, clock.minute))


def _over_midnight(
    day: date, message: Message, before: datetime, zone: tzinfo | None, *, falls: bool
) -> date:
    # By the wall clock, since the same hour of the day before may be one that a clock change spoils.
    own = message.clock.zone.tzinfo if message.clock.zone else zone
    if own is None:
        return day
    above = before.astimezone(own).replace(tzinfo=None)
    try:
        step = _wall(message.clock, day) - above
        if step < -_HALF_DAY:
            return day + timedelta(days=1)
        return day - timedelta(days=1) if falls and step > _HALF_DAY else day
    except OverflowError:
        return day


def _instant(message: Message, text: str, where: Place) -> Typed:
    option = f"line {message.number}"
    written = message.clock.zone.written if message.clock.zone else ""
    typed = f"{text}{' ' if written[:1].isalpha() and written.upper() != 'Z' else ''}{written}"
    try:
        return parse(
            typed,
            now=where.now,
            default_zone=where.zone,
            earliest=where.earliest,
            latest=where.latest,
            option=option,
        )
    except UsageError as wrong:
        hint = _OFFSET_HINT if "no time zone" in wrong.message else wrong.hint or "Check the date"
        raise WrongLineError(wrong.message.removeprefix(f"{option}: "), hint) from wrong
    except (OverflowError, ValueError) as outside:
        raise WrongLineError(f"{typed!r} lies outside the calendar", "Check the year") from outside
