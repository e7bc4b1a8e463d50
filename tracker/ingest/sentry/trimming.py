"""Cutting what an error carries beside its message, so that one error is not stored with megabytes of extra data.

What is cut says so in its place. The JSON is never decoded whole: twenty megabytes of brackets
would become half a gigabyte of objects.
"""

import json
from collections.abc import Iterable

import msgspec

KEPT_BYTES = 256 << 10
"""The most that is stored of the errors of one envelope; Sentry itself accepts a megabyte."""
_MOST_MEMBERS = 200_000
_DEEPEST = 12
_NOTE_BYTES = 64
_LEAST_BYTES = 1024
"""What a large value keeps of itself before others are left out."""
_SMALLEST_BYTES = 512
"""Below this a value is cut as a text."""

_Raws = dict[str, msgspec.Raw]


class _KnownFields(msgspec.Struct, omit_defaults=True):
    """What SDKs send in an error: of one with very many members all else is left out."""

    event_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    timestamp: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    level: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    logger: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    platform: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    message: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    logentry: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    exception: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    culprit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    transaction: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    fingerprint: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    release: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    environment: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    server_name: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    tags: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    request: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    contexts: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    breadcrumbs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    extra: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def trimmed(error: bytes, most_bytes: int) -> bytes:
    """Return an error's JSON, with its large values cut where it has more bytes.

    Raises:
        ValueError, RecursionError: If it is not JSON.
    """
    if len(error) <= most_bytes:
        return error
    if not error.lstrip().startswith(b"{"):
        raise ValueError("an error is an object")
    try:
        fields = _fields(error)
    except msgspec.DecodeError:
        # Half a surrogate pair, NaN: JSON of JavaScript and Python that no other reader accepts.
        value = json.loads(error, parse_constant=lambda _: None)
        error = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        fields = _fields(error)
    return _object(fields, most_bytes, 1)


def _fields(error: bytes) -> _Raws:
    if error.count(b",") <= _MOST_MEMBERS:
        return msgspec.json.decode(error, type=_Raws)
    known = msgspec.json.decode(error, type=_KnownFields)
    fields = {name: getattr(known, name) for name in known.__struct_fields__}
    others = msgspec.Raw(_note("[cut: other fields]"))
    return {**{name: raw for name, raw in fields.items() if isinstance(raw, msgspec.Raw)}, "…": others}


def _cut(raw: msgspec.Raw, most_bytes: int, depth: int) -> bytes:
    """Return one value as it is, or cut; what is inside of it is not copied to be looked at."""
    value = memoryview(raw)
    if len(value) <= most_bytes:
        return bytes(value)
    if most_bytes >= _SMALLEST_BYTES and depth < _DEEPEST and bytes(value).count(b",") <= _MOST_MEMBERS:
        try:
            if value[0] == ord("{"):
                return _object(msgspec.json.decode(value, type=_Raws), most_bytes, depth + 1)
            if value[0] == ord("["):
                return _list(msgspec.json.decode(value, type=list[msgspec.Raw]), most_bytes, depth + 1)
        except msgspec.DecodeError:
            pass  # a name with half a surrogate pair
    return _text(value, most_bytes)


def _object(members: _Raws, most_bytes: int, depth: int) -> bytes:
    # A name may be as long as a value.
    names = {
        name: _cut(msgspec.Raw(msgspec.json.encode(name)), _SMALLEST_BYTES, depth) + b":" for name in members
    }
    sizes = [(len(names[name]) + 1, len(memoryview(raw))) for name, raw in members.items()]
    count = _fitting(sizes, most_bytes)
    kept = list(members.items())[:count]
    room = most_bytes - sum(around for around, _ in sizes[:count])
    shares = _shares([size for _, size in sizes[:count]], room)
    pieces = [names[name] + _cut(raw, share, depth) for (name, raw), share in zip(kept, shares, strict=True)]
    if count < len(members):
        pieces.append(b'"\xe2\x80\xa6":' + _note(f"[cut: {len(members) - count} more]"))
    return b"{" + b",".join(pieces) + b"}"


def _list(members: list[msgspec.Raw], most_bytes: int, depth: int) -> bytes:
    """Cut a list; its end stays: the innermost frame, the last exception, the newest breadcrumb."""
    sizes = [len(memoryview(raw)) for raw in members]
    count = _fitting([(1, size) for size in reversed(sizes)], most_bytes)
    start = len(members) - count
    shares = _shares(sizes[start:], most_bytes - count)
    pieces = [_cut(raw, share, depth) for raw, share in zip(members[start:], shares, strict=True)]
    if start:
        pieces.insert(0, _note(f"[cut: {start} more]"))
    return b"[" + b",".join(pieces) + b"]"


def _fitting(sizes: Iterable[tuple[int, int]], most_bytes: int) -> int:
    """Count the first members, each with the size of what is around its value, that fit with a part of each value."""
    least, used, count = min(_LEAST_BYTES, most_bytes // 8), 0, 0
    for around, size in sizes:
        used += around + min(size, least)
        if used > most_bytes:
            break
        count += 1
    return count


def _shares(sizes: list[int], room: int) -> list[int]:
    """Share room out: small values stay whole, large ones get the same each."""
    shares = [0] * len(sizes)
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    for place, index in enumerate(order):
        shares[index] = min(sizes[index], max(0, room) // (len(sizes) - place))
        room -= shares[index]
    return shares


def _text(raw: memoryview, most_bytes: int) -> bytes:
    """Return the beginning of a value as a text that says how long it was."""
    start = bytes(raw[: max(0, most_bytes // 2 - _NOTE_BYTES)])
    text = start.decode("utf-8", "ignore")
    if start[:1] == b'"':
        # An escape may have been cut through: a character, at most two of six bytes.
        for end in range(len(text), max(0, len(text) - 12), -1):
            try:
                text = json.loads(text[:end] + '"', strict=False)
                break
            except ValueError:
                continue
        else:
            text = ""
    return _note(f"{text}… [cut: {len(raw)} bytes]" if text else f"[cut: {len(raw)} bytes]")


def _note(text: str) -> bytes:
    return msgspec.json.encode(text.encode("utf-8", "replace").decode())
