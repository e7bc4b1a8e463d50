"""Notes that were written by hand during an incident: one line, one instant, one note.

A file is taken whole or refused whole, with every wrong line named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812  (the parameter is called date)
from datetime import datetime, timedelta, tzinfo

from tracker.errors import BadInputError, UsageError
from tracker.events.base import Incoming
from tracker.events.incidents import NOTE_KINDS, NoteAdded
from tracker.text.mojibake import find_mojibake as garbled
from tracker.text.mojibake import shortened
from tracker.text.patterns import lazy_pattern
from tracker.times import Typed, parse

_MOST_NAMED = 10
_HALF_DAY = timedelta(hours=12)

_BULLET = lazy_pattern(r"\s*(?:[-*+•–]\s+)?")
_ZONE = r"(?P<zone>\s*(?:Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}(?!\d)))?"
_STAMP = lazy_pattern(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ]\s*(?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)" + _ZONE,
    re.ASCII | re.IGNORECASE,
)
_CLOCK = lazy_pattern(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<rest>:\d{2}(?:\.\d{1,6})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\b\.?)?" + _ZONE,
    re.ASCII | re.IGNORECASE,
)
_OPENERS = {"[": "]", "(": ")", "**": "**", "`": "`"}
_AFTER = lazy_pattern(r"\s*(?:[:|,]|[-–—](?=\s|$))?\s*")
_KIND = lazy_pattern(r"(?:\[(?P<boxed>[A-Za-z-]+)\]\s*:?|(?P<plain>[A-Za-z-]+):)(?=\s|$)\s*")
_OFFSET_HINT = "Add --at-tz Europe/Berlin, or Z (for UTC) to the time of each line"
_UTF8_HINT = "Save the file as UTF-8, and give it again"


@dataclass
class _Note:
    number: int
    typed: Typed
    kind: str
    lines: list[str] = field(default_factory=list)


class _WrongLineError(Exception):
    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def read(
    text: bytes,
    *,
    where: str,
    incident: str,
    by: str,
    date: Date | None,
    zone: tzinfo | None,
    now: datetime,
    earliest: datetime | None,
    latest: datetime | None,
) -> list[Incoming]:
    """Read one note from each line: a time, perhaps a kind, and what was noted.

    A clock time takes `date`, or the date of a full stamp above it; one that lies more than
    12 hours before the line above is the next day's. Without either it falls between
    `earliest` and `latest` where it can, as `tracker.times.parse` says. Indented lines
    without a time go on with the note above; blank lines and those with # are left out.

    Raises:
        BadInputError: If a line is wrong; all of them are named, and none is taken.
    """
    notes: list[_Note] = []
    wrong: list[tuple[int, _WrongLineError]] = []
    day = date
    before: datetime | None = None
    lost = False
    for number, raw in _lines(text):
        try:
            line = _decoded(raw)
            if not line.strip() or line.startswith("#"):
                continue
            start = _time_of(line)
            if start is None and line[0].isspace() and (notes or lost):
                if not lost:
                    notes[-1].lines.append(line.strip())
                continue
            lost = True  # until it turns out well: what is indented below a wrong line is no second mistake
            if start is None:
                raise _WrongLineError(
                    f"{shortened(line)} does not start with a time",
                    "Begin each line with one, such as 14:50Z, or indent it to go on with the note above",
                )
            stamp, rest = start
            typed, day = _placed(
                stamp, f"line {number}", day, before, zone=zone, now=now, earliest=earliest, latest=latest
            )
            before = typed.at
            kind, said = _kind_of(rest)
            notes.append(_Note(number, typed, kind, [said] if said else []))
            lost = False
        except _WrongLineError as problem:
            wrong.append((number, problem))
    wrong += [
        (note.number, _WrongLineError("there is a time and nothing after it", "Write what happened then"))
        for note in notes
        if not note.lines
    ]
    if wrong:
        raise _refusal(where, sorted(wrong, key=lambda one: one[0]))
    return [
        Incoming(
            event=NoteAdded(
                occurred_at=note.typed.at,
                precision_seconds=note.typed.precision_seconds,
                utc_offset_minutes=note.typed.utc_offset_minutes,
                decided_by=by,
                incident=incident,
                text="\n".join(note.lines),
                kind=note.kind,
            )
        )
        for note in notes
    ]


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    text = text.removeprefix(b"\xef\xbb\xbf")
    return enumerate(re.split(rb"\r\n|\n|\r", text), start=1)


def _decoded(raw: bytes) -> str:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise _WrongLineError(f"byte {wrong.start + 1} is not UTF-8", _UTF8_HINT) from wrong
    if "\0" in line:
        raise _WrongLineError("it holds a zero byte, as UTF-16 and pictures do", _UTF8_HINT)
    if damage := garbled(line):
        raise _WrongLineError(damage, _UTF8_HINT)
    return line


@dataclass(frozen=True)
class _Stamp:
    """A time as a line gives it: the day if it names one, the clock in 24 hours, Z or an offset."""

    day: str
    clock: str
    zone: str


def _time_of(line: str) -> tuple[_Stamp, str] | None:
    """Take the time off the start of a line; None if there is none."""
    body = line[_BULLET.match(line).end() :]  # type: ignore[union-attr]  # it matches the empty start too
    opener = next((o for o in _OPENERS if body.startswith(o)), "")
    inner = body[len(opener) :]
    match = _STAMP.match(inner) or _CLOCK.match(inner)
    if match is None:
        return None
    rest = inner[match.end() :]
    if opener:
        closer = _OPENERS[opener]
        # **14:50:** is as common as **14:50**:
        if not rest.lstrip(" :").startswith(closer):
            return None
        rest = rest.lstrip(" :").removeprefix(closer)
    if rest and not re.match(r"[\s:|,–—-]", rest):
        return None
    found = match.groupdict()
    offset = (found["zone"] or "").strip().upper()
    if offset in ("UTC", "GMT"):
        offset = "Z"
    elif offset and offset != "Z":
        offset = offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
        if int(offset[1:3]) > 14 or offset[4:] not in ("00", "15", "30", "45"):
            raise _WrongLineError(
                f"{match[0].strip()!r} has no offset that any place has",
                "If you mean a span, write two lines: one when it began, one when it ended",
            )
    if "hour" in found:
        hour = int(found["hour"])
        if hour > 23 or found["minute"] > "59":
            raise _WrongLineError(
                f"{match[0].strip()!r} is not a time of day", "Hours go from 00:00 to 23:59"
            )
        if found["half"]:
            if not 1 <= hour <= 12:
                raise _WrongLineError(f"{match[0].strip()!r} is not a time of day", "Type 2:50 PM or 14:50")
            hour = hour % 12 + (12 if found["half"] in "pP" else 0)
        stamp = _Stamp("", f"{hour:02d}:{found['minute']}{found['rest'] or ''}", offset)
    else:
        stamp = _Stamp(found["day"], found["clock"], offset)
    return stamp, rest[_AFTER.match(rest).end() :].rstrip()  # type: ignore[union-attr]


def _kind_of(said: str) -> tuple[str, str]:
    match = _KIND.match(said)
    if match is None:
        return "note", said
    word = (match["boxed"] or match["plain"]).lower()
    return (word, said[match.end() :]) if word in NOTE_KINDS else ("note", said)


def _placed(
    stamp: _Stamp,
    option: str,
    day: Date | None,
    before: datetime | None,
    *,
    zone: tzinfo | None,
    now: datetime,
    earliest: datetime | None,
    latest: datetime | None,
) -> tuple[Typed, Date | None]:
    """Say which instant is meant, and which day the lines below belong to."""

    def instant(text: str) -> Typed:
        try:
            return parse(text, now=now, default_zone=zone, earliest=earliest, latest=latest, option=option)
        except UsageError as wrong:
            hint = _OFFSET_HINT if "no time zone" in wrong.message else wrong.hint or "Check the date"
            raise _WrongLineError(wrong.message.removeprefix(f"{option}: "), hint) from wrong
        except (OverflowError, ValueError) as outside:
            raise _WrongLineError(f"{text!r} lies outside the calendar", "Check the year") from outside

    if stamp.day:
        typed = instant(f"{stamp.day}T{stamp.clock}{stamp.zone}")
        return typed, Date.fromisoformat(stamp.day)
    if day is None:
        return instant(f"{stamp.clock}{stamp.zone}"), None
    try:
        # By the wall clock, since the same hour of the day before may be one that a clock change spoils.
        wall = datetime.fromisoformat(f"{day.isoformat()}T{stamp.clock}{stamp.zone}")
        if wall.tzinfo is None:
            wall = wall.replace(tzinfo=zone)
        if before is not None and wall.tzinfo is not None:
            above = before.astimezone(wall.tzinfo).replace(tzinfo=None)
            if above - wall.replace(tzinfo=None) > _HALF_DAY:
                day += timedelta(days=1)
    except (ValueError, OverflowError):
        pass  # Said better by the parser of times, next.
    return instant(f"{day.isoformat()}T{stamp.clock}{stamp.zone}"), day


def _refusal(where: str, wrong: list[tuple[int, _WrongLineError]]) -> BadInputError:
    hint = next((problem.hint for _, problem in wrong if problem.hint), "")
    if len(wrong) == 1:
        number, problem = wrong[0]
        return BadInputError(f"{where}: line {number}: {problem.why}", hint=hint)
    named = [f"  line {number}: {problem.why}" for number, problem in wrong[:_MOST_NAMED]]
    if len(wrong) > _MOST_NAMED:
        named.append(f"  and {len(wrong) - _MOST_NAMED} more")
    return BadInputError(
        "\n".join([f"{where}: {len(wrong)} lines cannot be read, so none was recorded", *named]), hint=hint
    )
