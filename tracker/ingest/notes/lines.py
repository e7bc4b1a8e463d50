"""Notes that were written by hand: one line, one time, one note."""

import re

from tracker.clock_text import ClockText, ClockTextError, read_clock
from tracker.events.incidents import NOTE_KINDS
from tracker.ingest.notes.messages import Chat, Message, WrongLineError
from tracker.text.mojibake import shortened
from tracker.text.patterns import lazy_pattern

_BULLET = lazy_pattern(r"\s*(?:[-*+•–]\s+)?")
_OPENERS = {"[": "]", "(": ")", "**": "**", "`": "`"}
_AFTER = lazy_pattern(r"\s*(?:[:|,]|[-–—](?=\s|$))?\s*")
_KIND = lazy_pattern(r"(?:\[(?P<boxed>[A-Za-z-]+)\]\s*:?|(?P<plain>[A-Za-z-]+):)(?=\s|$)\s*")


def read_lines(lines: list[tuple[int, str]]) -> Chat:
    """Read one note from each line: a time, perhaps a kind, and what was noted.

    Indented lines without a time go on with the note above; blank lines and those with # are left out.
    """
    chat = Chat()
    lost = False
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            start = time_of(line)
            if start is None and line[0].isspace() and (chat.messages or lost):
                if not lost:
                    chat.messages[-1].lines.append(line.strip())
                continue
            lost = True  # until it turns out well: what is indented below a wrong line is no second mistake
            if start is None:
                raise WrongLineError(
                    f"{shortened(line)} does not start with a time",
                    "Begin each line with one, such as 14:50Z, or indent it to go on with the note above",
                )
            clock, rest = start
            kind, text = _kind_of(rest)
            chat.messages.append(Message(number, clock, kind=kind, lines=[text] if text else []))
            lost = False
        except WrongLineError as problem:
            chat.wrong.append((number, problem))
    chat.wrong += [
        (note.number, WrongLineError("there is a time and nothing after it", "Write what happened then"))
        for note in chat.messages
        if not note.text
    ]
    return chat


def time_of(line: str) -> tuple[ClockText, str] | None:
    """Take the time off the start of a line; None if there is none.

    Raises:
        WrongLineError: If it is none of a day, or what follows it could qualify it and is not understood.
    """
    body = line[_BULLET.match(line).end() :]  # type: ignore[union-attr]  # it matches the empty start too
    opener = next((o for o in _OPENERS if body.startswith(o)), "")
    inner = body[len(opener) :]
    try:
        found = read_clock(inner)
        if found is None:
            return None
        clock, rest = found
        if opener:
            closer = _OPENERS[opener]
            # **14:50:** is as common as **14:50**:
            if not rest.lstrip(" :").startswith(closer):
                return None
            rest = rest.lstrip(" :").removeprefix(closer)
            clock.refuse_qualifier(rest)
    except ClockTextError as wrong:
        shown = re.match(r"[\s:.\d]*[^\s:]*", inner)
        raise WrongLineError(
            f"{(shown[0] if shown else inner)[:30].strip()!r} {wrong.problem}", wrong.hint
        ) from wrong
    if rest and not re.match(r"[\s:|,–—-]", rest):
        return None
    return clock, rest[_AFTER.match(rest).end() :].rstrip()  # type: ignore[union-attr]


def _kind_of(text: str) -> tuple[str, str]:
    match = _KIND.match(text)
    if match is None:
        return "note", text
    word = (match["boxed"] or match["plain"]).lower()
    return (word, text[match.end() :]) if word in NOTE_KINDS else ("note", text)
