"""What all sources of JSON share: a file taken apart, fields read, trouble worded.

A file is one JSON document or JSON lines. What a document means is not known here.
Every piece of trouble names the file, the record and the field, in one line.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from tracker.errors import BadInputError, UsageError
from tracker.times import from_us, parse

MAX_BYTES = 64 << 20
"""The largest file that is read whole."""

MAX_RECORDS = 100_000
"""The most documents in one file."""

MAX_LINES = 2 * MAX_RECORDS
"""The most lines in one file, with those that are empty."""

_LONGEST_QUOTE = 60
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d", re.ASCII)
_PLACE = re.compile(r"\(byte (\d+)\)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years 1 and 9999: what lies outside is no instant of any source.
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799
_LARGEST_WHOLE = 1 << 53


@dataclass(frozen=True)
class Moment:
    """An instant as a source wrote it: where it lies, how exact it is, which offset it had."""

    at: datetime
    precision_seconds: float = 0.001
    utc_offset_minutes: int = 0


@dataclass(frozen=True)
class Document:
    """One JSON document: its value, its exact bytes, its file and, where there are several, its line."""

    value: Any
    raw: bytes
    where: str
    line: int | None = None
    element: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """How trouble with it begins: `alerts.json: line 3` is a subject, and so is `alerts.json: it`."""
        parts = [f"line {self.line}" if self.line else "", self.element]
        return f"{self.where}: {': '.join(part for part in parts if part) or 'it'}"

    @property
    def prefix(self) -> str:
        """How trouble with a part of it begins, before the part is named."""
        return self.place.removesuffix(": it")

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
        pieces = msgspec.json.decode(self.raw, type=list[msgspec.Raw])
        return [
            Document(value, bytes(piece), self.where, self.line, f"{kind} {number}", self.headers)
            for number, (value, piece) in enumerate(zip(self.value, pieces, strict=True), 1)
        ]

    def record(self, hint: str) -> "Record":
        """Take it as an object.

        Raises:
            BadInputError: If it is something else.
        """
        return Record.of(self.value, place=self.place, hint=hint)


def documents(data: bytes, *, where: str, hint: str) -> list[Document]:
    """Take a file apart: one JSON document, or one on each line.

    The place of a document is the file, with the line where there are several. A recorded
    request, with its headers beside its body, is read as its body.

    Raises:
        BadInputError: If it is empty, too large, not UTF-8 or not JSON; `hint` is what to type then.
    """
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{where}: {len(data)} bytes are more than {MAX_BYTES}", hint=hint)
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise BadInputError(f"{where}: it is empty", hint=hint)
    first, _, rest = data.lstrip().partition(b"\n")
    if rest.strip() and _opens(first) and _complete(first):
        # Counted before they are made: ten megabytes can have five million of them.
        if (count := data.count(b"\n") + 1) > MAX_LINES:
            raise BadInputError(f"{where}: {count} lines are more than {MAX_LINES}", hint=hint)
        lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
        if len(lines) > MAX_RECORDS:
            raise BadInputError(f"{where}: {len(lines)} lines are more than {MAX_RECORDS}", hint=hint)
        found = []
        for number, line in lines:
            raw = line.strip()
            value = decoded(raw, place=f"{where}: line {number}", hint=hint)
            found.append(_unwrapped(Document(value, raw, where, number)))
        return found
    return [_unwrapped(Document(decoded(data, place=where, hint=hint), data, where))]


def _unwrapped(document: Document) -> Document:
    """Take the body out of a recorded request, `{"headers": …, "body": …}`; its secrets stay outside."""
    value = document.value
    if (
        not isinstance(value, dict)
        or value.keys() != {"headers", "body"}
        or not isinstance(value["headers"], dict)
    ):
        return document
    body = msgspec.json.decode(document.raw, type=dict[str, msgspec.Raw])["body"]
    headers = {str(name).lower(): text for name, text in value["headers"].items() if isinstance(text, str)}
    return replace(document, value=value["body"], raw=bytes(body), headers=headers)


def _opens(line: bytes) -> bool:
    return line.lstrip()[:1] in (b"{", b"[")


def _complete(line: bytes) -> bool:
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
        said = str(wrong).removeprefix("JSON is malformed: ")
        if match := _PLACE.search(said):
            before = data[: int(match[1])]
            line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
            where = f"in line {line}, column {column}" if b"\n" in data.rstrip() else f"at column {column}"
            said = f"{said[: match.start()].strip()} {where}"
        raise BadInputError(f"{place}: it is not JSON: {said}", hint=hint) from wrong


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


@dataclass(frozen=True)
class Record:
    """An object of a document whose fields are read by name; a wrong one says where it stands.

    A field that is missing and a field that is null are the same: None.
    """

    fields: Mapping[str, Any]
    place: str
    hint: str
    path: str = ""

    @classmethod
    def of(cls, value: object, *, place: str, hint: str) -> "Record":
        """Take a decoded value as an object.

        Raises:
            BadInputError: If it is something else.
        """
        if not isinstance(value, dict):
            raise BadInputError(f"{place} is {quoted(value)}, not a JSON object", hint=hint)
        return cls(value, place, hint)

    def trouble(self, what: str) -> BadInputError:
        """Word what is wrong with this record."""
        return BadInputError(f"{self.place} {what}", hint=self.hint)

    def missing(self, name: str) -> BadInputError:
        """Say that it lacks a field."""
        return self.trouble(f"has no {self.path}{name}")

    def wrong(self, name: str, wanted: str) -> BadInputError:
        """Say that a field is not what it should be."""
        return self.trouble(f"has {self.path}{name} {quoted(self.fields.get(name))}, which is not {wanted}")

    def maybe_record(self, name: str) -> "Record | None":
        """Read an object, or None."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Record(value, self.place, self.hint, f"{self.path}{name}.")

    def record(self, name: str) -> "Record":
        """Read an object that must be there."""
        found = self.maybe_record(name)
        if found is None:
            raise self.missing(name)
        return found

    def maybe_text(self, name: str) -> str | None:
        """Read a text, or None; an empty one is None too."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return clean(value) or None

    def text(self, name: str) -> str:
        """Read a text that must be there, and not be empty."""
        found = self.maybe_text(name)
        if found is None:
            raise self.missing(name)
        return found

    def maybe_name(self, name: str) -> str | None:
        """Read a text, or a whole number as one, or None: ids come both ways."""
        value = self.fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_WHOLE:
            return str(value)
        return self.maybe_text(name)

    def name(self, name: str) -> str:
        """Read a text or a whole number that must be there."""
        found = self.maybe_name(name)
        if found is None:
            raise self.missing(name)
        return found

    def whole(self, name: str) -> int | None:
        """Read a whole number, or None; Sentry writes some of them as texts."""
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_WHOLE:
            return value
        raise self.wrong(name, "a whole number")

    def number(self, name: str) -> float | None:
        """Read a number, or None."""
        value = self.fields.get(name)
        if value is None:
            return None
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) <= _LARGEST_WHOLE
            and math.isfinite(value)
        ):
            return float(value)
        raise self.wrong(name, "a number")

    def texts(self, name: str) -> dict[str, str] | None:
        """Read an object whose values are texts, or None."""
        found = self.maybe_record(name)
        if found is None:
            return None
        for key, value in found.fields.items():
            if not isinstance(value, str):
                raise found.wrong(clean(key), "a text")
        return {clean(key): clean(value) for key, value in found.fields.items()}

    def maybe_moment(self, name: str, *, naive_is_utc: bool = False) -> Moment | None:
        """Read an instant, or None: RFC 3339, or seconds since 1970.

        More digits than microseconds are cut off. Seconds since 1970 are as exact as a millisecond.
        """
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return self._written(name, value, naive_is_utc=naive_is_utc)
        seconds = self.number(name)
        if seconds is None or not _EARLIEST_S <= seconds <= _LATEST_S:
            raise self.wrong(name, "an instant")
        return Moment(from_us(round(seconds * 1_000_000)))

    def _written(self, name: str, value: str, *, naive_is_utc: bool) -> Moment:
        if not _INSTANT.match(value):
            raise self.wrong(name, "an instant such as 2026-03-01T14:45:00Z")
        try:
            typed = parse(
                value, now=_EPOCH, default_zone=UTC if naive_is_utc else None, option=name, allow_future=True
            )
        except UsageError as wrong:
            raise self.wrong(name, "an instant such as 2026-03-01T14:45:00Z") from wrong
        return Moment(typed.at, max(typed.precision_seconds, 1e-6), typed.utc_offset_minutes)

    def moment(self, name: str) -> Moment:
        """Read an instant that must be there."""
        found = self.maybe_moment(name)
        if found is None:
            raise self.missing(name)
        return found
