"""Chats as servers export them: JSON of Slack and of Rocket.Chat. Every message names its own instant."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tracker.errors import BadInputError
from tracker.text.patterns import lazy_pattern
from tracker.times import from_us

_TS = lazy_pattern(r"(\d{9,11})(?:\.(\d{1,6}))?", re.ASCII)
_SAYING = (
    *("bot_message", "me_message", "file_share", "thread_broadcast", "file_comment", "reply_broadcast"),
    *("", "assistant_app_thread"),
)
_MENTION = lazy_pattern(r"<(?P<kind>[@#!]?)(?P<what>[^|<>]+)(?:\|(?P<label>[^<>]*))?>")


@dataclass(frozen=True)
class ExportedMessage:
    """One message of an export; `where` names it in errors."""

    where: str
    at: datetime
    author: str
    text: str


@dataclass(frozen=True)
class Export:
    """The messages of an export, oldest first; `left_out` counts joins, deleted messages and the like."""

    messages: list[ExportedMessage]
    left_out: int
    newest_first: bool


def is_export(text: bytes) -> bool:
    """Whether a file is JSON and no text."""
    return bool(re.match(rb"\s*(?:\{|\[\s*[{\]])", text.removeprefix(b"\xef\xbb\xbf")))


def read_export(text: bytes, where: str, users: bytes | None = None) -> Export:
    """Read an export; `users` is the users.json that Slack writes beside the channels.

    Raises:
        BadInputError: If a message cannot be read; all of them are named, and none is taken.
    """
    given = _messages_in(_parsed(text, where), where)
    names = _users(_parsed(users, "the list of users")) if users else {}
    for message in given:
        names |= {key: name for key, name in _own_name(message).items() if key not in names}
    read: dict[tuple[str, str], ExportedMessage] = {}
    wrong: list[str] = []
    left_out = 0
    for number, message in enumerate(given, start=1):
        place = f"message {number}"
        try:
            one = (
                _slack(message, place, names)
                if "ts" in message and "u" not in message
                else _rocket(message, place)
            )
        except ValueError as problem:
            wrong.append(f"{place}: {problem}")
            continue
        if one is None:
            left_out += 1
        else:
            read[str(message.get("ts")), one.author] = one
    if wrong:
        more = [f"  and {len(wrong) - 10} more"] if len(wrong) > 10 else []
        raise BadInputError(
            "\n".join([f"{where}: {len(wrong)} messages cannot be read, so none was recorded"]
                      + [f"  {one}" for one in wrong[:10]] + more),
            hint="Export the channel again as JSON; Slack and Rocket.Chat are read",
        )  # fmt: skip
    messages = list(read.values())
    falls = len(messages) > 1 and messages[0].at > messages[-1].at
    if falls:
        messages.reverse()
    return Export(sorted(messages, key=lambda one: one.at), left_out, falls)


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise BadInputError(f"{where}: it is no JSON: {wrong}", hint="Export the channel again") from wrong


def _messages_in(found: Any, where: str) -> list[dict[str, Any]]:
    if isinstance(found, dict):
        found = found.get("messages")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInputError(
            f"{where}: it holds no list of messages",
            hint="Give one day of one channel of a Slack export, or an answer of conversations.history",
        )
    return found


def _users(found: Any) -> dict[str, str]:
    if isinstance(found, dict):
        found = found.get("members") or found.get("users") or []
    return {str(user["id"]): _name(user) for user in found if isinstance(user, dict) and user.get("id")}


def _name(user: Mapping[str, Any]) -> str:
    profile = user.get("profile") or user.get("user_profile") or {}
    for known in (profile, user):
        for key in ("display_name", "real_name", "name"):
            if isinstance(known, dict) and isinstance(known.get(key), str) and known[key].strip():
                return str(known[key]).strip()
    return str(user.get("id") or user.get("user") or "")


def _own_name(message: Mapping[str, Any]) -> dict[str, str]:
    user = message.get("user")
    return (
        {user: _name(message)}
        if isinstance(user, str) and isinstance(message.get("user_profile"), dict)
        else {}
    )


def _slack(message: Mapping[str, Any], where: str, names: Mapping[str, str]) -> ExportedMessage | None:
    subtype = message.get("subtype") or ""
    if message.get("type", "message") != "message" or subtype not in _SAYING or message.get("hidden"):
        return None
    match = _TS.fullmatch(str(message["ts"]))
    if match is None:
        raise ValueError(f"its ts is no instant: {str(message['ts'])[:40]!r}")
    at = from_us(int(match[1]) * 1_000_000 + int(f"{match[2] or '':0<6}"))
    bot = message.get("bot_profile")
    author = (
        names.get(str(message.get("user")))
        or message.get("username")
        or (bot.get("name") if isinstance(bot, dict) else None)
        or message.get("user")
    )
    if not isinstance(author, str) or not author.strip():
        raise ValueError("it names no user")
    raw = message.get("text") or ""
    if not isinstance(raw, str):
        raise ValueError("its text is no text")
    files = [
        f"[file: {file.get('name') or file.get('title')}]"
        for file in message.get("files") or ()
        if isinstance(file, dict) and (file.get("name") or file.get("title"))
    ]
    text = "\n".join([*filter(None, [_plain(raw, names)]), *files])
    return ExportedMessage(where, at, author.strip(), text) if text else None


def _plain(text: str, names: Mapping[str, str]) -> str:
    """Write Slack's markup as a reader sees it."""

    def shown(match: re.Match[str]) -> str:
        kind, what, label = match["kind"], match["what"], match["label"]
        if kind == "@":
            return f"@{label or names.get(what, what)}"
        if kind == "#":
            return f"#{label or what}"
        if kind == "!":
            return label or f"@{what.partition('^')[0]}"
        return f"{label} ({what})" if label and label not in what else what

    return html.unescape(_MENTION.sub(shown, text)).strip()


def _rocket(message: Mapping[str, Any], where: str) -> ExportedMessage | None:
    user, ts = message.get("u"), message.get("ts")
    if not isinstance(user, dict) or ts is None:
        raise ValueError("it is neither of Slack (ts, user) nor of Rocket.Chat (ts, u)")
    if message.get("t"):
        return None
    at = _instant(ts.get("$date") if isinstance(ts, dict) else ts)
    author, text = user.get("name") or user.get("username"), message.get("msg")
    if not isinstance(author, str) or not author.strip():
        raise ValueError("it names no user")
    if not isinstance(text, str) or not text.strip():
        return None
    return ExportedMessage(where, at, author.strip(), text.strip())


def _instant(value: Any) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
        at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as wrong:
        raise ValueError(f"its ts is no instant: {str(value)[:40]!r}") from wrong
    if at.tzinfo is None:
        raise ValueError(f"its ts has no time zone: {value!r}")
    return at.astimezone(UTC)
