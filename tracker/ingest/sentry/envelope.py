"""What Sentry's SDKs send to a DSN: envelopes with errors and check-ins.

Everything else in an envelope is left out: sessions, transactions, profiles, logs,
metrics, client reports, attachments. sentry-sdk's own parser reads the items, one at
a time and behind limits of ours, for it believes any length and inflates without end.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

import msgspec

from tracker.errors import BadInputError
from tracker.events.alerts import CheckInRecorded, ErrorSeen
from tracker.events.base import Arrival, Incoming
from tracker.events.corrections import CLOCK_SECONDS
from tracker.ingest.documents import NO_ARRIVAL, Moment, Record, clean
from tracker.ingest.sentry.inflate import GZIP, HINT, ZLIB, ZSTD, inflate
from tracker.ingest.sentry.trimming import KEPT_BYTES, trimmed
from tracker.ingest.services import ServiceRules

WIRE_BYTES = 1 << 20
INFLATED_BYTES = 20 << 20
HEADER_BYTES = 64 << 10
MAX_ITEMS = 100

_TRANSIT = timedelta(minutes=1)
_REPLAYED = timedelta(days=1)

_WANTED = ("event", "check_in")
_RECEIVED = "received_bytes"
"""In the header of an item that is stored in part: how large it was."""
_HEADER_FIELDS = {"event_id", "dsn", "sdk", "sent_at", "trace"}
_BODY_FIELDS = {"action", "data", "event", "alert_reason"}
_LONGEST_TITLE = 300
_INNERMOST = 5
_DEFAULT_FINGERPRINT = re.compile(r"\{\{\s*default\s*\}\}")
_CHANGING = re.compile(
    r"'[^']*'|\"[^\"]*\"|0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\b|\d+"
)
# What a parser of JSON of unknown shape can fail with; sentry-sdk lets all of them through.
_PARSE_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class _Piece:
    """One item of an envelope that is read: its header and its bytes."""

    number: int
    header: dict[str, Any]
    header_line: bytes
    payload: bytes

    @property
    def type(self) -> str:
        return str(self.header["type"])

    def alone(self, envelope_header: bytes) -> bytes:
        """Return the envelope as if it held nothing else."""
        return b"\n".join((envelope_header, self.header_line, self.payload))

    def trimmed(self, most_bytes: int, place: str) -> "_Piece":
        """Return it with its large values cut."""
        if len(self.payload) <= most_bytes:
            return self
        if self.type != "event":
            raise BadInputError(f"{place}: its {self.type} has {len(self.payload)} bytes", hint=HINT)
        try:
            payload = trimmed(self.payload, most_bytes)
        except _PARSE_ERRORS as wrong:
            raise BadInputError(f"{place}: its {self.type} is not JSON", hint=HINT) from wrong
        header = {**self.header, "length": len(payload), _RECEIVED: len(self.payload)}
        return replace(self, header=header, header_line=json.dumps(header).encode(), payload=payload)


def read(
    data: bytes,
    *,
    where: str,
    rules: ServiceRules,
    arrival: Arrival = NO_ARRIVAL,
    project: str | None = None,
    content_encoding: str | None = None,
    wire_bytes: int = WIRE_BYTES,
    inflated_bytes: int = INFLATED_BYTES,
) -> list[Incoming]:
    """Read one envelope, as it came over the wire.

    The envelope's own DSN names the project, else `project` does (the route's), else it is
    "unknown". Without `content_encoding` gzip, zlib and zstd are known by their first bytes.
    An error is as old as its own timestamp, a check-in too where it has one (Python's do),
    else as its envelope (`sent_at`), else as its arrival: sentry-cli names no time at all. Where it was pushed,
    `sent_at` shows by how much the device's clock is off, and the instant is corrected by that.

    Raises:
        BadInputError: If a limit is passed, or a part is not what SDKs send; nothing is read then.
    """
    if len(data) > wire_bytes:
        raise BadInputError(f"{where}: {len(data)} bytes are more than {wire_bytes}", hint=HINT)
    body = inflate(data, where=where, content_encoding=content_encoding, most_bytes=inflated_bytes)
    header_line, _, rest = body.partition(b"\n")
    header_line = header_line.rstrip(b"\r")
    place = f"{where}: the envelope"
    # It is kept with each item.
    header = Record(_header(header_line, place), place, HINT)
    pieces = _split(rest, where)
    most_bytes = KEPT_BYTES // max(1, len(pieces))
    dsn = header.maybe_text("dsn")
    in_dsn = dsn.rstrip("/").rpartition("/")[2] if dsn and "/" in dsn else None
    project = in_dsn or project or "unknown"
    found: list[Incoming] = []
    for whole in pieces:
        place = f"{where}: item {whole.number}"
        piece = whole.trimmed(most_bytes, place)
        alone = piece.alone(header_line)
        record = _parsed(piece, alone, place)
        if piece.type == "event":
            event: ErrorSeen | CheckInRecorded = _error(record, header, rules, project, arrival)
            received_bytes = piece.header.get(_RECEIVED)
            # A sender's word for it counts for nothing.
            if piece is not whole or (arrival.via != "webhook" and _is_whole(received_bytes)):
                event = msgspec.structs.replace(event, received_bytes=received_bytes)
        else:
            event = _check_in(record, header, rules, project, arrival)
        found.append(Incoming(event=event, arrival=arrival, payload=alone))
    return found


def is_envelope(data: bytes) -> bool:
    """Tell an envelope from webhook bodies, which are JSON too, by its first two lines."""
    if data.startswith((GZIP, ZLIB, ZSTD)):
        return True
    first, _, rest = data.partition(b"\n")
    second = rest.partition(b"\n")[0].strip()
    try:
        header = json.loads(first)
        item = json.loads(second) if second else None
    except (ValueError, RecursionError):
        return False
    if not isinstance(header, dict) or _BODY_FIELDS & header.keys():
        return False
    if item is None:
        return not header or bool(_HEADER_FIELDS & header.keys())
    return isinstance(item, dict) and isinstance(item.get("type"), str) and not _BODY_FIELDS & item.keys()


# ── the envelope ─────────────────────────────────────────────────────────────


def _split(rest: bytes, where: str) -> list[_Piece]:
    """Take an envelope's items apart without believing them: no length beyond its end, few items."""
    pieces: list[_Piece] = []
    at = number = 0
    while at < len(rest):
        line_end = _line_end(rest, at)
        line = rest[at:line_end].strip()
        at = line_end + 1
        if not line:
            continue
        number += 1
        place = f"{where}: item {number}"
        if number > MAX_ITEMS:
            raise BadInputError(f"{where}: it has more than {MAX_ITEMS} items", hint=HINT)
        header = _header(line, place)
        length = header.get("length")
        if length is None:
            end = _line_end(rest, at)
        elif not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise BadInputError(f"{place} has a length that is not a whole number", hint=HINT)
        elif at + length > len(rest):
            raise BadInputError(
                f"{place} says that it has {length} bytes, and {max(len(rest) - at, 0)} follow", hint=HINT
            )
        else:
            end = at + length
            if rest[end : end + 2] not in (b"", b"\n", b"\r", b"\r\n") and rest[end : end + 1] != b"\n":
                raise BadInputError(f"{place} goes on after its {length} bytes", hint=HINT)
        if header.get("type") in _WANTED:
            pieces.append(_Piece(number, header, line, rest[at:end]))
        at = end if length is None else _line_end(rest, end)
        at += 1
    return pieces


def _line_end(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _header(line: bytes, place: str) -> dict[str, Any]:
    if len(line) > HEADER_BYTES:
        raise BadInputError(f"{place} has a header of {len(line)} bytes, more than {HEADER_BYTES}", hint=HINT)
    try:
        value = json.loads(line)
    except _PARSE_ERRORS as wrong:
        raise BadInputError(f"{place} has a header that is not JSON", hint=HINT) from wrong
    if not isinstance(value, dict):
        raise BadInputError(f"{place} has a header that is not an object", hint=HINT)
    return value


def _parsed(piece: _Piece, alone: bytes, place: str) -> Record:
    """Let sentry-sdk read one item."""
    # It takes 350 ms to import: not before there is something to read.
    from sentry_sdk.envelope import Envelope

    try:
        item = Envelope.deserialize(alone).items[0]
        value: Any = item.get_event() if piece.type == "event" else json.loads(item.get_bytes())
    except _PARSE_ERRORS as wrong:
        raise BadInputError(f"{place}: its {piece.type} is not JSON", hint=HINT) from wrong
    return Record.of(value, place=place, hint=HINT, zone=UTC)


# ── what SDKs say ────────────────────────────────────────────────────────────


def _corrected(moment: Moment, header: Record, arrival: Arrival) -> dict[str, Any]:
    """Return the instant of an event by the receiver's clock, and by how much the device's was off.

    The time between an event and `sent_at` is a delay, and stays. A device cannot send later than its envelope
    arrives; one that sent it more than a minute before is behind, but for more than a day: that was kept or replayed.
    Without `sent_at`, what is dated after the arrival happened then.
    """
    if arrival.received_at is None or arrival.via != "webhook":
        return moment.fields
    tolerance = timedelta(seconds=CLOCK_SECONDS)
    sent = header.maybe_moment("sent_at")
    ahead = sent.at - arrival.received_at if sent is not None else timedelta(0)
    if -_TRANSIT <= ahead <= tolerance or ahead < -_REPLAYED:
        ahead = moment.at - arrival.received_at
        if ahead <= tolerance:
            return moment.fields
    at = min(moment.at - ahead, arrival.received_at)
    return {**replace(moment, at=at).fields, "clock_off_seconds": round(ahead.total_seconds(), 3)}


def _error(record: Record, header: Record, rules: ServiceRules, project: str, arrival: Arrival) -> ErrorSeen:
    moment = record.maybe_moment("timestamp") or header.maybe_moment("sent_at")
    if moment is None:
        raise record.missing("timestamp")
    tags = tags_of(record)
    return ErrorSeen(
        **_corrected(moment, header, arrival),
        source="sentry-sdk",
        service=service_of(rules, project, tags),
        project=project,
        error_id=hex_id(record.maybe_text("event_id") or header.text("event_id")),
        title=_title(record),
        level=record.maybe_text("level") or "error",
        culprit=record.maybe_text("culprit") or record.maybe_text("transaction") or _culprit(record),
        release=record.maybe_name("release"),
        environment=record.maybe_text("environment"),
        group=group_of(record),
        tags=tags,
    )


def _check_in(
    record: Record, header: Record, rules: ServiceRules, project: str, arrival: Arrival
) -> CheckInRecorded:
    moment = record.maybe_moment("timestamp") or header.maybe_moment("sent_at")
    if moment is None and arrival.received_at is not None:
        moment = Moment(arrival.received_at)
    if moment is None:
        raise record.problem("has no timestamp, and its envelope no sent_at")
    return CheckInRecorded(
        **_corrected(moment, header, arrival),
        source="sentry-sdk",
        service=service_of(rules, project, {}) or rules.for_name(record.maybe_text("monitor_slug")),
        project=project,
        check_in_id=hex_id(record.text("check_in_id")),
        monitor=record.text("monitor_slug"),
        status=record.text("status"),
        duration_seconds=record.number("duration"),
        release=record.maybe_name("release"),
        environment=record.maybe_text("environment"),
    )


def hex_id(text: str) -> str:
    """Write an id of 32 hex digits one way: it comes with hyphens, without, and in capitals."""
    return text.replace("-", "").lower()


def service_of(rules: ServiceRules, project: str | None, tags: dict[str, str]) -> str | None:
    """Find the service of an error: that of its project, else the one that its tag `service` names."""
    return rules.for_project(project) or rules.for_name(tags.get("service"))


def tags_of(record: Record) -> dict[str, str]:
    """Read tags, an object or pairs; what is neither text nor a plain value is left out."""
    given = record.fields.get("tags")
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list):
        pairs = [(pair[0], pair[1]) for pair in given if isinstance(pair, list) and len(pair) == 2]
        pairs += [(pair.get("key"), pair.get("value")) for pair in given if isinstance(pair, dict)]
    else:
        pairs = []
    return {
        clean(name): clean(value) if isinstance(value, str) else json.dumps(value)
        for name, value in pairs
        if isinstance(name, str) and (isinstance(value, str | bool | float) or _is_whole(value))
    }


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and abs(value) < 1 << 64


def _exceptions(record: Record) -> list[dict[str, Any]]:
    """Return the exceptions; the last one reached the SDK."""
    given = record.fields.get("exception")
    values = given.get("values") if isinstance(given, dict) else given
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return clean(value) if isinstance(value, str) else ""


def _message(record: Record, *names: str) -> str:
    entry = record.fields.get("logentry")
    for given, name in ((entry, name) for name in names):
        if isinstance(given, dict) and _text(given, name):
            return _text(given, name)
    message = record.fields.get("message")
    if isinstance(message, dict):
        return next((_text(message, name) for name in names if _text(message, name)), "")
    return clean(message) if isinstance(message, str) else ""


def _title(record: Record) -> str:
    found = ""
    if exceptions := _exceptions(record):
        kind, value = _text(exceptions[-1], "type"), _text(exceptions[-1], "value")
        found = f"{kind}: {value}" if kind and value else kind or value
    found = (found or _message(record, "formatted", "message")).strip()
    line = found.splitlines()[0] if found else "(no title)"
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"


def _frames(exception: dict[str, Any]) -> list[str]:
    """Name the innermost frames of the application itself, outermost first."""
    stack = exception.get("stacktrace")
    values = stack.get("frames") if isinstance(stack, dict) else None
    frames = [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
    own = [each for each in frames if each.get("in_app") is True] or frames
    return [
        f"{_text(each, 'module') or _text(each, 'filename')} {_text(each, 'function')}"
        for each in own[-_INNERMOST:]
    ]


def _culprit(record: Record) -> str | None:
    exceptions = _exceptions(record)
    frames = _frames(exceptions[-1]) if exceptions else []
    return frames[-1].replace(" ", " in ", 1).strip() if frames else None


def group_of(record: Record) -> str:
    """Say what gathers the repeats of an error.

    The fingerprint that the application set, as it is written; else a hash over types,
    innermost own frames and the message without what changes: numbers, ids, quoted texts.
    Line numbers are no part of it, so that an edit elsewhere in the file keeps the group.
    """
    given = record.fields.get("fingerprint")
    if isinstance(given, list):
        parts = [clean(each) for each in given if isinstance(each, str)]
        if parts and not all(_DEFAULT_FINGERPRINT.fullmatch(each) for each in parts):
            named = [_DEFAULT_FINGERPRINT.sub(lambda _: _computed_group(record), each) for each in parts]
            return "fingerprint:" + ",".join(named)
    return "computed:" + _computed_group(record)


def _computed_group(record: Record) -> str:
    parts: list[str] = []
    for each in _exceptions(record):
        template = _CHANGING.sub("*", _text(each, "value"))
        parts += [_text(each, "type"), *_frames(each), template]
    if not parts:
        # The template is the same for all; what the SDK filled in is not.
        parts.append(_CHANGING.sub("*", _message(record, "message", "formatted")))
    # No secret depends on it: a short name for equal things.
    return hashlib.sha1("\n".join(parts).encode(), usedforsecurity=False).hexdigest()[:12]
