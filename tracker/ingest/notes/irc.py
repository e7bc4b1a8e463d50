"""Logs of IRC clients: irssi, WeeChat, HexChat, ZNC, mIRC."""

import re

from tracker.clock_text import ClockText, ClockTextError, read_clock
from tracker.ingest.notes.days import WrittenDay, read_day
from tracker.ingest.notes.messages import Chat, Message, WrongLineError
from tracker.text.mojibake import shortened
from tracker.text.patterns import lazy_pattern

_DAY_LINE = lazy_pattern(
    r"(?:-{2,3}|\*{3,4}|Session)[ \t].*?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? "
    r"(?P<start>\w+ +\d{1,2}|\d{1,2} +\w+)(?: +\d{1,2}:\d{2}(?::\d{2})?)?(?: [A-Z]{3,4})?,? (?P<year>\d{4})"
)
_SAID = lazy_pattern(r"\s*<(?P<status>[~&@%+! ]?)(?P<nick>[^\s<>]{1,40})>[ \t]?(?P<text>.*)")
_SAID_IN_COLUMNS = lazy_pattern(r"\t(?P<status>[~&@%+! ]?)(?P<nick>[^\s<>*-][^\s<>]{0,39})\t(?P<text>.*)")
_DONE = lazy_pattern(r"\s*\*[ \t]+(?P<status>[~&@%+!]?)(?P<nick>[^\s<>*]{1,40})[ \t](?P<text>.*)")
_EVENT = lazy_pattern(r"\s*(?:-!-|\*{3}|-->|<--|--(?=\s)|=!=|\*(?=\t)|-[\w.\[\]`^{}|:@/~!()-]+-\s)")
_CHANGE = lazy_pattern(
    r"(?:\([^)]*\) )?(?:has )?(?:joined|left|quit|parted|sets? mode|changed|is now known as|was kicked|kicked|disconnected)\b",
    re.IGNORECASE,
)


def is_irc(lines: list[tuple[int, str]]) -> bool:
    """Whether all lines are those of an IRC log, and somebody says something in it."""
    talks = False
    for _, line in lines:
        if not line.strip() or _DAY_LINE.match(line):
            continue
        try:
            start = _time_of(line)
        except ClockTextError:
            return False
        if start is None:
            return False
        talk = _SAID.match(start[2]) or _SAID_IN_COLUMNS.match(start[2])
        if not (talk or _DONE.match(start[2]) or _EVENT.match(start[2])):
            return False
        talks = talks or bool(talk)
    return talks


def read_irc(lines: list[tuple[int, str]]) -> Chat:
    """Read what was said, each with its nick; joins, modes and notices are left out."""
    chat = Chat()
    day: WrittenDay | None = None
    for number, line in lines:
        if not line.strip():
            continue
        if divider := _DAY_LINE.match(line):
            found = read_day(f"{divider['start']} {divider['year']}")
            if found is None:
                problem = f"{shortened(line)} names a day that cannot be read"
                chat.wrong.append((number, WrongLineError(problem)))
            day = found[0] if found else None
            continue
        start = _time_of(line)
        assert start is not None
        own_day, clock, rest = start
        if not (talk := _SAID.match(rest) or _SAID_IN_COLUMNS.match(rest)):
            done = _DONE.match(rest)
            if done is None or _CHANGE.match(done["text"]):
                chat.left_out += 1
                continue
            talk = done
        text = talk["text"].strip()
        if text:
            chat.messages.append(Message(number, clock, own_day or day, talk["nick"], lines=[text]))
            day = None
        else:
            chat.left_out += 1
    return chat


def _time_of(line: str) -> tuple[WrittenDay | None, ClockText, str] | None:
    body = line.removeprefix("[")
    day = None
    if (found := read_day(body)) and not re.match(r"\d{4}-\d\d-\d\d", body):
        day, body = found[0], found[1].lstrip()
    clock = read_clock(body)
    if clock is None:
        return None
    rest = clock[1]
    return day, clock[0], rest.removeprefix("]") if line.startswith("[") else rest
