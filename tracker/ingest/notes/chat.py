"""Chats as they are copied or exported as text: WhatsApp, Teams, Slack, Rocket.Chat, Discord, Telegram.

Each message begins with a header that names its time and its writer, and goes on until the next header. All headers
of a file have one shape. A line that looks like a header of another shape is refused: taken for text, it would give
one person's words to another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tracker.clock_text import ClockText, ClockTextError, read_clock
from tracker.ingest.notes.days import WrittenDay, is_unknown_day, read_day, whole_day
from tracker.ingest.notes.messages import Chat, Message, WrongLineError
from tracker.text.mojibake import shortened
from tracker.text.patterns import lazy_pattern
from tracker.zone_names import BLANK

_MARKS = lazy_pattern(r"[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_AT = lazy_pattern(rf"(?:,|{BLANK})*(?:(?:at|um|à|às|alle|om|kl\.?|a las){BLANK}+|[-–—]{BLANK})?{BLANK}*")
_DASHED = lazy_pattern(rf"(?P<stamp>\d.{{6,40}}?){BLANK}[-–]{BLANK}(?P<rest>.*)")
_BRACKETED = lazy_pattern(rf"\[(?P<stamp>[^\]]{{0,60}}\d{{1,2}}:\d{{2}}[^\]]{{0,60}})\]{BLANK}*(?P<rest>.*)")
_TRAILING = lazy_pattern(
    rf"(?P<name>\S.{{0,59}}?)(?:{BLANK}{{2,}}|{BLANK}[—–]{BLANK}|,?{BLANK}+(?=\[))"
    rf"(?P<stamp>\[?(?:{BLANK}|\w|[,./'’\-]){{0,60}}?\d{{1,2}}:\d{{2}}.{{0,12}})"
)
_INLINE = lazy_pattern(r"~?\s*(?P<name>[^:\"“”„«]{1,60}?)\s?:(?:\s+(?P<text>.*)|$)")
_SIZE, _PARTICLES = (
    60,
    ("de", "da", "del", "di", "von", "van", "der", "den", "la", "le", "el", "al", "bin", "ibn", "zu"),
)
_LONGEST_GAP = 60
"""Minutes after which a chat names the writer again."""
_ROLE = lazy_pattern(r"@\S+|(?:Admin|Owner|Moderator|Leader|Bot|APP|Guest)", re.IGNORECASE)
_EDITED = lazy_pattern(r"\s*(?:<This message was edited>|\((?:edited|bearbeitet|editado|modifié)\)|Edited)$")
_REACTION = lazy_pattern(
    r"(?:like|heart|laugh|surprised|sad|angry|gefällt mir|herz)\s+\d+|(?::[\w+-]+:|[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]+)\s*\d{1,3}|"
    r"\d+ (?:repl(?:y|ies)|Antwort(?:en)?)|Last reply .*|View thread|New(?: messages)?|Also sent to the channel",
    re.IGNORECASE,
)
_EMOJI = lazy_pattern(r":[\w+-]+:|[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]+")
_DATED = rf"\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}},?{BLANK}.*\d{{1,2}}[:.]\d{{2}}"
_LIKE_A_HEADER = {
    "dashed": lazy_pattern(rf"{_DATED}.*|\[{_DATED}[^\]]*\]{BLANK}*[^:]{{1,60}}:.*"),
    "bracketed": lazy_pattern(
        rf"\[[^\]]{{0,60}}\d{{1,2}}[:.]\d{{2}}[^\]]{{0,60}}\].*|{_DATED}.{{0,12}}{BLANK}[-–]{BLANK}[^:]{{1,60}}:.*"
    ),
    "trailing": lazy_pattern(
        rf"\S.{{0,59}}?(?:{BLANK}{{2,}}|{BLANK}[—–]{BLANK}|\[).{{0,20}}\d{{1,2}}:\d{{2}}.{{0,12}}|\d{{1,2}}:\d{{2}}(?:\W*\w{{1,4}}){{0,2}}\W*"
    ),
    "above": lazy_pattern(r"\s*(?:\w+,? (?:at )?)?\d{1,2}:\d{2}(?:\W*\w{1,4}){0,2}\W*"),
}
"""What is refused where it is no header that is understood."""
_NO_MESSAGE = lazy_pattern(
    r"(?:This message was deleted|You deleted this message|Message removed|Diese Nachricht wurde gelöscht)\.?"
    r"|(?:has |have |was |were )?(?:joined|left|added to|removed from) (?:#\S+|the (?:channel|group|chat|conversation))\b.*"
    r"|set the channel (?:topic|description|purpose).*"
    r"|.*(?:end-to-end encrypted|Ende-zu-Ende-verschlüsselt|de extremo a extremo|de bout en bout).*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Header:
    """Where a message begins. Without a name it goes on with the writer above; `is_event` if nobody says anything."""

    clock: ClockText
    day: WrittenDay | None
    name: str = ""
    text: str = ""
    is_event: bool = False
    first_line: int | None = None

    @property
    def shape(self) -> tuple[bool, bool, bool]:
        return self.day is None, not self.clock.second, self.clock.has_half


Lines = list[tuple[int, str]]


def read_chat(lines: Lines) -> Chat | None:
    """Read a copied or exported chat; None if it is none that is known."""
    lines = [(number, _MARKS.sub("", line).rstrip()) for number, line in lines]
    for name, find in (
        ("dashed", _dashed),
        ("bracketed", _bracketed),
        ("trailing", _trailing),
        ("above", _above),
    ):
        headers = find(lines)
        if headers:
            return _messages(lines, headers, _LIKE_A_HEADER[name])
    return None


def _messages(lines: Lines, headers: dict[int, _Header], like_a_header: re.Pattern[str]) -> Chat:
    """Cut a file at its headers, which are given by the index of their line."""
    chat = Chat()
    begins = {_start(index, header): (index, header) for index, header in headers.items()}
    shape = next(header.shape for header in headers.values() if header.name)
    message: Message | None = None
    day: WrittenDay | None = None
    is_event = False
    skip_to = -1
    for index, (number, line) in enumerate(lines):
        if index <= skip_to:
            continue
        try:
            if index in begins:
                skip_to, header = begins[index]
                if header.name and header.shape != shape:
                    raise _unlike(line)
                clock = header.clock
                if not header.name and not header.is_event:
                    clock = _going_on(clock, message, line, shape[2])
                author = header.name or (message.author if message else None)
                is_event = header.is_event
                message = Message(number, clock, header.day or day, author, lines=[header.text])
                day = None
                if is_event:
                    chat.left_out += 1
                else:
                    chat.messages.append(message)
            elif not line.strip():
                if message is not None:
                    message.lines.append("")
            elif like_a_header.fullmatch(line):
                raise _unlike(line)
            elif shape[0] and (divider := whole_day(line)):
                if divider.word == "weekday":
                    raise WrongLineError(
                        f"{shortened(line)} may be a day", "Write its date in place of the word"
                    )
                day = divider
            elif shape[0] and is_unknown_day(line):
                raise WrongLineError(f"{shortened(line)} may be a date", "Write it as 2026-03-01")
            elif message is None:
                chat.left_out += 1
            elif is_event:
                raise WrongLineError(f"{shortened(line)} stands below a line that names no writer")
            else:
                message.lines.append(line)
        except WrongLineError as problem:
            chat.wrong.append((number, problem))
    return _tidied(chat)


def _start(index: int, header: _Header) -> int:
    return index if header.first_line is None else header.first_line


def _unlike(line: str) -> WrongLineError:
    return WrongLineError(
        f"{shortened(line)} looks like the beginning of a message, but not as the others begin",
        "If it belongs to the message above, put a > before it",
    )


def _tidied(chat: Chat) -> Chat:
    """Take off reactions and the mark of an edited message; leave out what says nothing."""
    kept = []
    for message in chat.messages:
        rows = list(_without_reactions(message.lines))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()
        message.lines = [_EDITED.sub("", text)]
        if message.text and not _NO_MESSAGE.fullmatch(message.text):
            kept.append(message)
    chat.left_out += len(chat.messages) - len(kept)
    chat.messages = kept
    return chat


def _without_reactions(rows: list[str]) -> Iterator[str]:
    skip = False
    for number, row in enumerate(rows):
        below = rows[number + 1].strip() if number + 1 < len(rows) else ""
        if skip or (number and _REACTION.fullmatch(row.strip())):
            skip = False
        elif number and _EMOJI.fullmatch(row.strip()) and below.isdigit() and len(below) < 4:
            skip = True
        else:
            yield row


def _going_on(clock: ClockText, above: Message | None, line: str, has_half: bool) -> ClockText:
    """Return the time of what the writer above says next; of twelve hours it is the next one after the last.

    Raises:
        WrongLineError: If it does not follow soon, or is not written as such times are: it may belong to the words.
    """
    if above is None or (has_half and (clock.has_half or not 1 <= clock.hour <= 12)):
        raise _unlike(line)
    before = above.clock.hour * 60 + above.clock.minute
    hours = (clock.hour % 12, clock.hour % 12 + 12) if has_half else (clock.hour,)
    gap, hour = min(((hour * 60 + clock.minute - before) % 1440, hour) for hour in hours)
    if gap > _LONGEST_GAP:
        raise _unlike(line)
    return replace(clock, hour=hour, has_half=has_half)


def _stamp(text: str) -> tuple[WrittenDay | None, ClockText] | None:
    """Read a day and a time, in either order, that are the whole of a text."""
    text = text.strip().strip("[]").strip()
    found = read_day(text)
    day, body = (found[0], found[1][_AT.match(found[1]).end() :]) if found else (None, text)  # type: ignore[union-attr]
    clock = read_clock(body) if not re.match(r"\d{1,2}:.*,", body) else None
    if clock is not None:
        return (day, clock[0]) if not clock[1].strip() else None
    head, _, tail = text.rpartition(",")
    day_after = whole_day(tail) if head else None
    clock = read_clock(head) if day_after else None
    return (day_after, clock[0]) if clock and not clock[1].strip() else None


def _stamp_of(text: str) -> tuple[WrittenDay | None, ClockText] | None:
    """Read what should be the time of a header."""
    try:
        return _stamp(text)
    except ClockTextError:
        return None


def _is_name(text: str) -> bool:
    words = text.replace(",", " ").split()
    if not words or len(text) > _SIZE or len(words) > 6 or text[-1] in ".!?;:":
        return False
    return len(words) == 1 or all(not word[0].islower() or word in _PARTICLES for word in words)


def _plain_name(text: str) -> str:
    return re.sub(rf":[\w+-]+:|{BLANK}*APP$", "", text).strip(" ,~\t\u00a0\u202f")


def _matches(lines: Lines, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str], _Header]]:
    for index, (_, line) in enumerate(lines):
        match = pattern.fullmatch(line)
        stamp = _stamp_of(match["stamp"]) if match else None
        if match and stamp:
            yield index, match, _Header(stamp[1], stamp[0])


def _dashed(lines: Lines) -> dict[int, _Header] | None:
    """WhatsApp on Android: `18/11/26, 19:02 - Ana: text`."""
    headers = {}
    for index, match, header in _matches(lines, _DASHED):
        if header.day is not None or header.clock.day:
            headers[index] = _inline(header, match["rest"])
    return headers if _begins(lines, headers) and any(header.name for header in headers.values()) else None


def _bracketed(lines: Lines) -> dict[int, _Header] | None:
    """WhatsApp on a Mac or iPhone, `[18/11/26, 19:02:33] Ana: text`; Teams, `[2:26 PM] Ana` above the text."""
    found = list(_matches(lines, _BRACKETED))
    inline = any(_INLINE.fullmatch(match["rest"]) for _, match, _ in found)
    headers = {}
    for index, match, header in found:
        name = _plain_name(match["rest"])
        if inline:
            headers[index] = _inline(header, match["rest"])
        elif _is_name(name) and (
            " " in name or not "".join(line for _, line in lines[index + 1 : index + 2]).strip()
        ):
            headers[index] = replace(header, name=name)
        else:
            return None
    return headers if _begins(lines, headers) else None


def _inline(header: _Header, rest: str) -> _Header:
    match = _INLINE.fullmatch(rest)
    if match is None:
        return replace(header, is_event=True)
    return replace(header, name=match["name"].strip(), text=match["text"] or "")


def _trailing(lines: Lines) -> dict[int, _Header] | None:
    """Slack, `Ana  2:26 PM`, and `2:28` for what Ana says next; Discord, `Ana — Today at 14:26`; Telegram."""
    headers = {
        index: replace(header, name=_plain_name(match["name"]))
        for index, match, header in _matches(lines, _TRAILING)
    }
    if not _begins(lines, headers):
        return None
    return headers | {index: header for index, header in _stamps_alone(lines).items() if index not in headers}


def _stamps_alone(lines: Lines) -> dict[int, _Header]:
    found = {}
    for index, (_, line) in enumerate(lines):
        if re.search(r"\d:\d\d", line) and len(line) < _SIZE and (stamp := _stamp_of(line)):
            found[index] = _Header(stamp[1], stamp[0])
    return found


def _above(lines: Lines) -> dict[int, _Header] | None:
    """Rocket.Chat, Mattermost, Slack in a browser: the name, perhaps roles, and the time in a line of its own."""
    headers: dict[int, _Header] = {}
    alone = _stamps_alone(lines)
    is_indented = bool(alone) and lines[min(alone)][1][:1].isspace()
    for index, header in alone.items():
        if is_indented and not lines[index][1][:1].isspace():
            headers[index] = header
            continue
        start = index - 1
        while not is_indented and start > 0 and lines[start - 1][1].strip():
            start -= 1
        rows = [line.strip() for _, line in lines[max(start, 0) : index]]
        if not rows or not _is_name(_plain_name(rows[0])) or not all(map(_ROLE.fullmatch, rows[1:])):
            return None
        headers[index] = replace(header, name=_plain_name(rows[0]), first_line=start)
    return headers if _begins(lines, headers) else None


def _begins(lines: Lines, headers: dict[int, _Header]) -> bool:
    """Whether the first line that is neither blank nor a day begins a message."""
    starts = {_start(index, header) for index, header in headers.items()}
    first = next((i for i, (_, line) in enumerate(lines) if line.strip() and not whole_day(line)), None)
    return first in starts
