"""What all sources of JSON share: a file taken apart, fields read by name, problems worded.

A file is one JSON document or JSON lines. What a document means is not known here.
Every problem names the file, the record and the field, in one line.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

import msgspec

from tracker.errors import BadInputError, UsageError
from tracker.events.base import Arrival
from tracker.times import from_us, parse

T = TypeVar("T")

NO_ARRIVAL = Arrival()

MAX_BYTES = 64 << 20
"""The largest file that is read whole."""

MAX_RECORDS = 100_000
"""The most documents in one file, and the most records in one list."""

MAX_LINES = 2 * MAX_RECORDS
"""The most lines in one file, with those that are empty."""

_LONGEST_QUOTE = 60
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d", re.ASCII)
# GitLab writes 2021-04-28 21:50:00 +0200 and 2016-08-12 15:26:29 UTC.
_LOOSE_ZONE = re.compile(r" ?(?:UTC|([+-]\d{2})(\d{2}))$", re.ASCII)
_PLACE = re.compile(r"\(byte (\d+)\)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years 1 and 9999: no source has an instant outside.
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799
_LARGEST_WHOLE = 1 << 53


@dataclass(frozen=True)
class Moment:
    """An instant as a source wrote it: where it lies, how exact it is, which offset it had."""

    at: datetime
    precision_seconds: float = 0.001
    utc_offset_minutes: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        """The three fields of an event that happened then."""
        return {
            "occurred_at": self.at,
            "precision_seconds": self.precision_seconds,
            "utc_offset_minutes": self.utc_offset_minutes,
        }


@dataclass(frozen=True)
class Document:
    """One JSON document: its value, its exact bytes, its file and which part of the file it is.

    `headers` are those of a recorded request, with their names in small letters.
    """

    value: Any
    raw: bytes
    where: str
    part: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """How a problem with it begins: `alerts.json: line 3` is a subject, and so is `alerts.json: it`."""
        return f"{self.where}: {self.part or 'it'}"

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    def elements(self, kind: str) -> "list[Document]":
        """Take a list apart, each element with its own bytes; anything else is its only element.

        Raises:
            BadInputError: If it has more than MAX_RECORDS.
        """
        if not isinstance(self.value, list):
            return [self]
        if len(self.value) > MAX_RECORDS:
            raise BadInputError(
                f"{self.place} has {len(self.value)} {kind}s, more than {MAX_RECORDS}",
                hint="Give them in several files",
            )
        before = f"{self.part}: " if self.part else ""
        return [
            replace(self, value=value, raw=raw, part=f"{before}{kind} {number}")
            for number, (value, raw) in enumerate(zip(self.value, _pieces(self.raw), strict=True), 1)
        ]

    def record(self, hint: str, *, zone: tzinfo | None = None) -> "Record":
        """Take it as an object, whose instants without a zone are in `zone`.

        Raises:
            BadInputError: If it is something else.
        """
        more: Any = {"raw": self.raw, "headers": self.headers, "zone": zone}
        return Record.of(self.value, place=self.place, hint=hint, **more)


def records(
    data: bytes, *, where: str, hint: str, kind: str, zone: tzinfo | None = None
) -> "Iterator[Record]":
    """Read each object of a file; a list in it is taken apart, and its elements are called `kind`.

    Raises:
        BadInputError: If the file cannot be taken apart, or something in it is not an object.
    """
    for document in documents(data, where=where, hint=hint):
        for element in document.elements(kind):
            yield element.record(hint, zone=zone)


def documents(data: bytes, *, where: str, hint: str) -> list[Document]:
    """Take a file apart: one JSON document, or one on each line.

    A recorded request, with its headers beside its body, is read as its body.

    Raises:
        BadInputError: If it is empty, too large, not UTF-8 or not JSON; `hint` is what to type then.
    """
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{where}: {len(data)} bytes are more than {MAX_BYTES}", hint=hint)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise BadInputError(f"{where}: it is empty", hint=hint)
    first, _, rest = data.lstrip().partition(b"\n")
    if not (rest.strip() and first.lstrip()[:1] in (b"{", b"[") and _is_json(first)):
        return [_unwrapped(Document(decoded(data, place=where, hint=hint), data, where))]
    # Counted before they are made: ten megabytes can have five million of them.
    if (count := data.count(b"\n") + 1) > MAX_LINES:
        raise BadInputError(f"{where}: {count} lines are more than {MAX_LINES}", hint=hint)
    lines = [(number, raw) for number, line in enumerate(data.split(b"\n"), 1) if (raw := line.strip())]
    if len(lines) > MAX_RECORDS:
        raise BadInputError(f"{where}: {len(lines)} lines are more than {MAX_RECORDS}", hint=hint)
    return [
        _unwrapped(Document(decoded(raw, place=f"{where}: {part}", hint=hint), raw, where, part))
        for number, raw in lines
        for part in (f"line {number}",)
    ]


def _unwrapped(document: Document) -> Document:
    """Take the body out of a recorded request, `{"headers": …, "body": …}`; its secrets stay outside."""
    value = document.value
    if not (isinstance(value, dict) and value.keys() == {"headers", "body"}):
        return document
    if not isinstance(value["headers"], dict):
        return document
    headers = {str(name).lower(): text for name, text in value["headers"].items() if isinstance(text, str)}
    body = msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])["body"]
    return replace(document, value=value["body"], raw=bytes(body), headers=headers)


def _pieces(raw: bytes) -> list[bytes]:
    """Return the exact bytes of each element of a list."""
    return [bytes(piece) for piece in msgspec.json.decode(raw, type=list[msgspec.Raw])]


def _is_json(line: bytes) -> bool:
    try:
        _value(line)
    except (ValueError, RecursionError):
        return False
    return True


def _value(data: bytes) -> Any:
    # UTF-8 is asked for first: msgspec looks at it only inside of strings.
    data.decode()
    return msgspec.json.decode(data)


def decoded(data: bytes, *, place: str, hint: str) -> Any:
    """Decode one JSON document.

    Raises:
        BadInputError: If it is not one. NaN and half characters are not JSON.
    """
    try:
        return _value(data)
    except UnicodeDecodeError as wrong:
        raise BadInputError(f"{place}: it is not UTF-8: byte {wrong.start} of it", hint=hint) from wrong
    except RecursionError as deep:
        raise BadInputError(f"{place}: its JSON is nested too deep", hint=hint) from deep
    except ValueError as wrong:
        why = str(wrong).removeprefix("JSON is malformed: ")
        if match := _PLACE.search(why):
            before = data[: int(match[1])]
            line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
            where = f"in line {line}, column {column}" if b"\n" in data.rstrip() else f"at column {column}"
            why = f"{why[: match.start()].strip()} {where}"
        raise BadInputError(f"{place}: it is not JSON: {why}", hint=hint) from wrong


def clean(text: str) -> str:
    """Replace half characters, which JavaScript can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def quoted(value: object) -> str:
    """Show a value that is not what it should be, and not all of it when it is long."""
    # Neither lists nor whole numbers without end are written out: that can fail by itself.
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        return "a huge number"
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_QUOTE else shown[: _LONGEST_QUOTE - 1] + "…"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_WHOLE


