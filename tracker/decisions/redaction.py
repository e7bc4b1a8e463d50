"""Redaction: what is left of an event whose text is removed for good, and what may be removed.

Pure: the target and what is known in, an `EventRedacted` out, or RefusedError with the rule. The log
removes the text from the store.
"""

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import msgspec

from tracker.decisions.common import reason
from tracker.errors import BadInputError, RefusedError
from tracker.events.alerts import AlertFired, AlertResolved
from tracker.events.base import BY_ITSELF, Decision, Event, Recorded, encode, handle_of
from tracker.events.bundles import BundleImported
from tracker.events.changes import Change
from tracker.events.corrections import Correction, EventAmended, EventRedacted, amended
from tracker.events.housekeeping import AnnouncingSet, LogSealed, SettingsChanged
from tracker.events.incidents import FileAttached
from tracker.events.reviews import ReportPublished
from tracker.text.coded import look
from tracker.text.secrets import find_secrets, find_secrets_in_bytes
from tracker.times import utc

REDACTED = "[redacted]"

_POINTERS = (
    *("incident", "into", "target", "prepared", "message", "change", "decided_by", "claim"),
    *("inputs_hash",),
)
_NAMES = (
    *("source", "service", "services", "repository", "environment", "severity"),
    *("detected_by", "milestone", "kind", "stage", "resolution", "role", "status", "level"),
    *("window", "baseline", "verdict", "flags", "metric", "query", "unit", "codec"),
    *("judge_version", "template", "zone_name", "rule", "noticed_by", "action", "normal"),
    *("not_normal", "unknown", "what", "waived"),
)
"""Fields whose values are names from lists, or of services, metrics and sources: the structure that answers need."""
_IDENTITIES = (
    *("sha", "parents", "patch_id", "fork_point", "fingerprint", "error_id", "issue_id"),
    *("check_in_id", "run_id"),
)
_HASH = re.compile(
    r"[0-9a-f]{7,64}|[0-9]{1,20}|run-[0-9.]{1,30}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_VERSIONS = ("version", "release")
_VERSION = re.compile(
    r"(?:[\w.-]+@)?v?\d+(?:\.\d+)+(?:[-+.]?(?:alpha|beta|rc|dev|build|post|hotfix)?[.-]?\d*)?"
)
_PLACES = ("service", "incident", "incidents", "changes", "outbox", "actions", "silences", "samples")
_SHORTEST_COPY = 8
_SHORTEST_FACT = 12
_NUMBER = re.compile(r"[\d.:TZ+ -]{1,40}|true|false")
_WORDS = re.compile(r"\S\s+\S")


def redact(
    target: Recorded,
    *,
    by: str,
    now: datetime,
    why: str,
    payload: bytes = b"",
    keep: Collection[str] = (),
    corrects: Event | None = None,
    only: Collection[str] | None = None,
) -> EventRedacted:
    """Remove the text of an event, with its payload.

    `keep` are fields that stay readable. `corrects` is the event that the target corrects, if it
    does. With `only`, just the texts that contain one of these pieces are removed: that is for copies.

    Raises:
        RefusedError: If it was redacted already, has no text, or the log needs it for its proof.
        BadInputError: If there is no field of that name.
    """
    refuse_unredactable(target)
    why = reason(why, f"tracker redact {target.handle}")
    refuse_disclosing(why, pieces_of(target.event, payload) if only is None else list(only))
    _refuse_unknown(target.event, keep)
    left = left_of(target.event, keep=keep, corrects=corrects, only=only)
    if left == target.event and not payload:
        raise RefusedError(
            f"{target.handle} has no text: there is nothing to remove",
            hint=f"To retract it: tracker retract {target.handle} --why …",
        )
    return EventRedacted(
        occurred_at=now,
        decided_by=by,
        incident=target.event.incident if isinstance(target.event, Decision) else None,
        target=target.id,
        why=why,
        target_topic=left.TOPIC,
        digest=target.digest,
        left=encode(left),
        arrival=target.arrival_state,
    )


def refuse_unredactable(target: Recorded) -> None:
    """Refuse to redact what was redacted already, or what the log or its answers need."""
    event = target.event
    if target.redacted is not None:
        earlier = target.redacted
        raise RefusedError(
            f"{target.handle} was already redacted by {earlier.by} on {utc(earlier.at)}: {earlier.why}",
            hint=f"See what is left of it: tracker show {target.handle}",
        )
    if isinstance(event, EventRedacted):
        raise RefusedError(
            f"{target.handle} is a redaction: it proves that content was removed on purpose",
            hint=f"See what it removed: tracker show {handle_of(event.target)}",
        )
    if isinstance(event, BundleImported):
        raise RefusedError(
            f"{target.handle} identifies the log that {event.number} was imported from; it has no text",
            hint=f"The imported events can be redacted: tracker timeline {event.number}",
        )
    if isinstance(event, AnnouncingSet):
        raise RefusedError(f"{target.handle} says what serve announces where; it has no text")
    if isinstance(event, LogSealed):
        raise RefusedError(
            f"{target.handle} is a seal, part of the log's proof", hint="It has hashes, and no text"
        )
    if isinstance(event, SettingsChanged):
        raise RefusedError(
            f"{target.handle} is a copy of tracker.toml's metrics and limits, which verdicts depend on",
            hint="Secrets do not belong there: name an environment variable in tracker.toml, and rotate the secret",
        )


def refuse_disclosing(why: str, pieces: Collection[str]) -> None:
    """Refuse a reason that repeats what is to be removed: a redaction cannot be redacted."""
    words = {word.strip(".,:;!?()'\"`") for piece in pieces for word in piece.split()}
    disclosing = [word for word in words if len(word) >= _SHORTEST_COPY and not word.isalpha()]
    if find_secrets(why) or any(piece in why for piece in [*pieces, *disclosing]):
        raise RefusedError(
            "the reason repeats what is to be removed, and the reason of a redaction cannot be removed",
            hint="Use other words: --why 'a password was typed into a note'",
        )


def _refuse_unknown(event: Event, keep: Collection[str]) -> None:
    names = [info.name for info in msgspec.structs.fields(type(event))]
    for name in keep:
        if name not in names:
            raise BadInputError(
                f"a {event.TOPIC} event has no field {name!r} to keep",
                hint="Its fields are: " + ", ".join(names),
            )


# ── what is left ─────────────────────────────────────────────────────────────


def left_of(
    event: Event,
    *,
    keep: Collection[str] = (),
    corrects: Event | None = None,
    only: Collection[str] | None = None,
) -> Event:
    """Return the event without its texts: numbers, instants, hashes and the names of its structure stay.

    A version stays if it is a number, an identity if it is a hash. A text whose field is not listed
    here is removed, so that a new kind of event loses too much rather than too little.
    """
    if isinstance(event, FileAttached) and only is None:
        # The hash of a short file confirms a guess of its content.
        return msgspec.structs.replace(
            event, name=event.name if "name" in keep else REDACTED, sha256=b"", by_hash=False
        )
    fields: dict[str, Any] = {}
    for info in msgspec.structs.fields(type(event)):
        value = getattr(event, info.name)
        if info.name in keep:
            fields[info.name] = value
        elif isinstance(event, EventAmended) and info.name == "changes":
            fields["changes"] = _changes_left(value, corrects, only)
        else:
            fields[info.name] = _left(info.name, value, only)
    return type(event)(**fields)


def _left(name: str, value: Any, only: Collection[str] | None) -> Any:
    if isinstance(value, str):
        return _text_left(name, value, only)
    if isinstance(value, dict):
        if only is None:
            return {}
        return {key: _left("", item, only) for key, item in value.items() if not _contains(str(key), only)}
    if name == "target_scopes" and only is None:
        return tuple(scope for scope in value if scope.partition(":")[0] in _PLACES)
    if isinstance(value, tuple | list):
        kept = [_left(name, item, only) for item in value]
        # A list of nothing but "[redacted]" says nothing.
        return type(value)(item for item in kept if item != REDACTED or only is not None)
    if isinstance(value, msgspec.Struct):
        return type(value)(
            **{
                info.name: _left(info.name, getattr(value, info.name), only)
                for info in msgspec.structs.fields(type(value))
            }
        )
    return value


def _text_left(name: str, value: str, only: Collection[str] | None) -> str:
    if not value or name in _POINTERS:
        return value
    if only is not None:
        return REDACTED if name not in _NAMES and _contains(value, only) else value
    if find_secrets(value):
        return REDACTED
    if name in _NAMES or (name in _IDENTITIES and _HASH.fullmatch(value)):
        return value
    if name in _VERSIONS and (_VERSION.fullmatch(value) or _HASH.fullmatch(value)):
        return value
    return REDACTED


def _changes_left(
    changes: dict[str, Any], corrects: Event | None, only: Collection[str] | None
) -> dict[str, Any]:
    """Keep the instants, numbers and names of an amendment, so that it still matches the event that it amends."""
    left: dict[str, Any] = {}
    for name, value in changes.items():
        if not isinstance(value, str):
            left[name] = _left(name, value, only)
            continue
        kept = _text_left(name, value, only)
        if kept == value or corrects is None or _fits(corrects, name, kept):
            left[name] = kept
        elif _NUMBER.fullmatch(value):
            left[name] = value  # a day or a number, as it was typed
    return left


def _fits(event: Event, name: str, value: str) -> bool:
    try:
        amended(event, {name: value})
    except BadInputError:
        return False
    return True


def _contains(value: str, pieces: Collection[str]) -> bool:
    return look(value.encode("utf-8", "surrogatepass"), needles(pieces), is_packed=False).found


# ── copies ───────────────────────────────────────────────────────────────────


def pieces_of(event: Event, payload: bytes = b"", keep: Collection[str] = ()) -> list[str]:
    """Return the pieces of text that identify a copy of an event, the longest first.

    Each line that a person typed is one, and each secret; of observations only whole
    sentences are, because a name like HighErrorRatio is in many events.
    """
    pieces: set[str] = set()
    typed = isinstance(event, Decision)
    for name, text in _texts(event):
        if name in keep or name in _POINTERS or _text_left(name, text, None) == text:
            continue
        pieces.update(text[secret.start : secret.end] for secret in find_secrets(text))
        for line in text.splitlines():
            line = line.strip()
            if len(line) >= (_SHORTEST_COPY if typed else _SHORTEST_FACT) and (typed or _WORDS.search(line)):
                pieces.add(line)
    if payload:
        readable = payload.decode("utf-8", "replace")
        pieces.update(readable[secret.start : secret.end] for secret in find_secrets_in_bytes(payload))
    pieces.discard(REDACTED)
    return sorted(pieces, key=lambda piece: (-len(piece), piece))


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, msgspec.Struct):
        for info in msgspec.structs.fields(type(value)):
            yield from _texts(getattr(value, info.name), info.name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, str(key) if name == "changes" else "")
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item, name)