@dataclass(frozen=True)
class Record:
    """An object of a document whose fields are read by name; a wrong one says where it is.

    A name may lead into inner objects: `head_commit.id`. A field that is missing, or whose
    object is, and a field that is null are the same: None, or an error where it must be there.
    An empty text is None too.
    """

    fields: Mapping[str, Any]
    place: str
    hint: str
    path: str = ""
    raw: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo | None = None

    @classmethod
    def of(cls, value: object, *, place: str, hint: str, **more: Any) -> "Record":
        """Take a decoded value as an object.

        Raises:
            BadInputError: If it is something else.
        """
        if not isinstance(value, dict):
            raise BadInputError(f"{place} is {quoted(value)}, not a JSON object", hint=hint)
        return cls(value, place, hint, **more)

    def problem(self, what: str) -> BadInputError:
        return BadInputError(f"{self.place} {what}", hint=self.hint)

    def missing(self, name: str) -> BadInputError:
        return self.problem(f"has no {self.path}{name}")

    def wrong(self, name: str, wanted: str) -> BadInputError:
        return self.problem(f"has {self.path}{name} {quoted(self.get(name))}, which is not {wanted}")

    def get(self, name: str) -> Any:
        """Return a field as it was decoded; an inner object that is something else is an error."""
        if "." in name:
            outer, _, name = name.rpartition(".")
            inner = self.maybe_record(outer)
            return inner.fields.get(name) if inner else None
        return self.fields.get(name)

    def _required(self, name: str, value: T | None) -> T:
        if value is None:
            raise self.missing(name)
        return value

    def maybe_record(self, name: str) -> "Record | None":
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return replace(self, fields=value, path=f"{self.path}{name}.", raw=b"")

    def record(self, name: str) -> "Record":
        return self._required(name, self.maybe_record(name))

    def inner(self, name: str) -> "Record":
        """Return an object; a missing one has no fields."""
        return self.maybe_record(name) or replace(self, fields={}, path=f"{self.path}{name}.", raw=b"")

    def records(self, name: str, *, most: int = MAX_RECORDS) -> "list[Record]":
        """Read a list of objects, each with its own bytes; a missing one is empty."""
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        if len(value) > most:
            raise self.problem(f"has {len(value)} {name}, more than {most}")
        pieces = _pieces(dict(self.raw_fields())[name]) if value and self.raw else [b""] * len(value)
        prefix = f"{self.place.removesuffix(': it')}: {name.removesuffix('s')}"
        return [
            Record.of(each, place=f"{prefix} {number}", hint=self.hint, raw=raw, zone=self.zone)
            for number, (each, raw) in enumerate(zip(value, pieces, strict=True), 1)
        ]

    def raw_fields(self) -> "Iterator[tuple[str, bytes]]":
        """Yield each field with its exact bytes."""
        for name, piece in msgspec.json.decode(self.raw, type=dict[str, msgspec.Raw]).items():
            yield name, bytes(piece)

    def maybe_text(self, name: str) -> str | None:
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return clean(value) or None

    def text(self, name: str) -> str:
        return self._required(name, self.maybe_text(name))

    def maybe_name(self, name: str) -> str | None:
        """Read a text, or a whole number as one: ids come both ways."""
        value = self.get(name)
        return str(value) if _is_whole(value) else self.maybe_text(name)

    def name(self, name: str) -> str:
        return self._required(name, self.maybe_name(name))

    def whole(self, name: str) -> int | None:
        """Read a whole number; Sentry writes some of them as texts."""
        value = self.get(name)
        if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII):
            return int(value)
        if value is not None and not _is_whole(value):
            raise self.wrong(name, "a whole number")
        return value  # type: ignore[no-any-return]

    def number(self, name: str) -> float | None:
        value = self.get(name)
        if value is None:
            return None
        if _is_whole(value) or (
            isinstance(value, float) and math.isfinite(value) and abs(value) <= _LARGEST_WHOLE
        ):
            return float(value)
        raise self.wrong(name, "a number")

    def texts(self, name: str) -> dict[str, str] | None:
        """Read an object whose values are texts."""
        inner = self.maybe_record(name)
        if inner is None:
            return None
        for key, value in inner.fields.items():
            if not isinstance(value, str):
                raise self.problem(f"has {inner.path}{clean(key)} {quoted(value)}, which is not a text")
        return {clean(key): clean(value) for key, value in inner.fields.items()}

    def maybe_moment(self, *names: str) -> Moment | None:
        """Read the first of these instants that is there: RFC 3339, or seconds since 1970.

        More digits than microseconds are cut off. Seconds since 1970 are as exact as a millisecond.
        """
        for name in names:
            value = self.get(name)
            if isinstance(value, str) and value:
                return self._written(name, value)
            if value is not None and value != "":
                seconds = self.number(name)
                if seconds is None or not _EARLIEST_S <= seconds <= _LATEST_S:
                    raise self.wrong(name, "an instant")
                return Moment(from_us(round(seconds * 1_000_000)))
        return None

    def moment(self, *names: str) -> Moment:
        return self._required(" or ".join(names), self.maybe_moment(*names))

    def _written(self, name: str, value: str) -> Moment:
        wanted = "an instant such as 2026-03-01T14:45:00Z"
        if not _INSTANT.match(value):
            raise self.wrong(name, wanted)
        value = _LOOSE_ZONE.sub(lambda zone: f"{zone[1]}:{zone[2]}" if zone[1] else "Z", value)
        try:
            typed = parse(value, now=_EPOCH, default_zone=self.zone, option=name, allow_future=True)
        except UsageError as unusable:
            raise self.wrong(name, wanted) from unusable
        return Moment(typed.at, max(typed.precision_seconds, 1e-6), typed.utc_offset_minutes)