def needles(pieces: Collection[str]) -> list[bytes]:
    """Return these pieces as stores and payloads may contain them: as they are, as JSON and as older programs write them.

    `tracker.text.coded` undoes other codings.
    """
    written = []
    for piece in pieces:
        texts = (piece, json.dumps(piece, ensure_ascii=False)[1:-1], json.dumps(piece)[1:-1])
        written += [text.encode("utf-8", "surrogatepass") for text in texts]
        if _is_western(piece):
            written.append(piece.encode("cp1252"))
    return list(dict.fromkeys(written))


def _is_western(piece: str) -> bool:
    try:
        piece.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def goes_along(target: Event, other: Event) -> str | None:
    """Return why a copy is redacted with the target unasked; None if it is not.

    It is if it is about the same thing, or if the tracker wrote it.
    """
    if isinstance(other, Correction):
        return None
    if other.subject() == target.subject():
        return "another report of the same"
    if isinstance(other, ReportPublished):
        return "a report that quotes it"
    if isinstance(other, Decision) and other.decided_by == BY_ITSELF:
        return "the tracker quoted it"
    if _alert(target) is not None and _alert(target) == _alert(other):
        return "the same alert"
    if isinstance(target, Change) and isinstance(other, Change) and _rollout(target) == _rollout(other):
        return "the same rollout"
    return None


def _alert(event: Event) -> tuple[str, datetime] | None:
    if isinstance(event, AlertFired):
        return event.fingerprint, event.own_start
    return (event.fingerprint, event.started_at) if isinstance(event, AlertResolved) else None


def _rollout(event: Change) -> tuple[object, ...]:
    return event.source, event.service, event.environment, event.version, event.run_id
